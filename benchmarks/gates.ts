import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { createPipehooks, defineEvents, type Pipehooks } from "@pipehooks/core";
import { sqliteStore } from "@pipehooks/sqlite";
import { z } from "zod";
import type { Contender } from "./measuring/comparison.ts";
import { makeFolder } from "./measuring/folder.ts";
import { saturate } from "./measuring/load.ts";
import { compare } from "./measuring/measure.ts";
import { settings } from "./measuring/settings.ts";

const { roundMs } = settings;
const metadata = z.strictObject({ business_date: z.string(), rows: z.int() });
const events = defineEvents({ "load.orders": metadata, "load.customers": metadata });

/** A join of two inputs for each of many keys, all of which wait for one of them. */
function openBus(path: string) {
  return createPipehooks({
    store: sqliteStore({ path }),
    events,
    deliver: false,
    hooks: [
      {
        name: "build",
        hook: () => {},
        join: {
          by: "metadata.business_date",
          within: "24h",
          maxKeys: 1_000_000,
          allOf: [
            { name: "orders", events: "load.orders" },
            { name: "customers", events: "load.customers" },
          ],
        },
      },
    ],
  });
}

type Bus = Pipehooks<typeof events>;

function fieldsOf(key: number) {
  return { pipeline: "orders_daily", metadata: { business_date: `key-${key}`, rows: 128_401 } };
}

/** In a process of its own, so that its garbage is not counted. */
async function fill(path: string, keys: number): Promise<void> {
  const bus = openBus(path);
  for (let key = 0; key < keys; key += 100) {
    const some = Array.from({ length: Math.min(100, keys - key) }, (_, n) => key + n);
    await Promise.all(some.map((each) => bus.emit("load.orders", fieldsOf(each))));
  }
  await bus.close();
}

/** One key fires and waits again: two events. */
async function fire(bus: Bus, keys: number): Promise<void> {
  const key = Math.floor(Math.random() * keys);
  await bus.emit("load.customers", fieldsOf(key));
  await bus.emit("load.orders", fieldsOf(key));
}

/** CPU time of all threads for an event, at 1,000 events a second. */
async function paced(bus: Bus, keys: number): Promise<number> {
  const before = process.cpuUsage();
  const startedAt = performance.now();
  const open: Promise<void>[] = [];
  while (performance.now() - startedAt < roundMs) {
    const due = Math.floor((performance.now() - startedAt) / 2);
    while (open.length < due) open.push(fire(bus, keys));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(open);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / (open.length * 2);
}

function gate(role: Contender["role"], keys: number): Contender {
  return {
    role,
    async open() {
      const folder = makeFolder("gates");
      const path = join(folder.path, "pipehooks.db");
      execFileSync(process.execPath, [import.meta.filename, "fill", path, String(keys)]);
      const bus = openBus(path);
      await fire(bus, keys);
      return {
        async measure(what) {
          if (what === "resident memory") return process.memoryUsage.rss() / 1024 ** 2;
          if (what === "events through the gate") {
            return 2 * (await saturate(50, roundMs, () => fire(bus, keys)));
          }
          return paced(bus, keys);
        },
        async close() {
          await bus.close();
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

await compare({
  title: "Gates: a join of two inputs with many keys, SQLite, fsync on",
  starts: 1,
  measures: [
    { name: "events through the gate", unit: "/s" },
    { name: "CPU per event at 1,000/s", unit: "ns" },
    { name: "resident memory", unit: "MB", once: true },
  ],
  contenders: {
    "100,000 keys": gate("ours", 100_000),
    "10,000 keys": gate("other", 10_000),
    "1,000 keys": gate("other", 1_000),
  },
  goals: [
    {
      text: "at most 1.3 times the CPU per event with 1,000 keys",
      measure: "CPU per event at 1,000/s",
      of: "100,000 keys",
      by: "1,000 keys",
      atMost: 1.3,
    },
    {
      text: "at most 20 MB above 1,000 keys",
      measure: "resident memory",
      of: "100,000 keys",
      above: "1,000 keys",
      atMost: 20,
    },
  ],
  notes: [
    "Every second event fires: a delivery of two events, made due in the same transaction.",
    "The rate falls with the keys, because each event of a random key writes pages of its own to the disk.",
  ],
});
