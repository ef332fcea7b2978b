import { spawn } from "node:child_process";
import { type Clock, HookError } from "@pipehooks/core";

export interface Command {
  /** The program and its leading arguments. */
  readonly program: readonly string[];
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly deadlineMs: number;
  /** Between asking it to end and killing it. */
  readonly graceMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** How a command ended. */
export interface CommandEnd {
  readonly code: number | null;
  readonly killedBy: string | null;
  readonly isOverdue: boolean;
  /** The last of what it said, both streams in the order in which they came. */
  readonly tail: string;
}

// Far more than is told, so that a secret that is cut at its beginning is none of that.
const longestTail = 65_536;

/**
 * Runs a program with a list of arguments, never through a shell. When the signal aborts or the deadline comes it is told to
 * end (SIGINT, by which dbt cancels its queries), and killed when it does not.
 * @throws HookError HOOK_FAILED when it cannot be started; REQUEST_INVALID when the system takes no command that long
 */
export function runCommand(command: Command): Promise<CommandEnd> {
  const { program, args, cwd, env, signal, clock } = command;
  const [file = "", ...leading] = program;
  const { promise, resolve, reject } = Promise.withResolvers<CommandEnd>();
  const isGroup = process.platform !== "win32";
  const all = [...leading, ...args];
  const child = started(file, all, () =>
    spawn(file, all, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own: what dbt starts is ended with it.
      detached: isGroup,
      shell: false,
      windowsHide: true,
    }),
  );
  let tail = "";
  let isOverdue = false;
  let kill: Disposable | undefined;

  const send = (name: "SIGINT" | "SIGKILL"): void => {
    if (child.pid === undefined) return;
    try {
      if (isGroup) process.kill(-child.pid, name);
      else child.kill(name);
    } catch {
      // It has ended already.
    }
  };
  const end = (): void => {
    send("SIGINT");
    // Real time: a child knows no other.
    const timer = setTimeout(() => send("SIGKILL"), command.graceMs);
    kill ??= { [Symbol.dispose]: () => clearTimeout(timer) };
  };
  const deadline = clock.timer(command.deadlineMs, () => {
    isOverdue = true;
    end();
  });
  const stop = (): void => {
    signal.removeEventListener("abort", end);
    deadline[Symbol.dispose]();
    kill?.[Symbol.dispose]();
  };

  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      tail = (tail + text).slice(-longestTail);
    });
  }
  child.on("error", (cause: NodeJS.ErrnoException) => {
    stop();
    reject(notStarted(file, cause));
  });
  child.on("close", (code, killedBy) => {
    stop();
    resolve({ code, killedBy, isOverdue, tail });
  });
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  return promise;
}

/** Some failures to start are thrown at once. */
function started<Child>(file: string, args: readonly string[], start: () => Child): Child {
  try {
    return start();
  } catch (thrown) {
    const cause = thrown as NodeJS.ErrnoException;
    if (cause.code !== "E2BIG") throw notStarted(file, cause);
    const longest = Math.max(...args.map((arg) => Buffer.byteLength(arg)));
    throw new HookError(
      "REQUEST_INVALID",
      `dbt: the command is longer than this system takes; its longest argument has ${longest} bytes. ` +
        'Pass less in "vars" (a key or a path, by which the project reads the rest), or select less.',
      { cause },
    );
  }
}

function notStarted(file: string, cause: NodeJS.ErrnoException): HookError {
  return new HookError(
    "HOOK_FAILED",
    `dbt: "${file}" could not be started (${cause.code ?? "no code"}). Install dbt, or say in "program" how it is started.`,
    { cause },
  );
}
