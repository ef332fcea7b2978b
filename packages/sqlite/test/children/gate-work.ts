/** Brings events to many keys of a gate and delivers what it releases, without end; prints what was accepted. */
import { sqliteStore } from "@pipehooks/sqlite";
import { digest } from "./gate-specs.ts";

const [path = "", prefix = "", worker = "true"] = process.argv.slice(2);
const store = sqliteStore({ path, worker: worker === "true" });
let next = 0;

async function emit(): Promise<void> {
  for (;;) {
    next += 1;
    const id = `${prefix}-${next}`;
    const now = Date.now();
    const event = { source: "/test", id, type: "t.x", time: now, body: JSON.stringify({ id }) };
    const gates = [{ hook: "g", spec: digest, key: `k${next % 7}`, facts: {} }];
    await store.accept([{ event, deliveries: [], gates, at: now }]);
    process.stdout.write(`${id}\n`);
  }
}

async function deliver(): Promise<void> {
  for (;;) {
    const now = Date.now();
    const lanes = [{ hook: "g", keys: [], limit: 5, gate: digest }];
    const [lane] = await store.claim({ lanes, owner: prefix, now, leaseMs: 60_000 });
    await store.settle(
      (lane?.deliveries ?? []).map(({ id, attempt }) => ({
        id,
        owner: prefix,
        now,
        to: "delivered",
        attempts: attempt,
      })),
    );
  }
}

await Promise.all([...Array.from({ length: 20 }, emit), deliver()]);
