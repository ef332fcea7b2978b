/** Emits without end, prints each id once its accept has resolved, and delivers in between; made to be killed. */
import { sqliteStore } from "@pipehooks/sqlite";

const [path = "", prefix = "", worker = "true"] = process.argv.slice(2);
const store = sqliteStore({ path, worker: worker === "true" });
let next = 0;

async function emit(): Promise<void> {
  for (;;) {
    next += 1;
    const id = `${prefix}-${next}`;
    const now = Date.now();
    await store.accept([
      {
        event: {
          source: "/test",
          id,
          type: "pipeline.end",
          time: now,
          body: JSON.stringify({ id }),
        },
        deliveries: ["a", "b"].map((hook) => ({ hook, dueAt: now, orderKey: String(next % 3) })),
        at: now,
      },
    ]);
    process.stdout.write(`${id}\n`);
  }
}

async function deliver(): Promise<void> {
  for (;;) {
    const now = Date.now();
    const lanes = ["a", "b"].map((hook) => ({ hook, keys: [], limit: 5 }));
    const claims = await store.claim({ lanes, owner: prefix, now, leaseMs: 60_000 });
    const deliveries = claims.flatMap((claim) => claim.deliveries);
    await store.settle(
      deliveries.map(({ id, attempt }) => ({
        id,
        owner: prefix,
        now,
        to: id % 5 === 0 ? "retrying" : "delivered",
        dueAt: now,
        attempts: attempt,
        attempt: { number: attempt, startedAt: now, durationMs: 0, outcome: "delivered" },
      })),
    );
  }
}

await Promise.all([...Array.from({ length: 20 }, emit), deliver()]);
