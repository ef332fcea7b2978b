/** Asks a gate again and again as if it were a certain time, and prints the first event of what it gets; then stays. */
import { sqliteStore } from "@pipehooks/sqlite";
import { debounce } from "./gate-specs.ts";

const [path = "", owner = "", now = "0", limit = "1000"] = process.argv.slice(2);
const store = sqliteStore({ path });
console.log("ready");
for (let idle = 0; idle < 20; ) {
  const [lane] = await store.claim({
    lanes: [{ hook: "g", keys: [], limit: Number(limit), gate: debounce }],
    owner,
    now: Number(now),
    leaseMs: 5000,
  });
  for (const { events } of lane?.deliveries ?? []) {
    process.stdout.write(`got ${(JSON.parse(events[0] ?? "{}") as { id: string }).id}\n`);
  }
  idle = lane?.deliveries.length === 0 ? idle + 1 : 0;
}
console.log("idle");
setInterval(() => {}, 60_000);
