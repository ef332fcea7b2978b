import { createPipehooks, type Store } from "@pipehooks/core";
import { databricksEvents, databricksJob } from "@pipehooks/databricks";
import { sqliteStore } from "@pipehooks/sqlite";

// Delivers what is in the store until it is settled; dies at the call of the store that it is told to die at.
const { HOST = "", STORE = "", DIE_AT = "", EMIT = "" } = process.env;
const [method = "", number = "0", when = ""] = DIE_AT.split(" ");

function dying(store: Store): Store {
  let calls = 0;
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (name !== method) return value.bind(target);
      return async (...args: unknown[]) => {
        calls += 1;
        const dies = calls === Number(number);
        if (dies && when === "before") process.kill(process.pid, "SIGKILL");
        const result: unknown = await value.apply(target, args);
        if (dies && when === "after") process.kill(process.pid, "SIGKILL");
        return result;
      };
    },
  });
}

const bus = createPipehooks({
  store: dying(sqliteStore({ path: STORE })),
  hooks: [
    {
      name: "load",
      events: "pipeline.end",
      hook: databricksJob({
        host: HOST,
        token: "dapi-test",
        jobId: "12",
        poll: { first: "60ms", longest: "60ms" },
      }),
      retry: { base: "50ms", cap: "50ms" },
    },
    { name: "chained", events: "databricks.run.*", hook: () => {} },
  ],
  events: databricksEvents,
  leaseMs: 400,
});
if (EMIT !== "") await bus.emit("pipeline.end", { id: EMIT, pipeline: "orders" });
for (;;) {
  const rows = await bus.store.deliveries({});
  const isSettled = rows.every(({ state }) => ["delivered", "dead", "skipped"].includes(state));
  if (isSettled && rows.length >= 2) break;
  await new Promise((resolve) => setTimeout(resolve, 30));
}
const rows = await bus.store.deliveries({});
console.log(JSON.stringify(rows.map(({ hook, state }) => `${hook} ${state}`).sort()));
await bus.close();
