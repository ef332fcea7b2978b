import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";

/** How a command ended. */
export interface Ended {
  /** Its own exit status, 128 + n after signal n, 127 when there is no such command, 126 when it cannot be run. */
  readonly status: number;
  /** Whether it could not be started at all: nobody else says so. */
  readonly neverRan: boolean;
  /** What happened, for people; undefined when it ended well. */
  readonly failure: string | undefined;
  /** Its exit code, or the name of the signal or of the error. */
  readonly code: string;
  /** The last of what it wrote to stderr. */
  readonly stderr: string;
}

const forwarded: readonly NodeJS.Signals[] = [
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGCONT",
  "SIGWINCH",
];
const tailBytes = 6 * 1024;
/** A background process may hold stderr open; the command is not waited for longer than this because of it. */
const stderrGraceMs = 1000;

/** Runs a command with our streams as its own; stderr also passes through here, for its end. */
export async function runChild(
  [command = "", ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Ended> {
  // Listening before there is a child: it may be seen running, and a signal sent, before this thread goes on.
  let child: ChildProcess | undefined;
  using _signals = forwardSignals((name) => child?.kill(name));
  child = spawn(command, args, { stdio: ["inherit", "inherit", "pipe"], env });
  const tail = keepTail(child);
  const [code, signal, error] = await endOf(child);
  await drained(child);
  const stderr = tail();
  if (error !== undefined) {
    const status = error.code === "ENOENT" ? 127 : 126;
    return {
      status,
      neverRan: true,
      failure: `${command} cannot be run: ${error.message}`,
      code: error.code ?? "",
      stderr,
    };
  }
  if (signal !== null) {
    return {
      status: 128 + constants.signals[signal],
      neverRan: false,
      failure: `${command} was ended by ${signal}`,
      code: signal,
      stderr,
    };
  }
  const failure = code === 0 ? undefined : `${command} ended with exit status ${code}`;
  return { status: code ?? 1, neverRan: false, failure, code: String(code), stderr };
}

function endOf(child: ChildProcess) {
  return new Promise<[number | null, NodeJS.Signals | null, NodeJS.ErrnoException?]>((resolve) => {
    child.once("error", (error) => resolve([null, null, error]));
    child.once("exit", (code, signal) => resolve([code, signal]));
  });
}

function keepTail({ stderr }: ChildProcess): () => string {
  let kept: Buffer[] = [];
  let bytes = 0;
  stderr?.on("data", (piece: Buffer) => {
    process.stderr.write(piece);
    kept.push(piece);
    bytes += piece.length;
    if (bytes < 16 * tailBytes) return;
    kept = [Buffer.concat(kept).subarray(-tailBytes)];
    bytes = tailBytes;
  });
  return () => {
    const all = Buffer.concat(kept);
    if (all.length <= tailBytes) return all.toString().trim();
    // From the first whole line on.
    const text = all.subarray(-tailBytes).toString();
    return `…${text.slice(text.indexOf("\n"))}`.trimEnd();
  };
}

async function drained({ stderr }: ChildProcess): Promise<void> {
  if (stderr === null || stderr.readableEnded || stderr.destroyed) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, stderrGraceMs);
    stderr.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
  stderr.destroy();
}

function forwardSignals(forward: (name: NodeJS.Signals) => void): Disposable {
  const handlers = forwarded.map((name) => {
    const handler = () => {
      // What is typed in a terminal (Ctrl-C, Ctrl-\) goes to the whole group: the command has it already.
      const typed =
        process.stdin.isTTY === true && ["SIGINT", "SIGQUIT", "SIGWINCH"].includes(name);
      if (!typed) forward(name);
    };
    process.on(name, handler);
    return [name, handler] as const;
  });
  return {
    [Symbol.dispose]() {
      for (const [name, handler] of handlers) process.off(name, handler);
    },
  };
}
