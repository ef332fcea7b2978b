import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { Answers, Call } from "./calls.ts";
import type { DatabaseOptions } from "./database.ts";
import { StoreFault } from "./fault.ts";
import type { Runner } from "./runner.ts";

interface Waiting {
  resolve(answers: Answers): void;
  reject(error: StoreFault): void;
}

/**
 * A {@link Runner} in a worker thread, so that no fsync holds up the caller's event loop. The thread starts with
 * the first call, keeps the process alive while a call is under way and never else, and is started anew after it died.
 */
export function createWorkerRunner(options: DatabaseOptions, file: URL): Runner {
  let worker: Worker | undefined;
  let waiting: Waiting[] = [];

  function start(): Worker {
    const started = new Worker(file, {
      name: "pipehooks-sqlite",
      workerData: options,
      // Node 22 calls node:sqlite experimental, once per thread.
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    let why: unknown;
    started.on("message", (answers: Answers) => {
      const first = waiting.shift();
      if (waiting.length === 0) started.unref();
      first?.resolve(answers);
    });
    started.on("error", (error) => {
      why = error;
    });
    started.on("exit", (code) => {
      if (worker === started) worker = undefined;
      const left = waiting;
      waiting = [];
      for (const it of left) it.reject(crashed(options.path, why ?? `exit code ${code}`));
    });
    return started;
  }

  return {
    room: 2,
    run: (calls: readonly Call[]) =>
      new Promise((resolve, reject) => {
        worker ??= start();
        worker.postMessage(calls);
        worker.ref();
        waiting.push({ resolve, reject });
      }),
    runNow(calls, withinMs) {
      if (worker === undefined) return;
      const done = new Int32Array(new SharedArrayBuffer(4));
      worker.postMessage({ calls, done });
      Atomics.wait(done, 0, 0, withinMs);
    },
    async close() {
      const closing = worker;
      if (closing === undefined) return;
      closing.ref();
      const ended = new Promise<void>((resolve) => closing.once("exit", () => resolve()));
      closing.postMessage("close");
      await ended;
    },
  };
}

/** What the thread runs, or why none can be started here. */
export function findThread(): URL | string {
  // Node's permission model: `node --permission` without `--allow-worker`.
  if (process.permission?.has("worker") === false) {
    return "this process may start none (--allow-worker lets it)";
  }
  // A module that was bundled as CommonJS has no address.
  const here: string = import.meta.url ?? "";
  // Its own name, for in a bundle's folder there may be a `worker.js` of somebody else's.
  const name = here.endsWith(".ts") ? "./sqlite-thread.ts" : "./sqlite-thread.js";
  const file = URL.parse(name, here);
  if (file?.protocol === "file:" && existsSync(file)) return file;
  return "its file was left behind when the code was bundled (leave @pipehooks/sqlite out of the bundle)";
}

function crashed(path: string, why: unknown): StoreFault {
  const said = why instanceof Error ? why.message : String(why);
  return new StoreFault(
    "STORE_FAILED",
    `sqlite: the thread that serves ${path} ended (${said}). What was not answered may or may not be stored; ` +
      "emit it again with the same id.",
    { retryable: true, cause: why },
  );
}
