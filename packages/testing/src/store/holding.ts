import assert from "node:assert/strict";
import {
  accept,
  acceptance,
  attempt,
  claim,
  countsAgree,
  idsOf,
  row,
  settle,
  stateOf,
  type Topic,
  t0,
} from "./bed.ts";

/** Who settles a delivery: whoever holds it, and once. */
export const holding: Topic = (test) => {
  test("of a settlement whose lease is another's nothing is stored", async ({ store }) => {
    const [lost = 0] = await accept(store, "e1");
    const [kept = 0] = await accept(store, "e2");
    await claim(store, { leaseMs: 1000 });
    await claim(store, { owner: "other", now: t0 + 1000, limit: 1 });

    const answers = await store.settle(
      [lost, kept].map((id) => ({
        id,
        owner: "me",
        now: t0 + 1001,
        to: "delivered" as const,
        attempts: 1,
        attempt,
        emitted: [acceptance(`child of ${id}`)],
      })),
    );

    assert.deepEqual(answers, [false, true]);
    assert.equal(await stateOf(store, lost), "running");
    assert.deepEqual(await store.attempts(lost), []);
    assert.deepEqual(await store.events({ id: `child of ${lost}` }), []);
    assert.equal((await store.events({ id: `child of ${kept}` })).length, 1);
    await countsAgree(store);
  });

  test("of a settlement of a cancelled delivery nothing is stored", async ({ store }) => {
    const [id = 0] = await accept(store, "e1");
    await claim(store);
    await store.cancel({ ids: [id] }, t0 + 1);

    assert.equal(await settle(store, id, { attempt, emitted: [acceptance("child")] }), false);

    assert.equal(await stateOf(store, id), "cancelled");
    assert.deepEqual(await store.attempts(id), []);
    assert.deepEqual(await store.events({ id: "child" }), []);
    assert.deepEqual(await store.extend({ owner: "me", ids: [id], until: t0 + 99_999 }), []);
  });

  test("a delivery is settled once, and never without a claim", async ({ store }) => {
    const [id = 0] = await accept(store, "e1");
    assert.equal(await settle(store, id), false);
    await claim(store);
    assert.equal(await settle(store, id), true);
    assert.equal(await settle(store, id, { to: "dead" }), false);
    assert.equal(await settle(store, 987_654), false);

    assert.equal(await stateOf(store, id), "delivered");
    await countsAgree(store);
  });

  test("of many that end alike in one call each is settled by itself, once, and only by who holds it", async ({
    store,
  }) => {
    const ids = (
      await store.accept(Array.from({ length: 64 }, (_, at) => acceptance(`e${at}`)))
    ).flatMap(({ deliveries }) => deliveries);
    const [replayed = 0, one = 0, two = 0, late = 0, twice = 0, child = 0, dead = 0, ...rest] = ids;
    await claim(store, { limit: 1 });
    await settle(store, replayed, { to: "dead", attempt });
    const foreign = idsOf(await claim(store, { limit: 2, owner: "somebody" }));
    await store.replay({ ids: [replayed] }, t0);
    await claim(store);

    const settled = [replayed, one, two, late, twice, twice, child, dead, ...rest].map((id) => ({
      id,
      owner: "me",
      now: id === late ? t0 + 1 : t0,
      to: id === dead ? ("dead" as const) : ("delivered" as const),
      attempts: 1,
      attempt: { number: 1, startedAt: t0 + id, durationMs: 1, outcome: "delivered" as const },
      ...(id === child && { emitted: [acceptance("child")] }),
    }));
    const answers = await store.settle(settled);

    const held = settled.map(({ id }, at) => !foreign.includes(id) && settled[at - 1]?.id !== id);
    assert.deepEqual(foreign, [one, two]);
    assert.deepEqual(answers, held);
    for (const id of ids) {
      const { state, settledAt } = await row(store, id);
      const history = (await store.attempts(id)).map(({ startedAt, outcome }) => [
        startedAt,
        outcome,
      ]);
      const isForeign = foreign.includes(id);
      const last = isForeign ? [] : [[t0 + id, "delivered"]];
      assert.equal(state, isForeign ? "running" : id === dead ? "dead" : "delivered");
      assert.equal(settledAt, isForeign ? undefined : id === late ? t0 + 1 : t0);
      assert.deepEqual(history, id === replayed ? [[t0, "retry"], ...last] : last);
    }
    assert.equal((await store.events({ id: "child" })).length, 1);
    await countsAgree(store);
  });

  test("a lease that ran out but that nobody took is still settled by its owner", async ({
    store,
  }) => {
    const [id = 0] = await accept(store, "e1");
    await claim(store, { leaseMs: 10 });

    assert.equal(await settle(store, id, { now: t0 + 5000 }), true);
  });
};
