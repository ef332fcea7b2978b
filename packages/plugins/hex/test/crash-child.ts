import { createPipehooks } from "@pipehooks/core";
import { hexEvents, hexRun } from "@pipehooks/hex";
import { sqliteStore } from "@pipehooks/sqlite";
import { createFastClock } from "./fast-clock.ts";

// A pipeline that emits one event and delivers until nothing is left; the test kills it in the middle.
const [path = "", host = "", token = "", project = "", began = "", mode] = process.argv.slice(2);

const bus = createPipehooks({
  store: sqliteStore({ path }),
  clock: createFastClock(Number(began)),
  // Short, so that whoever comes next need not wait for it.
  leaseMs: 20_000,
  events: hexEvents,
  hooks: [
    {
      name: "hex",
      events: "pipeline.end",
      timeout: "1h",
      hook: hexRun({ token, host, project, allowHttp: true }),
    },
  ],
});
if (mode === "emit") await bus.emit("pipeline.end", { pipeline: "orders" });
await bus.drain({ horizonMs: 3_600_000, timeoutMs: 3_600_000 });
await bus.close();
