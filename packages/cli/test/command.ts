import {
  type ChildProcessWithoutNullStreams,
  execFile,
  spawn,
  spawnSync,
} from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";

// Many processes on few cores: what matters is that each ends, not how soon.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

/** The command, built. */
export const bin = fileURLToPath(new URL("../dist/bin.js", import.meta.url));

/** Of util-linux: runs a command in a terminal. */
const terminal = "script";
export const hasTerminal = spawnSync(terminal, ["-qec", "true", "/dev/null"]).status === 0;

/** How a command ended. */
export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  /** Resolves when what was written so far, on both streams, fits. */
  said(pattern: RegExp): Promise<void>;
}

/** A temporary folder in which the real command runs as a child process. */
export interface Folder extends AsyncDisposable {
  readonly path: string;
  run(args: readonly string[], options?: RunOptions): Promise<Ended>;
  start(args: readonly string[], options?: RunOptions): Started;
  /** What a command with `--json` printed: one value a line. */
  json<T = Record<string, unknown>>(args: readonly string[]): Promise<readonly T[]>;
  write(name: string, content: string | Uint8Array): Promise<void>;
  /** The same in a terminal (util-linux `script`); answers what was shown. */
  runInTerminal(args: readonly string[]): Promise<string>;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A folder with this `pipehooks.yaml`, taken away when it is disposed of. */
export async function createFolder(yaml?: string): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), "pipehooks-cli-"));
  const children = new Set<ChildProcessWithoutNullStreams>();
  const start = (args: readonly string[], { input, env }: RunOptions = {}): Started => {
    const { NO_COLOR: _no, FORCE_COLOR: _force, COLUMNS: _columns, ...inherited } = process.env;
    const child = spawn(process.execPath, [bin, ...args], {
      cwd: path,
      env: { ...inherited, ...env },
    });
    children.add(child);
    let [stdout, stderr] = ["", ""];
    const waiting = new Set<() => void>();
    const heard = () => {
      for (const check of waiting) check();
    };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      heard();
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      heard();
    });
    child.stdin.on("error", () => {});
    if (input !== undefined) child.stdin.end(input);
    else child.stdin.end();
    const ended = new Promise<Ended>((resolve) => {
      child.on("close", (status, signal) => {
        children.delete(child);
        resolve({ status, signal, stdout, stderr });
        heard();
      });
    });
    const said = (pattern: RegExp) =>
      new Promise<void>((resolve, reject) => {
        const check = () => {
          if (pattern.test(stdout) || pattern.test(stderr)) resolve();
          else if (!children.has(child)) {
            reject(new Error(`It ended without saying ${pattern}:\n${stdout}${stderr}`));
          } else return;
          waiting.delete(check);
        };
        waiting.add(check);
        check();
      });
    return { child, ended, said };
  };
  const folder: Folder = {
    path,
    start,
    run: (args, options) => start(args, options).ended,
    async json<T>(args: readonly string[]) {
      const { stdout } = await folder.run([...args, "--json"]);
      return linesOf(stdout).map((line) => JSON.parse(line) as T);
    },
    write: (name, content) => writeFile(join(path, name), content),
    runInTerminal(args) {
      const line = [process.execPath, bin, ...args].map((part) => `'${part}'`).join(" ");
      return new Promise((resolve) => {
        execFile(terminal, ["-qec", line, "/dev/null"], { cwd: path }, (_error, stdout) =>
          resolve(stdout),
        );
      });
    },
    async [Symbol.asyncDispose]() {
      for (const child of children) child.kill("SIGKILL");
      await rm(path, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  if (yaml !== undefined) await folder.write("pipehooks.yaml", yaml);
  return folder;
}

export function linesOf(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** A file with one webhook to `url`; `more` is YAML under the hook, indented by four. */
export function webhookTo(url: string, more = ""): string {
  return `version: 1
source: /tests
hooks:
  - name: ops
    kind: webhook
    events: "*"
    retry: { attempts: 2, base: 100ms, jitter: none }
    options: { url: "${url}", allow_private: true }
${more}`;
}
