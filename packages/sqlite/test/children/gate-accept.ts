/** Brings events to one key of a gate, twenty at a time, and prints each id once its accept has resolved; then stays. */
import { sqliteStore } from "@pipehooks/sqlite";
import * as specs from "./gate-specs.ts";

const [path = "", prefix = "", count = "0", kind = "digest"] = process.argv.slice(2);
const store = sqliteStore({ path });
const spec = kind === "digest" ? { ...specs.digest, every: 3_600_000 } : specs.debounce;
let next = 0;

async function emit(): Promise<void> {
  while (next < Number(count)) {
    const id = `${prefix}-${next}`;
    next += 1;
    const now = Date.now();
    const event = { source: "/test", id, type: "t.x", time: now, body: JSON.stringify({ id }) };
    const gates = [{ hook: "g", spec, key: "k", facts: {} }];
    await store.accept([{ event, deliveries: [], gates, at: now }]);
    process.stdout.write(`${id}\n`);
  }
}

await Promise.all(Array.from({ length: 20 }, emit));
console.log("done");
setInterval(() => {}, 60_000);
