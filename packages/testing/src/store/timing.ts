import assert from "node:assert/strict";
import {
  accept,
  claim,
  claimLane,
  countsAgree,
  every,
  idsOf,
  plain,
  row,
  settle,
  type Topic,
  t0,
} from "./bed.ts";
import { alert, bodyOf, debounce, digest, gated, join, of, pass, remembered } from "./gated.ts";

const hour = 3_600_000;

/** Timers of gates. */
export const timing: Topic = (test, sharedTest) => {
  test("a gate whose time has come releases in the claim that asks, and not before", async ({
    store,
  }) => {
    const { delivery } = await pass(store, "e1");
    await pass(store, "e2", { at: t0 + 500 });

    assert.deepEqual(await claim(store, { gate: debounce, now: t0 + 1499 }), []);
    const [claimed] = await claim(store, { gate: debounce, now: t0 + 1500 });

    assert.equal(claimed?.id, delivery);
    assert.deepEqual(claimed?.events, ["e1", "e2"].map(bodyOf));
    assert.deepEqual([claimed?.attempt, claimed?.since], [1, t0 + 1500]);
    await countsAgree(store);
  });

  test("without the lane's gate no gate is asked", async ({ store }) => {
    const { delivery } = await pass(store, "e1");

    const lane = await claimLane(store, { now: t0 + hour });

    assert.deepEqual(lane.deliveries, []);
    assert.equal((await row(store, delivery)).state, "gathering");
  });

  test("a timer that is overdue when an event comes goes first", async ({ store }) => {
    const first = await pass(store, "e1");
    const second = await pass(store, "e2", { at: t0 + 1000 });

    assert.notEqual(second.delivery, first.delivery);
    assert.equal(second.state, "gathering");
    const { state, dueAt, gate } = await row(store, first.delivery);
    assert.deepEqual([state, dueAt, gate?.count], ["waiting", t0 + 1000, 1]);
  });

  test("two claims at once ask an overdue gate once", async ({ store }) => {
    await store.accept(["k1", "k2"].map((key) => gated(key, { key })));

    const claims = await Promise.all(
      [1, 2, 3].map((n) => claim(store, { gate: debounce, now: t0 + 1000, owner: `owner ${n}` })),
    );

    assert.equal(claims.flat().length, 2);
    assert.deepEqual(
      claims
        .flat()
        .map(({ events: [body] }) => body)
        .sort(),
      ["k1", "k2"].map(bodyOf),
    );
    assert.equal((await every(store)).length, 2);
    await countsAgree(store);
  });

  test("gates are asked whatever the limit is", async ({ store }) => {
    const { delivery } = await pass(store, "e1");

    const lane = await claimLane(store, { gate: debounce, now: t0 + 1000, limit: 0 });

    assert.deepEqual(lane.deliveries, []);
    assert.equal(lane.nextDueAt, t0 + 1000);
    assert.equal((await row(store, delivery)).state, "waiting");
  });

  test("gates are asked also while the lane is blocked", async ({ store }) => {
    const { delivery } = await pass(store, "e1");
    await store.update("breaker", () => ({ value: 1, blockedUntil: t0 + hour }));

    const lane = await claimLane(store, { gate: debounce, keys: ["breaker"], now: t0 + 1000 });

    assert.deepEqual(lane.deliveries, []);
    assert.equal((await row(store, delivery)).state, "waiting");
    assert.equal(lane.nextDueAt, t0 + hour);
  });

  test("a claim says when a gate wants to be asked next", async ({ store }) => {
    assert.equal((await claimLane(store, { gate: debounce })).nextGateAt, undefined);
    await pass(store, "e1", { key: "k1" });
    await pass(store, "e2", { key: "k2", at: t0 + 300 });

    const before = await claimLane(store, { gate: debounce, now: t0 + 300 });
    const between = await claimLane(store, { gate: debounce, now: t0 + 1000 });
    const after = await claimLane(store, { gate: debounce, now: t0 + 1300 });

    assert.deepEqual([before.nextGateAt, before.nextDueAt], [t0 + 1000, undefined]);
    assert.equal(between.nextGateAt, t0 + 1300);
    assert.equal(after.nextGateAt, undefined);
  });

  test("a gate without a timer waits for its events only", async ({ store }) => {
    const spec = { ...join, withinMs: undefined };
    await pass(store, "e1", { spec, facts: { inputs: ["x"] } });

    const lane = await claimLane(store, { gate: spec, now: t0 + 1000 * hour });

    assert.deepEqual(
      [lane.deliveries, lane.nextGateAt, lane.nextDueAt],
      [[], undefined, undefined],
    );
    assert.equal((await remembered(store))?.wakeAt, undefined);
    const { state } = await pass(store, "e2", { spec, facts: { inputs: ["y"] }, at: t0 + 1 });
    assert.equal(state, "waiting");
  });

  test("timers of other hooks are left alone", async ({ store }) => {
    const { delivery } = await pass(store, "e1", { hook: "b" });

    await claim(store, { gate: debounce, now: t0 + hour });

    assert.equal((await row(store, delivery)).state, "gathering");
    assert.equal((await claim(store, { hook: "b", gate: debounce, now: t0 + hour })).length, 1);
  });

  test("lanes names a hook whose gate wants to be asked, and when", async ({ store }) => {
    await pass(store, "e1", { hook: "timer" });
    await pass(store, "e2", { hook: "both" });
    await accept(store, "e3", { deliveries: [{ hook: "both", dueAt: t0 + 7 }] });
    await pass(store, "e4", { hook: "sooner", at: t0 + 2 });
    await accept(store, "e5", { deliveries: [{ hook: "sooner", dueAt: t0 + hour }] });

    const lanes = await store.lanes();

    assert.deepEqual(Object.fromEntries(lanes.map(({ hook, dueAt }) => [hook, dueAt])), {
      timer: t0 + 1000,
      both: t0 + 7,
      sooner: t0 + 1002,
    });
  });

  test("of many gates that are due some hundred are asked in one claim, and none is left out", async ({
    store,
  }) => {
    const spec = { ...debounce, maxKeys: 10_000 };
    const count = 1500;
    await store.accept(
      Array.from({ length: count }, (_, n) => gated(`e${n}`, { spec, key: `k${n}` })),
    );

    const now = t0 + 1000;
    let released = 0;
    for (let round = 0; round < 40 && released < count; round += 1) {
      const lane = await claimLane(store, { gate: spec, now, limit: 2000 });
      released += lane.deliveries.length;
      assert.ok(lane.deliveries.length > 0, "each claim goes on");
      assert.ok(lane.deliveries.length <= 1000, "and takes no longer, however many there are");
      if (released < count)
        assert.ok((lane.nextGateAt ?? Infinity) <= now, "it says that more is due");
    }

    assert.equal(released, count);
    assert.deepEqual(await store.gates({}), []);
  });

  test("after the clock was set back a gate waits no longer than its own time", async ({
    store,
  }) => {
    const { delivery } = await pass(store, "e1", { at: t0 + 10 * hour });

    const lane = await claimLane(store, { gate: debounce, now: t0 });

    assert.ok((lane.nextGateAt ?? Infinity) <= t0 + 1000);
    const claimed = await claim(store, { gate: debounce, now: t0 + 1000 });
    assert.deepEqual(idsOf(claimed), [delivery]);
    assert.equal(claimed[0]?.since, t0 + 1000);
  });

  test("after the clock was set back every one of many gates is corrected", async ({ store }) => {
    const spec = { ...debounce, maxKeys: 10_000 };
    const count = 1200;
    await store.accept(
      Array.from({ length: count }, (_, n) =>
        gated(`e${n}`, { spec, key: `k${n}`, at: t0 + 10 * hour }),
      ),
    );
    let rounds = 0;
    for (let next = t0; next <= t0 && rounds < 30; rounds += 1) {
      next = (await claimLane(store, { gate: spec, now: t0 })).nextGateAt ?? Infinity;
    }

    const gates = await store.gates({ limit: 5000 });
    assert.equal(gates.length, count);
    assert.ok(gates.every(({ wakeAt = Infinity }) => wakeAt <= t0 + 1000));
  });

  test("an event after the clock was set back lowers the timer, too", async ({ store }) => {
    await pass(store, "e1", { spec: digest, at: t0 + 10 * hour });

    await pass(store, "e2", { spec: digest, at: t0 });

    assert.equal((await remembered(store))?.wakeAt, t0 + 60_000);
  });

  test("what is dropped at a deadline is skipped, then", async ({ store }) => {
    const { delivery } = await pass(store, "e1", { spec: join, facts: { inputs: ["x"] } });

    const lane = await claimLane(store, { gate: join, now: t0 + 1000 });

    assert.deepEqual(lane.deliveries, []);
    const { state, settledAt, reason } = await row(store, delivery);
    assert.deepEqual([state, settledAt], ["skipped", t0 + 1000]);
    assert.match(reason ?? "", /\S/);
    assert.equal(await remembered(store), undefined);
    await countsAgree(store);
  });

  test("what a gate says of a release comes with the claim as it was said", async ({ store }) => {
    const spec = { ...join, onDeadline: "fire_partial" } as const;
    await pass(store, "e1", { spec, facts: { inputs: ["x"] } });

    const [claimed] = await claim(store, { gate: spec, now: t0 + 1000 });

    assert.deepEqual(plain(claimed?.gate?.release.missing), ["y"]);
    assert.deepEqual(plain(claimed?.gate?.release.inputs), {
      x: { count: 1, firstAt: t0, lastAt: t0 },
    });
  });

  test("an event that is kept is delivered again, as a delivery of its own", async ({ store }) => {
    const opened = await pass(store, "e1", { spec: alert, facts: { opens: true } });
    const [first] = await claim(store, { gate: alert });
    await settle(store, opened.delivery);

    const [again] = await claim(store, { gate: alert, now: t0 + 1000 });

    assert.equal(first?.id, opened.delivery);
    assert.ok(again !== undefined && again.id > opened.delivery);
    assert.deepEqual([again.events, again.attempt, again.since], [[bodyOf("e1")], 1, t0 + 1000]);
    assert.deepEqual(
      [first?.gate?.release.alert?.state, again.gate?.release.alert?.state],
      ["opened", "reminder"],
    );
    assert.notEqual(again.gate?.release.tag, first?.gate?.release.tag);
    assert.deepEqual([again.gate?.key, again.gate?.count], ["k", 1]);
    assert.deepEqual(idsOf(await of(store, "e1")), [opened.delivery, again.id]);
    await countsAgree(store);
  });

  test("what is delivered again goes behind the first time when that has an order key", async ({
    store,
  }) => {
    const opened = await pass(store, "e1", { spec: alert, facts: { opens: true }, orderKey: "o" });
    await claim(store, { gate: alert, leaseMs: hour });

    assert.deepEqual(await claim(store, { gate: alert, now: t0 + 1000 }), []);
    await settle(store, opened.delivery, { now: t0 + 1001 });

    const [again] = await claim(store, { gate: alert, now: t0 + 1001 });
    assert.equal(again?.gate?.release.alert?.state, "reminder");
  });

  test("an event that a gate keeps is not purged, and goes when it is kept no more", async ({
    store,
  }) => {
    const purge = () =>
      store.purge({ before: t0 + hour, deadBefore: t0 + hour, keep: 0, limit: 9 });
    const { delivery } = await pass(store, "e1", { spec: alert, facts: { opens: true } });
    await claim(store, { gate: alert });
    await settle(store, delivery);
    assert.equal(await purge(), 0);
    assert.notEqual((await remembered(store))?.keep, undefined);

    const resolved = await pass(store, "e2", {
      spec: alert,
      facts: { resolves: true },
      at: t0 + 5,
    });
    await claim(store, { gate: alert, now: t0 + 5 });
    await settle(store, resolved.delivery, { now: t0 + 5 });

    assert.equal(await purge(), 2);
    await countsAgree(store);
  });

  sharedTest("two timers that are overdue release once, whoever asks", async ({ store, again }) => {
    const other = await again();
    await store.accept(["k1", "k2"].map((key) => gated(key, { key })));

    const claims = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        claim(n % 2 === 0 ? store : other, {
          gate: debounce,
          now: t0 + 1000,
          owner: `owner ${n}`,
        }),
      ),
    );

    assert.equal(claims.flat().length, 2);
    assert.equal((await every(other)).length, 2);
  });

  sharedTest("a timer goes on after the store was opened again", async ({ store, again }) => {
    const { delivery } = await pass(store, "e1", { spec: alert, facts: { opens: true } });
    await claim(store, { gate: alert });
    await settle(store, delivery);
    await store[Symbol.asyncDispose]();

    const reopened = await again();

    assert.deepEqual(await reopened.lanes(), [{ hook: "a", dueAt: t0 + 1000 }]);
    const [reminder] = await claim(reopened, { gate: alert, now: t0 + 1000 });
    assert.deepEqual(reminder?.events, [bodyOf("e1")]);
    assert.deepEqual(await claim(reopened, { gate: alert, now: t0 + 1000 }), []);
  });
};
