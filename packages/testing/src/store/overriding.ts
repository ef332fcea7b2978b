import assert from "node:assert/strict";
import type { DeliveryState, Store } from "@pipehooks/core";
import {
  accept,
  acceptance,
  claim,
  countsAgree,
  every,
  idsOf,
  plain,
  row,
  settle,
  stateOf,
  type Topic,
  t0,
} from "./bed.ts";

const ascending = (ids: readonly number[]): number[] => ids.toSorted((x, y) => x - y);

/** One delivery in each state, of the hook `a`, accepted one millisecond apart. */
async function inEveryState(store: Store): Promise<Record<DeliveryState, number>> {
  const states = [
    "delivered",
    "skipped",
    "dead",
    "retrying",
    "pending",
    "cancelled",
    "running",
  ] as const;
  const ids: Partial<Record<DeliveryState, number>> = {};
  for (const [at, state] of states.entries()) {
    const [id = 0] = await accept(store, state, {
      at: t0 + at,
      deliveries: [{ hook: "a", dueAt: t0, ...(state === "running" ? { orderKey: "k" } : {}) }],
    });
    ids[state] = id;
    await claim(store);
    if (state === "running") continue;
    if (state === "cancelled") await store.cancel({ ids: [id] }, t0);
    else await settle(store, id, { to: state, dueAt: t0 + 500 });
  }
  const [blocked = 0] = await accept(store, "blocked", { at: t0 + 7, orderKey: "k" });
  const [waiting = 0] = await accept(store, "waiting", { at: t0 + 8 });
  return { ...ids, blocked, waiting } as Record<DeliveryState, number>;
}

export const overriding: Topic = (test, sharedTest) => {
  test("replay makes every settled delivery due again, and leaves the unsettled alone", async ({
    store,
  }) => {
    const ids = await inEveryState(store);
    const before = plain(await every(store));

    const replayed = await store.replay({}, t0 + 50);

    const expected = [ids.delivered, ids.skipped, ids.dead, ids.cancelled];
    assert.deepEqual(ascending(replayed), ascending(expected));
    for (const id of expected) {
      const { state, dueAt, attempts, settledAt, reason } = await row(store, id);
      assert.deepEqual(
        { state, dueAt, attempts, settledAt, reason },
        { state: "waiting", dueAt: t0 + 50, attempts: 0, settledAt: undefined, reason: undefined },
      );
    }
    const untouched = plain(await every(store)).filter(({ id }) => !expected.includes(id));
    assert.deepEqual(
      untouched,
      before.filter(({ id }) => !expected.includes(id)),
    );
    await countsAgree(store);
  });

  test("replay begins the count and the age anew, forgets the remote run, and keeps the attempts made", async ({
    store,
  }) => {
    const [id = 0] = await accept(store, "e1");
    await claim(store);
    await settle(store, id, { to: "pending", dueAt: t0, state: { run: 1 } });
    await claim(store);
    const attempt = { number: 2, startedAt: t0, durationMs: 1, outcome: "dead" } as const;
    await settle(store, id, { to: "dead", attempts: 2, attempt });

    await store.replay({ ids: [id] }, t0 + 50);

    const [claimed] = await claim(store, { now: t0 + 50 });
    assert.deepEqual(
      [claimed?.attempt, claimed?.since, claimed?.state, claimed?.events.length],
      [1, t0 + 50, undefined, 1],
    );
    const again = { number: 1, startedAt: t0 + 50, durationMs: 2, outcome: "delivered" } as const;
    await settle(store, id, { now: t0 + 51, attempt: again });
    assert.deepEqual(
      (await store.attempts(id)).map(({ number, outcome }) => [number, outcome]),
      [
        [2, "dead"],
        [1, "delivered"],
      ],
    );
  });

  test("replay gives back the state with which a delivery died, once", async ({ store }) => {
    const [id = 0] = await accept(store, "e1");
    await claim(store);
    await settle(store, id, { to: "dead", state: { reached: ["a"] } });
    const states: unknown[] = [];

    for (const at of [t0 + 50, t0 + 60]) {
      await store.replay({ ids: [id] }, at);
      const [claimed] = await claim(store, { now: at });
      states.push(claimed?.state);
      await settle(store, id, { to: "dead", now: at });
    }

    assert.deepEqual(states, [{ reached: ["a"] }, undefined]);
  });

  test("replay and cancel take what a query finds: state, hook, time, limit", async ({ store }) => {
    const ids = await inEveryState(store);

    assert.deepEqual(await store.replay({ states: ["dead"], hook: "b" }, t0), []);
    assert.deepEqual(await store.replay({ states: ["dead"], since: t0 + 3 }, t0), []);
    assert.deepEqual(await store.replay({ states: ["dead", "waiting"], until: t0 + 3 }, t0), [
      ids.dead,
    ]);
    assert.deepEqual(await store.replay({ oldestFirst: true, limit: 1 }, t0), [ids.delivered]);
    assert.deepEqual(await store.cancel({ hook: "b" }, t0), []);
    assert.deepEqual(await store.cancel({ states: ["retrying", "skipped"] }, t0), [ids.retrying]);
    assert.deepEqual(await store.cancel({ eventId: "pending" }, t0), [ids.pending]);
    await countsAgree(store);
  });

  test("cancel ends every unsettled delivery, running ones included, and leaves the settled alone", async ({
    store,
  }) => {
    const ids = await inEveryState(store);

    const cancelled = await store.cancel({}, t0 + 50);

    const expected = [ids.retrying, ids.pending, ids.running, ids.blocked, ids.waiting];
    assert.deepEqual(ascending(cancelled), ascending(expected));
    for (const id of expected) {
      const { state, dueAt, settledAt } = await row(store, id);
      assert.deepEqual([state, dueAt, settledAt], ["cancelled", undefined, t0 + 50]);
    }
    assert.equal(await stateOf(store, ids.delivered), "delivered");
    assert.deepEqual(await claim(store, { now: t0 + 9_999_999 }), []);
    assert.equal(await settle(store, ids.running, { now: t0 + 51 }), false);
    await countsAgree(store);
  });

  test("a cancelled delivery that is replayed and claimed by another is lost to its first owner", async ({
    store,
  }) => {
    const [id = 0] = await accept(store, "e1");
    await claim(store);
    await store.cancel({ ids: [id] }, t0);
    await store.replay({ ids: [id] }, t0);
    assert.equal(await settle(store, id), false);
    await claim(store, { owner: "other" });

    assert.equal(await settle(store, id), false);
    assert.equal(await settle(store, id, { owner: "other" }), true);
  });

  test("purge removes old events whose deliveries are all settled, with all that belongs to them", async ({
    store,
  }) => {
    const [old = 0] = await accept(store, "old", { at: t0 - 100 });
    await accept(store, "none", { at: t0 - 100, deliveries: [] });
    const [young = 0] = await accept(store, "young", { at: t0 });
    await claim(store);
    const attempt = { number: 1, startedAt: t0, durationMs: 1, outcome: "delivered" } as const;
    await settle(store, old, { attempt });
    await settle(store, young, { attempt });

    const removed = await store.purge({ before: t0, deadBefore: t0, limit: 100 });

    assert.equal(removed, 2);
    assert.deepEqual(idsOf(await every(store)), [young]);
    assert.equal((await store.events({})).length, 1);
    assert.deepEqual(await store.attempts(old), []);
    assert.equal((await store.attempts(young)).length, 1);
    assert.equal(await store.purge({ before: t0, deadBefore: t0, limit: 100 }), 0);
    await countsAgree(store);
  });

  test("purge never removes an event that has anything unsettled", async ({ store }) => {
    const ids = await inEveryState(store);

    const removed = await store.purge({
      before: t0 + 1000,
      deadBefore: t0 + 1000,
      keep: 0,
      limit: 100,
    });

    assert.equal(removed, 4);
    assert.deepEqual(
      idsOf(await every(store)),
      ascending([ids.retrying, ids.pending, ids.running, ids.blocked, ids.waiting]),
    );
    await countsAgree(store);
  });

  test("purge keeps an event while one of its hooks is not done", async ({ store }) => {
    const [one = 0, two = 0] = await accept(store, "e1", {
      deliveries: [
        { hook: "a", dueAt: t0 },
        { hook: "b", dueAt: t0 },
      ],
    });
    await claim(store);
    await settle(store, one);
    const request = { before: t0 + 1, deadBefore: t0 + 1, limit: 100 };

    assert.equal(await store.purge(request), 0);
    await claim(store, { hook: "b" });
    await settle(store, two);
    assert.equal(await store.purge(request), 1);
  });

  test("purge keeps dead deliveries longer", async ({ store }) => {
    const [id = 0] = await accept(store, "e1");
    await claim(store);
    await settle(store, id, { to: "dead" });

    assert.equal(await store.purge({ before: t0 + 1, deadBefore: t0, keep: 0, limit: 100 }), 0);
    assert.equal(await store.purge({ before: t0 + 1, deadBefore: t0 + 1, limit: 100 }), 1);
    assert.deepEqual(await store.counts(), []);
  });

  test("a dead delivery that was replayed and delivered is no dead letter any more", async ({
    store,
  }) => {
    const [id = 0] = await accept(store, "e1");
    await claim(store);
    await settle(store, id, { to: "dead" });
    await store.replay({ ids: [id] }, t0);
    await claim(store);
    await settle(store, id);

    assert.equal(await store.purge({ before: t0 + 1, deadBefore: t0, limit: 100 }), 1);
  });

  test("purge takes the oldest first, as many as its limit", async ({ store }) => {
    await store.accept(
      Array.from({ length: 5 }, (_, n) => acceptance(`e${n}`, { at: t0 - 9 + n, deliveries: [] })),
    );

    assert.equal(await store.purge({ before: t0, deadBefore: t0, limit: 2 }), 2);

    const left = await store.events({ oldestFirst: true });
    assert.deepEqual(
      left.map(({ acceptedAt }) => acceptedAt - t0),
      [-7, -6, -5],
    );
  });

  test("purge removes what is beyond the number to keep, however young", async ({ store }) => {
    await store.accept(
      Array.from({ length: 5 }, (_, n) => acceptance(`e${n}`, { at: t0 + n, deliveries: [] })),
    );

    assert.equal(await store.purge({ before: t0, deadBefore: t0, keep: 3, limit: 100 }), 2);
    assert.equal(await store.purge({ before: t0, deadBefore: t0, keep: 3, limit: 100 }), 0);

    const left = await store.events({ oldestFirst: true });
    assert.deepEqual(
      left.map(({ acceptedAt }) => acceptedAt - t0),
      [2, 3, 4],
    );
  });

  test("an event that was purged may come again, and its numbers are not used again", async ({
    store,
  }) => {
    const [first = 0] = await accept(store, "e1");
    const [seq = 0] = (await store.events({})).map((event) => event.seq);
    await store.cancel({ ids: [first] }, t0);
    await store.purge({ before: t0 + 1, deadBefore: t0 + 1, limit: 100 });

    const [second = 0] = await accept(store, "e1");

    assert.ok(second > first);
    assert.ok(((await store.events({}))[0]?.seq ?? 0) > seq);
  });

  sharedTest("what another store cancels or replays is seen at once", async ({ store, again }) => {
    const other = await again();
    const [id = 0] = await accept(store, "e1");
    await claim(store);

    await other.cancel({ ids: [id] }, t0);
    assert.equal(await settle(store, id), false);
    await other.replay({ ids: [id] }, t0);
    assert.deepEqual(idsOf(await claim(store)), [id]);
    await countsAgree(other);
  });
};
