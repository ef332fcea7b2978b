/** Claims everything of one hook for an hour, says so, and stays. */
import { sqliteStore } from "@pipehooks/sqlite";

const [path = ""] = process.argv.slice(2);
const store = sqliteStore({ path });
const [lane] = await store.claim({
  lanes: [{ hook: "a", keys: [], limit: 100 }],
  owner: "child",
  now: Date.now(),
  leaseMs: 3_600_000,
});
console.log(`claimed ${lane?.deliveries.length}`);
setInterval(() => {}, 60_000);
