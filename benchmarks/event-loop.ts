import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { createPipehooks } from "@pipehooks/core";
import { sqliteStore } from "@pipehooks/sqlite";
import { events, fields, type } from "./event.ts";
import type { Contender } from "./measuring/comparison.ts";
import { makeFolder } from "./measuring/folder.ts";
import { compare } from "./measuring/measure.ts";
import { settings } from "./measuring/settings.ts";

const perSecond = 20_000;
const backlog = Math.min(200_000, settings.pending);
const tickMs = 2;

/** Emits at a steady rate for a while; answers the 99th percentile of the event loop's delay in milliseconds. */
async function delayOf(emit: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const startedAt = performance.now();
  const told: Promise<unknown>[] = [];
  let emitted = 0;
  delay.enable();
  for (let passed = 0; passed < settings.roundMs * 3; passed = performance.now() - startedAt) {
    for (const wanted = (passed / 1000) * perSecond; emitted < wanted; emitted += 1)
      told.push(emit());
    await sleep(tickMs);
  }
  delay.disable();
  await Promise.all(told);
  // The timer's own period is part of what the histogram holds.
  return delay.percentile(99) / 1e6 - 1;
}

function emitting(role: Contender["role"], worker: boolean): Contender {
  return {
    role,
    async open() {
      const folder = makeFolder("event-loop");
      const bus = createPipehooks({
        deliver: false,
        store: sqliteStore({ path: join(folder.path, "pipehooks.db"), worker }),
        events,
        hooks: [{ name: "quality", events: "data.*", hook: () => {} }],
      });
      for (let done = 0; done < backlog; done += 500) {
        await Promise.all(Array.from({ length: 500 }, () => bus.emit(type, fields)));
      }
      return {
        measure: () => delayOf(() => bus.emit(type, fields)),
        async close() {
          await bus.close();
          folder.remove();
        },
      };
    },
  };
}

await compare({
  title: `Event loop: 20,000 durable emits a second, ${backlog.toLocaleString("en")} deliveries pending`,
  starts: 1,
  measures: [{ name: "99th percentile of the delay", unit: "ms" }],
  contenders: {
    Pipehooks: emitting("ours", true),
    "Pipehooks, worker: false": emitting("other", false),
    "nothing but the timer": {
      role: "limit",
      open: () => ({ measure: () => delayOf(async () => {}) }),
    },
  },
  goals: [{ text: "at most 3 ms", of: "Pipehooks", atMost: 3 }],
});
