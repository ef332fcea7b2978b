import assert from "node:assert/strict";
import type { Store } from "@pipehooks/core";
import { accept, acceptance, claim, every, rejectsWith, settle, type Topic, t0 } from "./bed.ts";

const calls: Record<string, (store: Store) => Promise<unknown>> = {
  accept: (store) => store.accept([acceptance("late")]),
  claim: (store) => claim(store),
  settle: (store) => settle(store, 1),
  extend: (store) => store.extend({ owner: "me", ids: [1], until: t0 }),
  update: (store) => store.update("key", () => ({ value: 1 })),
  read: (store) => store.read(["key"]),
  lanes: (store) => store.lanes(),
  events: (store) => store.events({}),
  deliveries: (store) => store.deliveries({}),
  attempts: (store) => store.attempts(1),
  counts: (store) => store.counts(),
  gates: (store) => store.gates({}),
  unrouted: (store) => store.unrouted(1),
  route: (store) => store.route([]),
  replay: (store) => store.replay({}, t0),
  cancel: (store) => store.cancel({}, t0),
  purge: (store) => store.purge({ before: t0, deadBefore: t0, limit: 1 }),
};

export const closing: Topic = (test, sharedTest) => {
  test("a store says in one line what it is", async ({ store }) => {
    assert.match(store.description, /^\S.*$/);
    assert.equal(typeof store.durable, "boolean");
  });

  test("disposing twice, and at the same time, is disposing once", async ({ store }) => {
    await accept(store, "e1");

    await Promise.all([store[Symbol.asyncDispose](), store[Symbol.asyncDispose]()]);
    await store[Symbol.asyncDispose]();
  });

  test("a store that was never used is disposed", async ({ store }) => {
    await store[Symbol.asyncDispose]();
  });

  test("what was asked before the disposal is answered", async ({ store }) => {
    const accepted = store.accept([acceptance("e1")]);
    const disposed = store[Symbol.asyncDispose]();

    assert.equal((await accepted).length, 1);
    await disposed;
  });

  test("every call after the disposal fails with CLOSED", async ({ store }) => {
    await store[Symbol.asyncDispose]();

    for (const [name, call] of Object.entries(calls))
      await rejectsWith("CLOSED", call(store), name);
  });

  sharedTest(
    "what was stored is there after the store was opened again",
    async ({ store, again }) => {
      const [one = 0] = await accept(store, "e1");
      const [two = 0] = await accept(store, "e2", { orderKey: "k" });
      await claim(store);
      const attempt = { number: 1, startedAt: t0, durationMs: 1, outcome: "pending" } as const;
      await settle(store, one, { to: "pending", dueAt: t0 + 5, state: { run: 7 }, attempt });
      await store.update("key", () => ({ value: { n: 1 }, blockedUntil: t0 + 1 }));
      const before = await every(store);
      await store[Symbol.asyncDispose]();

      const reopened = await again();

      assert.deepEqual(await every(reopened), before);
      assert.deepEqual((await reopened.read(["key"]))[0]?.value, { n: 1 });
      assert.deepEqual((await claim(reopened, { now: t0 + 5 }))[0]?.state, { run: 7 });
      assert.equal((await reopened.attempts(one)).length, 1);
      assert.equal(await settle(reopened, two), true);
    },
  );
};
