import { type ChildProcess, spawn } from "node:child_process";
import { statSync } from "node:fs";
import type { Context, ExitStatus } from "../command.ts";
import { listenForStop } from "../stopping.ts";
import { plural } from "../text.ts";
import { shortened } from "./report.ts";

/** What a run tells its watcher. */
interface Needed {
  readonly pipehooksNeeds: readonly string[];
}

/** How often it is looked whether there are new files, in looks. */
const listEvery = 10;
/** Where editors replace files and folders are shared over a network, only looking again sees every change. */
const lookEveryMs = 200;

/** Tells the process that watches this one, if there is one, on which files the result depends. */
export function tellNeeded(files: readonly string[]): void {
  process.send?.({ pipehooksNeeds: files } satisfies Needed);
}

/**
 * Runs the tests again in a new process (a module is loaded once in a process) whenever a file of theirs changes, or
 * `list` finds other files.
 */
export async function watchTests(
  { output }: Context,
  args: readonly string[],
  list: () => readonly string[],
): Promise<ExitStatus> {
  using stopping = listenForStop();
  const { signal } = stopping;
  const files = new Map<string, string>();
  while (!signal.aborted) {
    const known = [...files.keys()];
    for (const file of known) files.set(file, stateOf(file));
    await runTests(args, signal, (file) => {
      if (!files.has(file)) files.set(file, stateOf(file));
    });
    if (signal.aborted) break;
    output.say(
      `\nWatching ${plural(files.size, "file")}; a change runs the tests again, Ctrl-C stops.`,
    );
    const changed = await untilChanged(files, list, signal);
    if (changed !== undefined) output.say(`\n${changed} changed.\n`);
  }
  return 0;
}

function runTests(
  args: readonly string[],
  signal: AbortSignal,
  needs: (file: string) => void,
): Promise<void> {
  const [script = ""] = process.argv.slice(1);
  const own = args.filter((arg) => arg !== "--watch");
  return new Promise((resolve) => {
    const child: ChildProcess = spawn(process.execPath, [...process.execArgv, script, ...own], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const stop = () => void child.kill("SIGTERM");
    signal.addEventListener("abort", stop, { once: true });
    child.on("message", (message) => {
      for (const file of (message as Needed).pipehooksNeeds ?? []) needs(file);
    });
    const end = () => {
      signal.removeEventListener("abort", stop);
      resolve();
    };
    child.once("error", end);
    child.once("close", end);
  });
}

async function untilChanged(
  files: ReadonlyMap<string, string>,
  list: () => readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const listed = list().join();
  for (let look = 1; !signal.aborted; look += 1) {
    for (const [file, state] of files) if (stateOf(file) !== state) return shortened(file);
    if (look % listEvery === 0 && list().join() !== listed) return "The list of test files";
    await pause(signal);
  }
  return undefined;
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, lookEveryMs);
    signal.addEventListener("abort", done, { once: true });
  });
}

function stateOf(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats === undefined ? "" : `${stats.mtimeMs} ${stats.size} ${stats.ino}`;
}
