import { createWriteStream } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type CloudLoggingOptions, cloudLogging } from "@pipehooks/cloud-logging";
import { createPipehooks, silentLogger } from "@pipehooks/core";
import { sqliteStore } from "@pipehooks/sqlite";
import type { BurstTask } from "./burst.ts";

// A program that emits many events at once and logs them; told what to do by its only argument.

const task: BurstTask = JSON.parse(process.argv[2] ?? "{}");
const options = task.options as CloudLoggingOptions;
const accepted = createWriteStream(task.accepted, { flags: "a" });
const say = (message: object) => process.send?.(message);

const bus = createPipehooks({
  store: sqliteStore({ path: task.path }),
  leaseMs: 2000,
  // What is emitted after the end is refused, each time with a line.
  logger: silentLogger,
  hooks: [
    {
      name: "log",
      events: "pipeline.end",
      hook: cloudLogging(options),
      retry: { cap: "3s" },
    },
  ],
});

let stopping = false;
process.on("SIGTERM", () => {
  stopping = true;
  bus.close({ timeoutMs: task.closeMs }).then(
    () => process.exit(0),
    () => process.exit(1),
  );
});

/** Fields as an ordinary event has them; about a kilobyte of JSON with `filler`. */
async function emit(number: number, filler: string): Promise<void> {
  const { event } = await bus.emit("pipeline.end", {
    id: `evt_${number}`,
    pipeline: `orders_${number % 17}`,
    flowgroup: "ingest",
    metadata: { number, rows: Math.abs(number), duration: 1.5, filler },
  });
  accepted.write(`${event.id}\n`);
}

const filler = "x".repeat(task.fillerBytes);
let peak = 0;
const measure = () => {
  peak = Math.max(peak, process.memoryUsage.rss());
};

// What is loaded and compiled once is no growth.
for (let number = 0; number < task.warmUp; number += 1) await emit(-1 - number, filler);
await bus.drain({ timeoutMs: 30_000, horizonMs: 5000 });
globalThis.gc?.();
const base = process.memoryUsage.rss();
const timer = setInterval(measure, 20);

say({ type: "ready" });
let next = task.from;
const startedAt = Date.now();
while (next < task.to && !stopping) {
  const some = Math.min(200, task.to - next);
  await Promise.all(Array.from({ length: some }, (_, index) => emit(next + index, filler))).catch(
    () => {
      // Told to stop: what was not accepted is not promised.
    },
  );
  if (next < task.to / 2 && next + some >= task.to / 2) say({ type: "half" });
  next += some;
}
say({ type: "emitted", ms: Date.now() - startedAt });
// A child that is told to stop ends where it hears of it.
if (!stopping) {
  while (!(await bus.drain({ timeoutMs: 1000, horizonMs: 60_000 }))) await sleep(10);
  measure();
  clearInterval(timer);
  say({ type: "done", growth: peak - base, base, ms: Date.now() - startedAt });
  await bus.close();
  accepted.end();
}
