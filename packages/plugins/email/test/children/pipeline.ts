import { createPipehooks } from "@pipehooks/core";
import { email } from "@pipehooks/email";
import { sqliteStore } from "@pipehooks/sqlite";
import { createFastClock } from "../fast-clock.ts";

// A pipeline that tells of a failure (or that it succeeds again) and mails until nothing is left; the test kills it.
const [path = "", port = "", began = "", says = ""] = process.argv.slice(2);

const bus = createPipehooks({
  store: sqliteStore({ path }),
  clock: createFastClock(300, Number(began)),
  // Short, so that whoever comes next need not wait for it.
  leaseMs: 60_000,
  hooks: [
    {
      name: "mail",
      events: "pipeline.error",
      timeout: "2h",
      alert: { by: "pipeline", resolveOn: "pipeline.end" },
      hook: email({
        smtp: { host: "127.0.0.1", port: Number(port) },
        from: "pipelines@example.com",
        to: ["a@example.com", "b@example.com"],
      }),
    },
  ],
});
if (says === "failure") {
  await bus.emit("pipeline.error", { pipeline: "orders", error: new Error("no disk") });
}
if (says === "success") await bus.emit("pipeline.end", { pipeline: "orders" });
await bus.drain({ horizonMs: 7_200_000, timeoutMs: 7_200_000 });
await bus.close();
