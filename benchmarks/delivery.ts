import { join } from "node:path";
import { createPipehooks, type Store } from "@pipehooks/core";
import { sqliteStore } from "@pipehooks/sqlite";
import { webhook } from "@pipehooks/webhook";
import { Pool } from "undici";
import { events, fields, makeEvent, type } from "./event.ts";
import type { Contender } from "./measuring/comparison.ts";
import { makeFolder } from "./measuring/folder.ts";
import { createFlow, saturate } from "./measuring/load.ts";
import { compare } from "./measuring/measure.ts";
import { openOutbox } from "./measuring/outbox.ts";
import { createPost, type Post } from "./measuring/post.ts";
import { startReceiver } from "./measuring/receiver.ts";
import { settings } from "./measuring/settings.ts";
import { openBullmq } from "./peers/bullmq.ts";
import { openGraphileWorker } from "./peers/graphile-worker.ts";
import { openJetstream } from "./peers/jetstream.ts";
import { openPgBoss } from "./peers/pg-boss.ts";
import { openPlainjob } from "./peers/plainjob.ts";
import { inFlight, type OpenQueue } from "./peers/queue.ts";

const { roundMs } = settings;
const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

/** Pipehooks: emitted, stored, signed, posted, settled with its attempt recorded. */
function pipehooks(worker: boolean): Contender["open"] {
  return async () => {
    const folder = makeFolder("pipehooks");
    const receiver = await startReceiver();
    const flow = createFlow();
    const store = sqliteStore({ path: join(folder.path, "pipehooks.db"), worker });
    const bus = createPipehooks({
      store: countSettled(store, flow.settled),
      events,
      hooks: [
        {
          name: "quality",
          events: "data.*",
          concurrency: inFlight,
          hook: webhook({ url: receiver.url, allowPrivate: true, signing: { secret } }),
        },
      ],
    });
    return {
      measure: () => flow.run(roundMs, () => bus.emit(type, fields)),
      async close() {
        await bus.close();
        receiver.close();
        folder.remove();
      },
    };
  };
}

/** The same store, counting what it has settled. */
function countSettled(store: Store, settled: (count: number) => void): Store {
  return {
    ...store,
    async settle(settlements) {
      const held = await store.settle(settlements);
      settled(settlements.filter(({ to }) => to === "delivered").length);
      return held;
    },
  };
}

/** Posts with nothing stored. */
function raw(how: "request" | "dispatch"): Contender["open"] {
  return async () => {
    const { post, close } = await openPost(how);
    let number = 0;
    return {
      measure: () => saturate(inFlight, roundMs, () => post(makeEvent(++number))),
      close,
    };
  };
}

function outbox(how: "request" | "dispatch"): Contender["open"] {
  return async () => {
    const folder = makeFolder("outbox");
    const box = openOutbox(join(folder.path, "outbox.db"), "group");
    const { post, close } = await openPost(how);
    const flow = createFlow();
    const ready: { readonly id: number; readonly event: object }[] = [];
    let running = 0;
    let number = 0;

    const deliver = async (id: number, event: object): Promise<void> => {
      await post(event);
      running -= 1;
      begin();
      await box.settle(id);
      flow.settled();
    };
    const begin = () => {
      while (running < inFlight) {
        const next = ready.shift();
        if (next === undefined) return;
        running += 1;
        void deliver(next.id, next.event);
      }
    };
    const emit = async (): Promise<void> => {
      const event = makeEvent(++number);
      ready.push({ id: await box.add(JSON.stringify(event)), event });
      begin();
    };
    return {
      measure: () => flow.run(roundMs, emit),
      async close() {
        await close();
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
      const { post, close } = await openPost("request");
      const flow = createFlow();
      const deliver = (event: unknown) => post(event as object);
      const queue = await open({ deliver, settled: flow.settled });
      let number = 0;
      return {
        measure: () => flow.run(roundMs, () => queue.add(makeEvent(++number))),
        async close() {
          await queue.close();
          await close();
        },
      };
    },
  };
}

async function openPost(
  how: "request" | "dispatch",
): Promise<{ readonly post: Post; close(): Promise<void> }> {
  const receiver = await startReceiver();
  const { origin, pathname } = new URL(receiver.url);
  const pool = new Pool(origin, { connections: inFlight });
  return {
    post: createPost(pool, pathname, how),
    async close() {
      await pool.close();
      receiver.close();
    },
  };
}

await compare({
  title: "Delivery: accept, POST to a receiver in another process, settle; 50 in flight",
  measures: [{ name: "events delivered", unit: "/s" }],
  // Of all that is measured here undici's processes differ most: the median of three says little.
  starts: Math.max(6, settings.starts),
  contenders: {
    "Pipehooks, signed": { role: "ours", open: pipehooks(true) },
    "Pipehooks, signed, worker: false": { role: "other", open: pipehooks(false) },
    "undici request, nothing stored": { role: "limit", open: raw("request") },
    "undici dispatch, nothing stored": { role: "limit", open: raw("dispatch") },
    "bare outbox and request": { role: "limit", open: outbox("request") },
    "bare outbox and dispatch": { role: "limit", open: outbox("dispatch") },
    BullMQ: peer(openBullmq),
    "NATS JetStream": peer(openJetstream),
    plainjob: peer(openPlainjob),
    "pg-boss": peer(openPgBoss),
    "Graphile Worker": peer(openGraphileWorker),
  },
  goals: [
    {
      text: "at least 0.65 of undici request",
      of: "Pipehooks, signed",
      by: "undici request, nothing stored",
      atLeast: 0.65,
    },
    { text: "at least twice BullMQ", of: "Pipehooks, signed", by: "BullMQ", atLeast: 2 },
  ],
  notes: ["All but Pipehooks post unsigned and record nothing of the attempt."],
});
