import assert from "node:assert/strict";
import { accept, claim, claimLane, countsAgree, every, plain, row, type Topic, t0 } from "./bed.ts";
import { bodyOf, debounce, gated, join, pass, remembered } from "./gated.ts";

const hour = 3_600_000;

/** When gates are asked, and what their timers release. */
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
    assert.ok(lanes.every(({ gated }) => gated));
  });

  test("lanes names a hook whose gate waits for no time, too", async ({ store }) => {
    await pass(store, "e1", { spec: { ...join, withinMs: undefined }, facts: { inputs: ["x"] } });
    await accept(store, "e2", { deliveries: [{ hook: "plain", dueAt: t0 }] });

    const lanes = await store.lanes();

    const rows = lanes.map(({ hook, dueAt, gated }) => [hook, [dueAt, gated]] as const);
    assert.deepEqual(Object.fromEntries(rows), { a: [undefined, true], plain: [t0, false] });
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
};
