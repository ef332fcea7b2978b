import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Acceptance, Store } from "@pipehooks/core";
import { sqliteStore } from "@pipehooks/sqlite";
import { makeEvent, type } from "./event.ts";
import type { Contender } from "./measuring/comparison.ts";
import { makeFolder } from "./measuring/folder.ts";
import { saturate } from "./measuring/load.ts";
import { compare } from "./measuring/measure.ts";
import { settings } from "./measuring/settings.ts";

const { pending, roundMs } = settings;
const small = 20_000;
const hook = "backlog";
const batch = 100;
// Behind what the filling process made: the same ids again would be duplicates.
let number = process.argv[2] === "fill" ? 0 : 1_000_000_000;

function makeAcceptance(): Acceptance {
  number += 1;
  const event = makeEvent(number);
  const at = Date.now();
  return {
    at,
    event: { source: event.source, id: event.id, type, time: at, body: JSON.stringify(event) },
    deliveries: [{ hook, dueAt: at }],
  };
}

/** In a process of its own, so that its garbage is not counted. */
async function fill(path: string, count: number): Promise<void> {
  const store = sqliteStore({ path });
  await acceptMany(store, count);
  await store[Symbol.asyncDispose]();
}

async function acceptMany(store: Store, count: number): Promise<void> {
  for (let done = 0; done < count; done += 1000) {
    await store.accept(Array.from({ length: Math.min(1000, count - done) }, makeAcceptance));
  }
}

/** Deliveries drained a second, from so many pending on: what runs dry drains nothing, and that fast. */
async function drain(store: Store, count: number): Promise<number> {
  const counts = await store.counts();
  const there = counts.find(({ state }) => state === "waiting")?.count ?? 0;
  await acceptMany(store, count - there);
  const startedAt = performance.now();
  let drained = 0;
  const loop = async () => {
    while (drained < count - 2 * batch && performance.now() - startedAt < roundMs) {
      drained += await drainSome(store);
    }
  };
  await Promise.all([loop(), loop()]);
  return (drained / (performance.now() - startedAt)) * 1000;
}

/** Answers how many there were. */
async function drainSome(store: Store): Promise<number> {
  const [claim] = await store.claim({
    lanes: [{ hook, keys: [], limit: batch }],
    owner: "bench",
    now: Date.now(),
    leaseMs: 30_000,
  });
  const held = await store.settle(
    (claim?.deliveries ?? []).map(({ id, attempt }) => ({
      id,
      owner: "bench",
      now: Date.now(),
      to: "delivered",
      attempts: attempt,
      attempt: { number: attempt, startedAt: Date.now(), durationMs: 1, outcome: "delivered" },
    })),
  );
  return held.length;
}

function backlog(role: Contender["role"], count: number): Contender {
  return {
    role,
    async open() {
      const folder = makeFolder("backlog");
      const path = join(folder.path, "pipehooks.db");
      execFileSync(process.execPath, [import.meta.filename, "fill", path, String(count)]);
      const bytes = statSync(path).size / count;
      const store = sqliteStore({ path });
      await drainSome(store);
      return {
        async measure(what) {
          if (what === "file per pending delivery") return bytes;
          if (what === "resident memory") return process.memoryUsage.rss() / 1024 ** 2;
          if (what === "events accepted") {
            return saturate(100, roundMs, () => store.accept([makeAcceptance()]));
          }
          return drain(store, count);
        },
        async close() {
          await store[Symbol.asyncDispose]();
          folder.remove();
        },
      };
    },
  };
}

const [, , order, path, count] = process.argv;
if (order === "fill" && path !== undefined) {
  await fill(path, Number(count));
  process.exit();
}

const large = `${pending.toLocaleString("en")} pending`;

await compare({
  title: "Backlog: the store with few and with many pending deliveries, events of 500 bytes",
  starts: 1,
  measures: [
    { name: "file per pending delivery", unit: "bytes", once: true },
    { name: "resident memory", unit: "MB", once: true },
    { name: "events accepted", unit: "/s" },
    { name: "deliveries drained", unit: "/s" },
  ],
  contenders: {
    [large]: backlog("ours", pending),
    "20,000 pending": backlog("other", small),
    "an empty process": {
      role: "limit",
      open: () => ({
        measure: (what) =>
          what === "resident memory" ? process.memoryUsage.rss() / 1024 ** 2 : Number.NaN,
      }),
    },
  },
  goals: [
    {
      text: "accepts within 15%",
      measure: "events accepted",
      of: large,
      by: "20,000 pending",
      atLeast: 0.85,
    },
    {
      text: "drains within 15%",
      measure: "deliveries drained",
      of: large,
      by: "20,000 pending",
      atLeast: 0.85,
    },
    {
      text: "at most 700 bytes a delivery",
      measure: "file per pending delivery",
      of: large,
      atMost: 700,
    },
    {
      text: "at most 60 MB above an empty process",
      measure: "resident memory",
      of: large,
      above: "an empty process",
      atMost: 60,
    },
  ],
  notes: ["The empty process has the measuring code and runs from TypeScript source too."],
});
