import { parentPort, workerData } from "node:worker_threads";
import type { Call } from "./calls.ts";
import type { DatabaseOptions } from "./database.ts";
import { createRunner } from "./runner.ts";

const runner = createRunner(workerData as DatabaseOptions);

/** Groups come one at a time: the next is sent after the last was answered. */
parentPort?.on("message", (calls: readonly Call[] | "close") => {
  void (calls === "close" ? close() : answer(calls));
});

async function answer(calls: readonly Call[]): Promise<void> {
  parentPort?.postMessage(await runner.run(calls));
}

async function close(): Promise<void> {
  await runner.close();
  parentPort?.close();
}
