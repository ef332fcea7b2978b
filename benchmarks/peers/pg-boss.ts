import { PgBoss } from "pg-boss";
import { startPostgres } from "./postgres.ts";
import { inFlight, type OpenQueue } from "./queue.ts";

/** pg-boss, woken by NOTIFY and fetching batches. */
export const openPgBoss: OpenQueue = async (work) => {
  const server = await startPostgres();
  const boss = new PgBoss({ connectionString: server.url, max: 20, useListenNotify: true });
  boss.on("error", () => {});
  await boss.start();
  await boss.createQueue("events", { notify: true });
  if (work !== undefined) {
    const options = { batchSize: inFlight, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 };
    await boss.work("events", options, async (jobs) => {
      await Promise.all(jobs.map(({ data }) => work.deliver(data)));
      for (const _ of jobs) work.settled();
    });
  }
  return {
    add: (event) => boss.send("events", event),
    async close() {
      await boss.stop({ graceful: false });
      await server.stop();
    },
  };
};
