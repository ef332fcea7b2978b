import {
  type DeliveryQuery,
  type DeliveryRow,
  type DeliveryState,
  type EventQuery,
  HookError,
  type Store,
  unsettledStates,
} from "@pipehooks/core";
import type { Call, Found, Operation, Operations, Step } from "./calls.ts";
import { parseOptions, type SqliteStoreOptions } from "./options.ts";
import {
  packAcceptances,
  packRouted,
  packSettlements,
  unpackAccepted,
  unpackClaim,
} from "./packing.ts";
import { createCallQueue } from "./queue.ts";
import type { Runner } from "./runner.ts";
import { createUpdates, toMemory } from "./updates.ts";
import { createWatch } from "./watch.ts";
import { createWorkerRunner, findThread } from "./worker-runner.ts";

const settled: readonly DeliveryState[] = ["delivered", "skipped", "dead", "cancelled"];
/** How long a process that exits waits for another one that writes, or for the store's thread. */
const longestExitMs = 500;
const defaultLimit = 100;
/** Deliveries changed in one transaction by replay and cancel. */
const idsPerStep = 1000;

/**
 * The embedded store: one SQLite file, in WAL mode, that several processes of one machine may share. The file is
 * opened with the first call, which is therefore the one that tells when it cannot be.
 * @throws HookError CONFIG_INVALID
 */
export function sqliteStore(options: SqliteStoreOptions): Store {
  const { worker, ...database } = parseOptions(options);
  let runner: Runner | undefined;
  let closing: Promise<void> | undefined;

  async function load(): Promise<Runner> {
    const thread = worker && runner === undefined ? findThread() : undefined;
    if (thread instanceof URL) runner = createWorkerRunner(database, thread);
    else if (thread !== undefined) warnOfOneThread(thread);
    // node:sqlite is loaded only where it runs.
    runner ??= (await import("./runner.ts")).createRunner(database);
    return runner;
  }

  const queue = createCallQueue(load);
  const update = createUpdates(queue);
  const watch = createWatch(queue);
  const underWay = new Set<Promise<unknown>>();

  function refuseClosed(): void {
    if (closing === undefined) return;
    throw new HookError("CLOSED", `sqlite: the store ${database.path} was closed. Make a new one.`);
  }

  /** What takes several calls: the disposal waits for all of them. */
  async function inSteps<T>(body: () => Promise<T>): Promise<T> {
    refuseClosed();
    const running = body();
    underWay.add(running);
    try {
      return await running;
    } finally {
      underWay.delete(running);
    }
  }

  async function once<Name extends Operation>(
    op: Name,
    ask: Operations[Name]["ask"],
  ): Promise<Operations[Name]["answer"]> {
    refuseClosed();
    return queue.call(op, ask);
  }

  async function close(): Promise<void> {
    watch.stop();
    await Promise.allSettled(underWay);
    await queue.idle();
    await runner?.close();
  }

  async function select(query: DeliveryQuery): Promise<readonly DeliveryRow[]> {
    return collect(query, (step) => queue.call("deliveries", step));
  }

  /** Ids that a query finds among deliveries of some states, oldest first, changed in steps. */
  async function change(
    op: "replay" | "cancel",
    { query, among, now }: { query: DeliveryQuery; among: readonly DeliveryState[]; now: number },
  ): Promise<readonly number[]> {
    const states = among.filter((state) => query.states?.includes(state) ?? true);
    const ids = (await select({ ...query, states })).map(({ id }) => id).sort((a, b) => a - b);
    const changed: number[] = [];
    for (let at = 0; at < ids.length; at += idsPerStep) {
      changed.push(...(await queue.call(op, { ids: ids.slice(at, at + idsPerStep), now })));
    }
    return changed;
  }

  return {
    description: `sqlite:${database.path}`,
    durable: true,

    async accept(batch, lease) {
      refuseClosed();
      const weight = batch.reduce((sum, { event }) => sum + event.body.length, 0);
      return unpackAccepted(await queue.call("accept", packAcceptances(batch, lease), weight));
    },
    async claim(request) {
      return (await once("claim", request)).map(unpackClaim);
    },
    async settle(settlements) {
      const answers = await once("settle", packSettlements(settlements));
      return answers.map((answer) => answer === 1);
    },
    settleNow(settlements, rest) {
      const settle: Call = { op: "settle", ask: packSettlements(settlements) };
      const calls = rest === undefined ? [settle] : [settle, { op: "letGo", ask: rest } as const];
      runner?.runNow(calls, longestExitMs);
    },
    extend: (lease) => once("extend", lease),
    update: (key, reduce) => inSteps(() => update(key, reduce)),
    async read(keys) {
      return (await once("read", keys)).map(toMemory);
    },
    lanes: () => once("lanes", null),
    watch(listener) {
      refuseClosed();
      return watch.add(listener);
    },
    events: (query) => inSteps(() => collect(query, (step) => queue.call("events", step))),
    deliveries: (query) => inSteps(() => select(query)),
    attempts: (deliveryId) => once("attempts", deliveryId),
    counts: () => once("counts", null),
    gates: (query) => once("gates", query),
    unrouted: (limit) => once("unrouted", limit),
    async route(routed) {
      return (await once("route", packRouted(routed))).map((answer) => answer === 1);
    },
    replay: (query, now) => inSteps(() => change("replay", { query, among: settled, now })),
    cancel: (query, now) => inSteps(() => change("cancel", { query, among: unsettledStates, now })),
    purge: (request) => once("purge", request),
    async [Symbol.asyncDispose]() {
      closing ??= close();
      await closing;
    },
  };
}

let hasWarned = false;

function warnOfOneThread(why: string): void {
  if (hasWarned) return;
  hasWarned = true;
  process.emitWarning(
    `@pipehooks/sqlite runs on the thread of its caller, which waits for the disk then: it has no thread of its own, for ${why}. ` +
      "With worker: false it says nothing.",
    "PipehooksWarning",
  );
}

/** Asks step by step until enough is found or all was looked at. */
async function collect<Query extends EventQuery | DeliveryQuery, Row>(
  query: Query,
  ask: (step: Step<Query>) => Promise<Found<Row>>,
): Promise<readonly Row[]> {
  const limit = query.limit ?? defaultLimit;
  const rows: Row[] = [];
  let from: number | null = null;
  while (rows.length < limit) {
    const found: Found<Row> = await ask({ query, from, limit: limit - rows.length });
    rows.push(...found.rows);
    from = found.next;
    if (from === null) break;
  }
  return rows;
}
