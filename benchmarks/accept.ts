import { join } from "node:path";
import { createPipehooks } from "@pipehooks/core";
import { sqliteStore } from "@pipehooks/sqlite";
import { events, fields, makeEvent, type } from "./event.ts";
import { bestPeer, type Contender } from "./measuring/comparison.ts";
import { makeFolder } from "./measuring/folder.ts";
import { saturate } from "./measuring/load.ts";
import { compare } from "./measuring/measure.ts";
import { openOutbox } from "./measuring/outbox.ts";
import { settings } from "./measuring/settings.ts";
import { openBullmq } from "./peers/bullmq.ts";
import { openGraphileWorker } from "./peers/graphile-worker.ts";
import { openJetstream } from "./peers/jetstream.ts";
import { openPgBoss } from "./peers/pg-boss.ts";
import { openPlainjob } from "./peers/plainjob.ts";
import type { OpenQueue } from "./peers/queue.ts";

const emitters = 100;
const { roundMs } = settings;

/** Pipehooks: stamped, validated, routed to one hook, stored with its delivery. */
function pipehooks(worker: boolean): Contender["open"] {
  return () => {
    const folder = makeFolder("pipehooks");
    const bus = createPipehooks({
      deliver: false,
      store: sqliteStore({ path: join(folder.path, "pipehooks.db"), worker }),
      events,
      hooks: [{ name: "quality", events: "data.*", hook: () => {} }],
    });
    return {
      measure: () => saturate(emitters, roundMs, () => bus.emit(type, fields)),
      async close() {
        await bus.close();
        folder.remove();
      },
    };
  };
}

function outbox(commits: "group" | "each"): Contender["open"] {
  return () => {
    const folder = makeFolder("outbox");
    const box = openOutbox(join(folder.path, "outbox.db"), commits);
    let number = 0;
    return {
      measure: () =>
        saturate(emitters, roundMs, () => box.add(JSON.stringify(makeEvent(++number)))),
      close() {
        box.close();
        folder.remove();
      },
    };
  };
}

function peer(open: OpenQueue): Contender {
  return {
    role: "peer",
    async open() {
      const queue = await open();
      let number = 0;
      return {
        measure: () => saturate(emitters, roundMs, () => queue.add(makeEvent(++number))),
        close: () => queue.close(),
      };
    },
  };
}

await compare({
  title: "Accept: one durable accept per event, fsync on, 100 emitters, events of 500 bytes",
  measures: [{ name: "events accepted", unit: "/s" }],
  contenders: {
    Pipehooks: { role: "ours", open: pipehooks(true) },
    "Pipehooks, worker: false": { role: "other", open: pipehooks(false) },
    "bare outbox, group commit": { role: "limit", open: outbox("group") },
    "bare outbox, commit per event": { role: "other", open: outbox("each") },
    BullMQ: peer(openBullmq),
    "NATS JetStream": peer(openJetstream),
    plainjob: peer(openPlainjob),
    "pg-boss": peer(openPgBoss),
    "Graphile Worker": peer(openGraphileWorker),
  },
  goals: [
    {
      text: "at least 0.5 of the bare outbox",
      of: "Pipehooks",
      by: "bare outbox, group commit",
      atLeast: 0.5,
    },
    { text: "at least 2.4 times the best peer", of: "Pipehooks", by: bestPeer, atLeast: 2.4 },
  ],
  notes: ["JetStream syncs each message only from nats-server 2.10 on."],
});
