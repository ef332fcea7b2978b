/** Opens a store that may not be there yet, together with others, and stores some events. */
import { sqliteStore } from "@pipehooks/sqlite";

const [path = "", prefix = "", count = "0"] = process.argv.slice(2);
const store = sqliteStore({ path });
let slowest = 0;
await Promise.all(
  Array.from({ length: 10 }, async (_, emitter) => {
    for (let at = emitter; at < Number(count); at += 10) {
      const id = `${prefix}-${at}`;
      const startedAt = performance.now();
      await store.accept([
        {
          event: {
            source: "/test",
            id,
            type: "pipeline.end",
            time: 0,
            body: JSON.stringify({ id }),
          },
          deliveries: [{ hook: "a", dueAt: 0 }],
          at: 0,
        },
      ]);
      slowest = Math.max(slowest, performance.now() - startedAt);
    }
  }),
);
await store[Symbol.asyncDispose]();
console.log(`slowest ${Math.round(slowest)}`);
