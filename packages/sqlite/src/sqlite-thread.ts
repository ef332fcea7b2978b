import { parentPort, workerData } from "node:worker_threads";
import type { Call } from "./calls.ts";
import type { DatabaseOptions } from "./database.ts";
import { createRunner } from "./runner.ts";

const runner = createRunner(workerData as DatabaseOptions);

let last: Promise<void> = Promise.resolve();

/** One group after the other: the first may have to wait for another process. */
parentPort?.on("message", (calls: readonly Call[] | "close") => {
  last = last.then(() => (calls === "close" ? close() : answer(calls)));
});

async function answer(calls: readonly Call[]): Promise<void> {
  parentPort?.postMessage(await runner.run(calls));
}

async function close(): Promise<void> {
  await runner.close();
  parentPort?.close();
}
