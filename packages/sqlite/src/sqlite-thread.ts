import { parentPort, workerData } from "node:worker_threads";
import type { Call } from "./calls.ts";
import type { DatabaseOptions } from "./database.ts";
import { createRunner } from "./runner.ts";

/** Calls whose caller stands still until the cell is set, because it exits. */
interface LastCalls {
  readonly calls: readonly Call[];
  readonly done: Int32Array;
}

const runner = createRunner(workerData as DatabaseOptions);

let last: Promise<void> = Promise.resolve();

/** One group after the other: the first may have to wait for another process. */
parentPort?.on("message", (message: readonly Call[] | LastCalls | "close") => {
  last = last.then(() => {
    if (message === "close") return close();
    return "done" in message ? answerLast(message) : answer(message);
  });
});

async function answer(calls: readonly Call[]): Promise<void> {
  parentPort?.postMessage(await runner.run(calls));
}

async function answerLast({ calls, done }: LastCalls): Promise<void> {
  await runner.run(calls);
  Atomics.store(done, 0, 1);
  Atomics.notify(done, 0);
}

async function close(): Promise<void> {
  await runner.close();
  parentPort?.close();
}
