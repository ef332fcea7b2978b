import { main } from "./main.ts";
import type { Output } from "./output.ts";

/** The command as a process: its arguments, its streams, its end. */
export async function runProcess(): Promise<void> {
  // Whoever read our output has gone (`| head`): nobody is left to tell.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
  let output: Output | undefined;
  process.on("uncaughtException", (error) => {
    output?.status("");
    const text = output?.verbose === true ? (error.stack ?? String(error)) : String(error);
    if (output === undefined) process.stderr.write(`error: ${text}\n`);
    else output.error(text);
    process.exit(1);
  });
  const status = await main(process.argv.slice(2), process, (made) => {
    output = made;
  });
  await Promise.all([process.stdout, process.stderr].map(flushed));
  // What a plugin left open must not keep the command from ending.
  process.exit(status);
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) resolve();
    else stream.write("", () => resolve());
  });
}
