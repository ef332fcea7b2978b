import { Queue, Worker } from "bullmq";
import { makeFolder } from "../measuring/folder.ts";
import { inFlight, type OpenQueue } from "./queue.ts";
import { startServer } from "./server.ts";

/** BullMQ on a Redis that syncs its log before it answers. */
export const openBullmq: OpenQueue = async (work) => {
  const folder = makeFolder("redis");
  const server = await startServer("redis-server", {
    debian: "redis-server",
    args: (port) => [
      ...["--port", String(port), "--bind", "127.0.0.1", "--dir", folder.path, "--save", ""],
      ...["--appendonly", "yes", "--appendfsync", "always"],
    ],
  });
  const connection = { host: "127.0.0.1", port: server.port, maxRetriesPerRequest: null };
  const queue = new Queue("events", {
    connection,
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
  });
  const worker =
    work &&
    new Worker("events", ({ data }) => work.deliver(data), { connection, concurrency: inFlight });
  worker?.on("completed", () => work?.settled());
  await worker?.waitUntilReady();
  await queue.waitUntilReady();
  return {
    add: (event) => queue.add("event", event),
    async close() {
      await worker?.close();
      await queue.close();
      await server.stop();
      folder.remove();
    },
  };
};
