/** Stores some events, and says how many bytes of the log had not been brought to the disk. */
import { readFileSync, truncateSync } from "node:fs";
import { sqliteStore } from "@pipehooks/sqlite";

const [path = "", durability = "full"] = process.argv.slice(2);
const store = sqliteStore({
  path,
  worker: false,
  durability: durability === "full" ? "full" : "normal",
});
for (let at = 0; at < 20; at += 1) {
  const id = `e${at}`;
  await store.accept([
    {
      event: { source: "/test", id, type: "pipeline.end", time: 0, body: "x".repeat(4000) },
      deliveries: [],
      at: 0,
    },
  ]);
}
// The kernel counts dirty pages that a truncation made needless: those of a synced file are clean.
truncateSync(`${path}-wal`, 0);
console.log(/cancelled_write_bytes: \d+/.exec(readFileSync("/proc/self/io", "utf8"))?.[0]);
process.exit(0);
