import assert from "node:assert/strict";
import type { JsonObject, Store } from "@pipehooks/core";
import {
  claim,
  claimLane,
  countsAgree,
  every,
  idsOf,
  row,
  settle,
  stateOf,
  type Topic,
  t0,
} from "./bed.ts";
import { absence, eventsOfType, gateEntry, join, of, pass, remembered } from "./gated.ts";

const telling = { ...join, onDeadline: "emit" } as const;
const missed = "pipehooks.absence.missed";
const incomplete = "pipehooks.join.incomplete";

/** A join that was not complete in time, so that its gate announced it. */
async function announceOne(store: Store, key = "k", at = t0): Promise<void> {
  await pass(store, `of ${key}`, { spec: telling, key, facts: { inputs: ["x"] }, at });
  const { announced } = await claimLane(store, { gate: telling, now: at + 1000 });
  assert.equal(announced, true);
}

/** What gates announce themselves, and what they know from the beginning. */
export const announcing: Topic = (test, sharedTest) => {
  test("an announced event is stored like any other, and waits for its route", async ({
    store,
  }) => {
    await announceOne(store);

    const [event, ...others] = await eventsOfType(store, incomplete);
    assert.deepEqual(others, []);
    const { source, time, type, metadata } = event ?? {};
    assert.deepEqual(
      { source, time, type },
      { source: "/gates", time: new Date(t0 + 1000).toISOString(), type: incomplete },
    );
    assert.deepEqual((metadata as JsonObject).missing, ["y"]);
    const unrouted = await store.unrouted(10);
    assert.deepEqual(unrouted, await store.events({ type: incomplete }));
    assert.equal(unrouted[0]?.acceptedAt, t0 + 1000);
    assert.deepEqual(await of(store, String(event?.id)), []);
  });

  test("accept, and a claim, say that something was announced, and only then", async ({
    store,
  }) => {
    const one = await pass(store, "e1", { spec: telling, facts: { inputs: ["x"] } });
    const two = await pass(store, "e2", { spec: telling, facts: { inputs: ["x"] }, at: t0 + 1000 });
    const quiet = await claimLane(store, { gate: telling, now: t0 + 1000 });
    const loud = await claimLane(store, { gate: telling, now: t0 + 2000 });

    assert.deepEqual([one.announced, two.announced], [undefined, true]);
    assert.deepEqual([quiet.announced, loud.announced], [undefined, true]);
    assert.equal((await store.unrouted(10)).length, 2);
  });

  test("an announced event gets its deliveries and gates when it is routed, and is off the list", async ({
    store,
  }) => {
    await announceOne(store);
    const [{ seq } = { seq: 0 }] = await store.unrouted(1);

    const routed = await store.route([
      {
        seq,
        deliveries: [{ hook: "pager", dueAt: t0 + 2000 }],
        gates: [gateEntry({ hook: "mail", key: "m" })],
        at: t0 + 2000,
      },
    ]);

    assert.deepEqual(routed, [true]);
    assert.deepEqual(await store.unrouted(10), []);
    const rows = await every(store, { since: t0 + 1000 });
    assert.deepEqual(rows.map(({ hook, state, eventType }) => [hook, state, eventType]).sort(), [
      ["mail", "gathering", incomplete],
      ["pager", "waiting", incomplete],
    ]);
    assert.equal((await remembered(store, "m", "mail"))?.wakeAt, t0 + 3000);
    const [claimed] = await claim(store, { hook: "pager", now: t0 + 2000 });
    assert.equal(claimed?.events.length, 1);
    await countsAgree(store);
  });

  test("an announced event is routed once", async ({ store }) => {
    await announceOne(store);
    const [{ seq } = { seq: 0 }] = await store.unrouted(1);
    const route = { seq, deliveries: [{ hook: "pager", dueAt: t0 }], at: t0 };

    const answers = await Promise.all([store.route([route]), store.route([route, route])]);

    assert.equal(answers.flat().filter(Boolean).length, 1);
    assert.equal((await every(store, { hook: "pager" })).length, 1);
    assert.deepEqual(await store.route([route, { ...route, seq: 987_654 }]), [false, false]);
    await countsAgree(store);
  });

  test("an event that was emitted is not on the list, and cannot be routed again", async ({
    store,
  }) => {
    await pass(store, "e1");
    const [{ seq } = { seq: 0 }] = await store.events({ id: "e1" });

    assert.deepEqual(await store.unrouted(10), []);
    assert.deepEqual(
      await store.route([{ seq, deliveries: [{ hook: "pager", dueAt: t0 }], at: t0 }]),
      [false],
    );
  });

  test("of announced events the oldest are listed first, as many as asked for", async ({
    store,
  }) => {
    for (const [at, key] of ["k1", "k2", "k3"].entries()) await announceOne(store, key, t0 + at);

    const two = await store.unrouted(2);
    const all = await store.unrouted(100);

    assert.deepEqual(two, all.slice(0, 2));
    const keys = all.map(({ body }) => (JSON.parse(body) as { metadata: JsonObject }).metadata.key);
    assert.deepEqual(keys, ["k1", "k2", "k3"]);
    await store.route([{ seq: all[1]?.seq ?? 0, deliveries: [], at: t0 }]);
    assert.deepEqual(await store.unrouted(100), [all[0], all[2]]);
  });

  test("an announced event is not purged before it is routed; after that like any other", async ({
    store,
  }) => {
    await announceOne(store);
    const [{ seq } = { seq: 0 }] = await store.unrouted(1);
    const purge = () =>
      store.purge({ before: t0 + 9999, deadBefore: t0 + 9999, keep: 0, limit: 9 });

    assert.equal(await purge(), 1);
    assert.equal((await store.unrouted(10)).length, 1);
    await store.route([{ seq, deliveries: [], at: t0 + 2000 }]);
    assert.equal(await purge(), 1);
    await countsAgree(store);
  });

  test("what a gate releases with an announcement is due at once, with the announced event", async ({
    store,
  }) => {
    await pass(store, "e1", { spec: absence, facts: { begins: true } });

    const lane = await claimLane(store, { gate: absence, now: t0 + 1000 });

    const [claimed] = lane.deliveries;
    assert.equal(lane.announced, true);
    const [event] = await eventsOfType(store, missed);
    assert.equal(claimed?.events.length, 1);
    assert.deepEqual(JSON.parse(claimed?.events[0] ?? "{}"), event);
    assert.deepEqual(
      [claimed?.since, claimed?.attempt, claimed?.gate?.key, claimed?.gate?.count],
      [t0 + 1000, 1, "k", 1],
    );
    assert.equal((await row(store, claimed?.id ?? 0)).eventType, missed);
    await countsAgree(store);
  });

  test("an announced event that is released, too, still waits for its route, which adds to it", async ({
    store,
  }) => {
    await pass(store, "e1", { spec: absence, facts: { begins: true } });
    const [claimed] = await claim(store, { gate: absence, now: t0 + 1000 });
    const [{ seq } = { seq: 0 }] = await store.unrouted(1);

    assert.deepEqual(
      await store.route([{ seq, deliveries: [{ hook: "pager", dueAt: t0 }], at: t0 + 1000 }]),
      [true],
    );

    const [event] = await eventsOfType(store, missed);
    assert.deepEqual(
      (await of(store, String(event?.id))).map(({ hook, state }) => [hook, state]),
      [
        ["a", "running"],
        ["pager", "waiting"],
      ],
    );
    assert.equal(await settle(store, claimed?.id ?? 0, { now: t0 + 1001 }), true);
  });

  test("a key that a gate does not know yet is seeded once", async ({ store }) => {
    const gate = {
      ...absence,
      schedule: { type: "every", everyMs: 1000 },
      keys: ["orders", "customers"],
    } as const;
    const seeds = gate.keys;

    const first = await claimLane(store, { gate, seeds });
    const before = await store.gates({});
    const second = await claimLane(store, { gate, seeds, now: t0 + 500 });

    assert.deepEqual(before.map(({ key }) => key).sort(), ["customers", "orders"]);
    assert.ok((first.nextGateAt ?? 0) > t0);
    assert.equal(second.nextGateAt, first.nextGateAt);
    assert.deepEqual(await store.gates({}), before);
    const missing = await claim(store, { gate, seeds, now: first.nextGateAt ?? 0 });
    assert.equal(missing.length, 2);
    assert.equal((await eventsOfType(store, missed)).length, 2);
  });

  test("a key that an event made known before is not seeded", async ({ store }) => {
    const gate = {
      ...absence,
      schedule: { type: "every", everyMs: 1000 },
      keys: ["k"],
    } as const;
    await pass(store, "e1", { spec: gate, facts: { expected: true }, at: t0 });
    const before = await remembered(store);

    await claimLane(store, { gate, seeds: ["k"], now: t0 + 500 });

    assert.deepEqual(await remembered(store), before);
  });

  sharedTest("two stores that route at once route once", async ({ store, again }) => {
    const other = await again();
    for (const [at, key] of ["k1", "k2"].entries()) await announceOne(store, key, t0 + at);
    const routes = (await other.unrouted(10)).map(({ seq }) => ({
      seq,
      deliveries: [{ hook: "pager", dueAt: t0 }],
      at: t0,
    }));
    assert.equal(routes.length, 2);

    const answers = await Promise.all(
      [store, other, store, other].map((each) => each.route(routes)),
    );

    assert.equal(answers.flat().filter(Boolean).length, 2);
    const rows = await every(other, { hook: "pager" });
    assert.equal(rows.length, 2);
    assert.deepEqual(await Promise.all(idsOf(rows).map((id) => stateOf(store, id))), [
      "waiting",
      "waiting",
    ]);
    assert.deepEqual(await store.unrouted(10), []);
  });

  sharedTest(
    "what was announced and not routed is there after the store was opened again",
    async ({ store, again }) => {
      await announceOne(store);
      const before = await store.unrouted(10);
      await store[Symbol.asyncDispose]();

      assert.deepEqual(await (await again()).unrouted(10), before);
    },
  );
};
