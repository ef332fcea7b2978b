import assert from "node:assert/strict";
import { claim, countsAgree, idsOf, settle, type Topic, t0 } from "./bed.ts";
import { alert, bodyOf, of, pass, remembered } from "./gated.ts";

const hour = 3_600_000;

/** Events that gates keep, so as to deliver them again. */
export const gateReminding: Topic = (test, sharedTest) => {
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

  sharedTest("a timer goes on after the store was opened again", async ({ store, again }) => {
    const { delivery } = await pass(store, "e1", { spec: alert, facts: { opens: true } });
    await claim(store, { gate: alert });
    await settle(store, delivery);
    await store[Symbol.asyncDispose]();

    const reopened = await again();

    assert.deepEqual(await reopened.lanes(), [{ hook: "a", dueAt: t0 + 1000, gated: true }]);
    const [reminder] = await claim(reopened, { gate: alert, now: t0 + 1000 });
    assert.deepEqual(reminder?.events, [bodyOf("e1")]);
    assert.deepEqual(await claim(reopened, { gate: alert, now: t0 + 1000 }), []);
  });
};
