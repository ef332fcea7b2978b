import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  AckPolicy,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { makeFolder } from "../measuring/folder.ts";
import { inFlight, type OpenQueue } from "./queue.ts";
import { requireCommand, startServer } from "./server.ts";

/** NATS JetStream with file storage; synced for each message where the server can (from 2.10). */
export const openJetstream: OpenQueue = async (work) => {
  const folder = makeFolder("nats");
  const config = join(folder.path, "nats.conf");
  const sync = canSync() ? "sync_interval: always" : "";
  writeFileSync(config, `jetstream { store_dir: "${folder.path}", ${sync} }\n`);
  const server = await startServer("nats-server", {
    debian: "nats-server",
    args: (port) => ["-c", config, "-a", "127.0.0.1", "-p", String(port)],
  });
  const connection = await connect({ servers: `127.0.0.1:${server.port}` });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({
    name: "events",
    subjects: ["events"],
    storage: StorageType.File,
    retention: work === undefined ? RetentionPolicy.Limits : RetentionPolicy.Workqueue,
  });
  const stream = jetstream(connection);
  if (work !== undefined) {
    await manager.consumers.add("events", {
      durable_name: "hooks",
      ack_policy: AckPolicy.Explicit,
      max_ack_pending: inFlight,
    });
    const consumer = await stream.consumers.get("events", "hooks");
    await consumer.consume({
      max_messages: inFlight,
      callback: (message) => {
        void work.deliver(message.json()).then(() => {
          message.ack();
          work.settled();
        });
      },
    });
  }
  return {
    add: (event) => stream.publish("events", JSON.stringify(event)),
    async close() {
      await connection.close();
      await server.stop();
      folder.remove();
    },
  };
};

/** Whether this machine's nats-server can sync each message. */
export function canSync(): boolean {
  const version = requireCommand("nats-server", "nats-server");
  const [, major = "0", minor = "0"] = /v(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) > 2 || Number(minor) >= 10;
}
