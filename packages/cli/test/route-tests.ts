import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Writable } from "node:stream";
import { main } from "pipehooks";

/** What `pipehooks test --json` says of one test. */
export interface RouteResult {
  readonly file: string;
  readonly name: string;
  readonly line: number;
  readonly status: "passed" | "failed" | "skipped";
  readonly failure?: {
    readonly line: number;
    readonly column: number;
    readonly message: string;
    readonly differences: readonly { what: string; expected: string; actual: string }[];
    readonly notes: readonly string[];
    readonly log: readonly string[];
  };
}

export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder of files in which the command runs in this process: to start one for each test would take most of the time. */
export interface Place extends AsyncDisposable {
  readonly path: string;
  write(name: string, content: string | Uint8Array): Promise<void>;
  run(...args: readonly string[]): Promise<Ended>;
  /** Runs `pipehooks test` and answers what it says of each test. */
  test(...args: readonly string[]): Promise<readonly RouteResult[]>;
}

export async function createPlace(files: Readonly<Record<string, string>>): Promise<Place> {
  const path = await mkdtemp(join(tmpdir(), "pipehooks-route-"));
  const write = async (name: string, content: string | Uint8Array) => {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), content);
  };
  for (const [name, text] of Object.entries(files)) await write(name, text);
  const run = async (...args: readonly string[]): Promise<Ended> => {
    const [stdout, stderr] = [collector(), collector()];
    const streams = { stdout: stdout.stream, stderr: stderr.stream, env: {} };
    const status = await main(args, streams);
    return { status, stdout: stdout.text(), stderr: stderr.text() };
  };
  return {
    path,
    write,
    run,
    async test(...args) {
      const named = args.some((arg) => arg.endsWith(".yaml")) ? [] : [path];
      const { stdout, stderr } = await run("test", ...named, ...args, "--json");
      if (stdout === "") throw new Error(stderr);
      const lines = stdout.trim().split("\n");
      return lines.slice(0, -1).map((line) => JSON.parse(line) as RouteResult);
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

/** One test of these steps (YAML, one a line) under a configuration: how it ended. */
export async function rehearse(config: string, ...steps: readonly string[]): Promise<RouteResult> {
  await using place = await createPlace({
    "pipehooks.yaml": config,
    "a.test.yaml": testFile(...steps),
  });
  const [result] = await place.test();
  if (result === undefined) throw new Error("no test was run");
  return result;
}

export function testFile(...steps: readonly string[]): string {
  const lines = steps.map((step) => `      - ${step}`);
  return ["tests:", "  - name: it", "    steps:", ...lines, ""].join("\n");
}

function collector(): { readonly stream: NodeJS.WriteStream; text(): string } {
  let all = "";
  const stream = new Writable({
    write(chunk, _encoding, done) {
      all += String(chunk);
      done();
    },
  });
  // Of a stream the command uses nothing else when it is no terminal.
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => all };
}
