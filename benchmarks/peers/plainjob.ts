import { join } from "node:path";
import Database from "better-sqlite3";
import { better, defineQueue, defineWorker } from "plainjob";
import { makeFolder } from "../measuring/folder.ts";
import { inFlight, type OpenQueue } from "./queue.ts";

const logger = { error: console.error, warn() {}, info() {}, debug() {} };

/** plainjob on better-sqlite3, with the fsync at each commit that it leaves out by default. */
export const openPlainjob: OpenQueue = async (work) => {
  const folder = makeFolder("plainjob");
  const connection = better(new Database(join(folder.path, "jobs.db")));
  const queue = defineQueue({ connection, logger });
  connection.pragma("synchronous = FULL");
  const workers = Array.from({ length: work === undefined ? 0 : inFlight }, () =>
    defineWorker("event", async ({ data }) => work?.deliver(JSON.parse(data)), {
      queue,
      logger,
      // A worker that finds nothing sleeps as long.
      pollIntervall: 1,
      onCompleted: () => work?.settled(),
    }),
  );
  for (const worker of workers) void worker.start();
  return {
    add: async (event) => queue.add("event", event),
    async close() {
      await Promise.all(workers.map((worker) => worker.stop()));
      queue.close();
      folder.remove();
    },
  };
};
