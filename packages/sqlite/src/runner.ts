import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { type Answers, type Call, needsGates } from "./calls.ts";
import { type DatabaseOptions, openDatabase } from "./database.ts";
import { createEngine, type Engine } from "./engine.ts";
import { busy, type Fault, isBusy, toFault } from "./fault.ts";
import type { PrepareGates } from "./gates.ts";

/** Runs groups of calls, in the worker or in the caller's thread. */
export interface Runner {
  /** How many groups may be under way: it runs them in order. */
  readonly room: number;
  /** Never rejects for a fault of the store: that stands in the answers. */
  run(calls: readonly Call[]): Promise<Answers>;
  /** The process exits: done when this returns, after `withinMs` at most, or not at all. */
  runNow(calls: readonly Call[], withinMs: number): void;
  close(): Promise<void>;
}

/** How often to look whether the file is still where it was. */
const lookEveryMs = 500;

/** Opens the file when first needed, and takes its turn while other processes write. */
export function createRunner(options: DatabaseOptions): Runner {
  const { path, busyTimeoutMs } = options;
  let open:
    | { readonly db: DatabaseSync; readonly engine: Engine; readonly file: string }
    | undefined;
  let lookedAt = 0;
  let prepareGates: PrepareGates | undefined;

  function loadGates(): PrepareGates {
    if (prepareGates === undefined) throw new Error("The gates were not loaded.");
    return prepareGates;
  }

  function run(calls: readonly Call[]): Answers {
    // What goes into a file that was deleted or moved away would be lost with the end of the process.
    if (open !== undefined && performance.now() - lookedAt > lookEveryMs) {
      lookedAt = performance.now();
      if (fileAt(path) !== open.file) close();
    }
    if (open === undefined) {
      const db = openDatabase(options);
      open = { db, engine: createEngine(db, { path, loadGates }), file: fileAt(path) };
    }
    const answers = open.engine.run(calls);
    // What is put right is another file, or the same one with other pages: either way it is opened anew.
    if ([...answers.faults.values()].some(({ code }) => code === "STORE_CORRUPT")) close();
    return answers;
  }

  function close(): void {
    const closing = open;
    open = undefined;
    closing?.db.close();
  }

  return {
    // While it waits for another process it must not be given more.
    room: 1,
    async run(calls) {
      // A thread that has no gates to ask starts without them: that saves it a third of its time.
      if (prepareGates === undefined && calls.some(needsGates)) {
        ({ prepareGates } = await import("./gates.ts"));
      }
      const startedAt = performance.now();
      for (let tries = 0; ; tries += 1) {
        try {
          return run(calls);
        } catch (error) {
          if (!isBusy(error)) return allFailed(calls, toFault(error, path));
        }
        const waitedMs = Math.round(performance.now() - startedAt);
        if (waitedMs >= busyTimeoutMs) return allFailed(calls, busy(path, waitedMs));
        // Short random waits: whoever waits long has as good a chance as who just came.
        await sleep(1 + Math.random() * Math.min(tries, 15));
      }
    },
    runNow(calls, withinMs) {
      if (open === undefined) return;
      const until = performance.now() + withinMs;
      const never = new Int32Array(new SharedArrayBuffer(4));
      while (performance.now() < until) {
        try {
          run(calls);
          return;
        } catch (error) {
          if (!isBusy(error)) return;
          Atomics.wait(never, 0, 0, 5);
        }
      }
    },
    async close() {
      close();
    },
  };
}

/** Which file a path leads to; empty for none. */
function fileAt(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? "" : `${found.dev} ${found.ino}`;
}

function allFailed(calls: readonly Call[], { code, message, retryable }: Fault): Answers {
  const faults = calls.map((_, at) => [at, { code, message, retryable }] as const);
  return { values: [], faults: new Map(faults) };
}
