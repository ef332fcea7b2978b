import { spawn } from "node:child_process";

/** How a command ended, and everything it said, in order. */
export interface Ended {
  readonly ok: boolean;
  readonly output: string;
  /** What of it came on stdout. */
  readonly stdout: string;
}

interface RunOptions {
  readonly cwd?: string;
  /** Milliseconds after which it is ended. @default never */
  readonly timeout?: number;
}

/** Runs a command with its output held back, so that it is shown only where it matters. */
export function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>();
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.on("error", (error) => resolve({ ok: false, output: error.message, stdout }));
  child.on("close", (code) => resolve({ ok: code === 0, output, stdout }));
  return promise;
}
