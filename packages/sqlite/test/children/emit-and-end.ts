/** Emits without waiting for it, and has nothing else to do: the process ends when that is stored. */
import { sqliteStore } from "@pipehooks/sqlite";

const [path = "", worker = "true"] = process.argv.slice(2);
const store = sqliteStore({ path, worker: worker === "true" });
await store.counts();
store.watch(() => {});
for (let at = 0; at < 3000; at += 1) {
  const id = `late-${at}`;
  store
    .accept([
      {
        event: { source: "/test", id, type: "pipeline.end", time: 0, body: JSON.stringify({ id }) },
        deliveries: [],
        at: 0,
      },
    ])
    .catch((error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    });
}
