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
export function createWorkerRunner(options: DatabaseOptions): Runner {
  let worker: Worker | undefined;
  let waiting: Waiting[] = [];

  function start(): Worker {
    const started = new Worker(workerFile(), {
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

/** `worker.ts` beside the source, `worker.js` beside what was compiled. */
function workerFile(): URL {
  return new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);
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
