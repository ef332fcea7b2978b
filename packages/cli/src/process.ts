import { main } from "./main.ts";
import type { Output } from "./output.ts";

/** The command as a process: its arguments, its streams, its end. */
export async function runProcess(): Promise<void> {
  ignoreSqliteWarning();
  // What cannot be shown (a log on a full disk, a terminal that was closed) must not end what is done.
  let unwritten: Error | undefined;
  process.stderr.on("error", () => {});
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // Whoever read it has gone (`| head`) and wants no more.
    if (error.code !== "EPIPE") unwritten ??= error;
  });
  let output: Output | undefined;
  const fail = (text: string) => {
    output?.status("");
    if (output === undefined) process.stderr.write(`error: ${text}\n`);
    else output.error(text);
  };
  process.on("uncaughtException", (error) => {
    fail(output?.verbose === true ? (error.stack ?? String(error)) : String(error));
    process.exit(1);
  });
  let isDone = false;
  process.on("exit", (code) => {
    if (isDone || code !== 0) return;
    fail("The process was ended before the command was done, perhaps by code of a plugin.");
    process.exitCode = 1;
  });
  const status = await main(process.argv.slice(2), process, (made) => {
    output = made;
  });
  await flushed(process.stdout);
  if (unwritten !== undefined) {
    fail(`The output could not be written: ${unwritten.message}. What was done stands.`);
  }
  await flushed(process.stderr);
  isDone = true;
  // What a plugin left open must not keep the command from ending.
  process.exit(unwritten === undefined ? status : status || 1);
}

/** Node 22 calls node:sqlite experimental. What is used of it is the same in Node 24, and tried on both. */
function ignoreSqliteWarning(): void {
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (rest[0] === "ExperimentalWarning" && String(warning).startsWith("SQLite")) return;
    Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
}

/** Resolves when all is written, and when it is known whether it could be. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write("", () => setImmediate(resolve)));
}
