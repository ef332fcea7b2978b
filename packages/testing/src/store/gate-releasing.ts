import assert from "node:assert/strict";
import {
  accept,
  claim,
  countsAgree,
  every,
  idsOf,
  plain,
  row,
  settle,
  type Topic,
  t0,
} from "./bed.ts";
import { bodyOf, debounce, digest, gated, pass } from "./gated.ts";

/** What gates let through, as hooks get it. */
export const gateReleasing: Topic = (test) => {
  test("a release is due at once with all its events in order", async ({ store }) => {
    await pass(store, "e1", { spec: digest });
    await pass(store, "e2", { spec: digest, at: t0 + 10 });
    const { delivery, state } = await pass(store, "e3", { spec: digest, at: t0 + 20 });

    assert.equal(state, "waiting");
    const released = await row(store, delivery);
    assert.deepEqual(
      [released.state, released.dueAt, released.eventId],
      ["waiting", t0 + 20, "e1"],
    );
    assert.equal(typeof released.gate?.release?.reason, "string");
    const claimed = await claim(store, { gate: digest, now: t0 + 20 });
    assert.deepEqual(idsOf(claimed), [delivery]);
    assert.deepEqual(claimed[0]?.events, ["e1", "e2", "e3"].map(bodyOf));
    assert.deepEqual([claimed[0]?.attempt, claimed[0]?.since], [1, t0 + 20]);
    const { key, count, restIds, release } = claimed[0]?.gate ?? assert.fail("it passed a gate");
    assert.deepEqual({ key, count, restIds }, { key: "k", count: 3, restIds: [] });
    assert.deepEqual(plain(release), plain(released.gate?.release));
    await countsAgree(store);
  });

  test("a delivery that passed no gate says nothing of one", async ({ store }) => {
    await accept(store, "e1");

    const [claimed] = await claim(store, { gate: debounce });

    assert.equal(claimed?.gate, undefined);
    assert.equal((await every(store))[0]?.gate, undefined);
  });

  test("after a release the next event gathers anew", async ({ store }) => {
    const first = await pass(store, "e1", { spec: { ...digest, max: 1 } });
    const second = await pass(store, "e2", { spec: { ...digest, max: 1 }, at: t0 + 1 });

    assert.deepEqual([first.state, second.state], ["waiting", "waiting"]);
    assert.notEqual(first.delivery, second.delivery);
    assert.equal((await claim(store, { now: t0 + 1 })).length, 2);
  });

  for (const [maxEvents, whole, rest] of [
    [4, ["e1", "e2", "e3", "e4"], []],
    [3, ["e1", "e2", "e4"], ["e3"]],
    [2, ["e1", "e4"], ["e2", "e3"]],
    [1, ["e4"], ["e1", "e2", "e3"]],
  ] as const) {
    test(`of four events and maxEvents ${maxEvents}, ${whole.join(" ")} come whole and the others as ids`, async ({
      store,
    }) => {
      const spec = { ...digest, max: 4, maxEvents };
      await store.accept(["e1", "e2", "e3", "e4"].map((id) => gated(id, { spec })));

      const [claimed] = await claim(store, { gate: spec });

      assert.deepEqual(claimed?.events, whole.map(bodyOf));
      assert.deepEqual(claimed?.gate?.restIds, rest);
      assert.equal(claimed?.gate?.count, 4);
      assert.equal((await row(store, claimed?.id ?? 0)).gate?.count, 4);
    });
  }

  test("a gated delivery is tried again with the same events, and settled with one of its attempts", async ({
    store,
  }) => {
    const spec = { ...digest, max: 2 };
    await store.accept([gated("e1", { spec }), gated("e2", { spec })]);
    const [first] = await claim(store, { gate: spec });
    await settle(store, first?.id ?? 0, { to: "retrying", dueAt: t0 + 5 });

    const [second] = await claim(store, { gate: spec, now: t0 + 5 });

    assert.deepEqual(plain(second), plain({ ...first, attempt: 2 }));
    assert.equal(await settle(store, first?.id ?? 0, { attempts: 2, now: t0 + 6 }), true);
    assert.deepEqual(
      (await every(store)).map(({ state, settledAt }) => [state, settledAt]),
      [["delivered", t0 + 6]],
    );
    await countsAgree(store);
  });
};
