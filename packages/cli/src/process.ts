import { main } from "./main.ts";
import type { Output } from "./output.ts";

/** The command as a process: its arguments, its streams, its end. */
export async function runProcess(): Promise<void> {
  ignoreSqliteWarning();
  // Whoever read our output has gone (`| head`): nobody is left to tell.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
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
  await Promise.all([process.stdout, process.stderr].map(flushed));
  isDone = true;
  // What a plugin left open must not keep the command from ending.
  process.exit(status);
}

/** Node 22 calls node:sqlite experimental. What is used of it is the same in Node 24, and tried on both. */
function ignoreSqliteWarning(): void {
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (rest[0] === "ExperimentalWarning" && String(warning).startsWith("SQLite")) return;
    Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) resolve();
    else stream.write("", () => resolve());
  });
}
