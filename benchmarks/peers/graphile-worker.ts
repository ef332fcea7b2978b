import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";
import { startPostgres } from "./postgres.ts";
import { inFlight, type OpenQueue } from "./queue.ts";

const logger = new Logger(() => () => {});

/** Graphile Worker with the local queue and the batches that its documentation advises for throughput. */
export const openGraphileWorker: OpenQueue = async (work) => {
  const server = await startPostgres();
  const pgPool = new pg.Pool({ connectionString: server.url, max: 20 });
  // Connections end with the server; Graphile Worker wants both.
  pgPool.on("error", () => {});
  pgPool.on("connect", (client) => client.on("error", () => {}));
  const settings = { pgPool, logger };
  const utils = await makeWorkerUtils(settings);
  await utils.migrate();
  const runner =
    work &&
    (await run({
      ...settings,
      concurrency: inFlight,
      noHandleSignals: true,
      taskList: { event: (payload) => work.deliver(payload) },
      preset: { worker: { localQueue: { size: inFlight * 2 }, completeJobBatchDelay: 0 } },
    }));
  runner?.events.on("job:success", () => work?.settled());
  return {
    add: (event) => utils.addJob("event", event),
    async close() {
      await runner?.stop();
      await utils.release();
      await pgPool.end();
      await server.stop();
    },
  };
};
