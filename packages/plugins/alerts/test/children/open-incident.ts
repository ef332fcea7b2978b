import { slack } from "@pipehooks/alerts";
import { createPipehooks } from "@pipehooks/core";
import { sqliteStore } from "@pipehooks/sqlite";

// The life of a process in which an incident begins: a failure is emitted and told, and then it dies.
const { STORE = "", URL: url = "", TOKEN = "", CHANNEL = "" } = process.env;
const bus = createPipehooks({
  store: sqliteStore({ path: STORE }),
  hooks: [
    {
      name: "ops",
      events: "pipeline.error",
      alert: { by: "pipeline", resolveOn: "pipeline.end" },
      hook: slack({ token: TOKEN, channel: CHANNEL, apiUrl: url, allowPrivate: true }),
    },
  ],
});
await bus.emit("pipeline.error", { pipeline: "orders", error: new Error("no such table") });
for (;;) {
  const rows = await bus.store.deliveries({});
  if (rows.some(({ state }) => state === "delivered")) break;
  await new Promise((resolve) => setTimeout(resolve, 20));
}
process.kill(process.pid, "SIGKILL");
