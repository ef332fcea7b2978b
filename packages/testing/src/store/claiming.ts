import assert from "node:assert/strict";
import {
  accept,
  acceptance,
  claim,
  claimLane,
  countsAgree,
  idsOf,
  row,
  settle,
  stateOf,
  type Topic,
  t0,
} from "./bed.ts";

export const claiming: Topic = (test, sharedTest) => {
  test("deliveries that are due are claimed, earliest first, then in the order of acceptance", async ({
    store,
  }) => {
    const ids: number[] = [];
    for (const [at, dueAt] of [t0, t0 - 5, t0, t0 + 1, t0 - 5].entries()) {
      ids.push(...(await accept(store, `e${at}`, { deliveries: [{ hook: "a", dueAt }] })));
    }

    const claimed = await claim(store);

    assert.deepEqual(
      idsOf(claimed),
      [1, 4, 0, 2].map((at) => ids[at]),
    );
  });

  test("a claimed delivery carries its event and the number of its attempt", async ({ store }) => {
    const body = JSON.stringify({ hello: "world" });
    const [id = 0] = await accept(store, "e1", { body, at: t0 - 7 });

    const [claimed] = await claim(store);

    assert.equal(claimed?.id, id);
    assert.deepEqual(claimed?.events, [body]);
    assert.equal(claimed?.attempt, 1);
    assert.equal(claimed?.since, t0 - 7);
    assert.equal(claimed?.state, undefined);
    const { state, dueAt, attempts } = await row(store, id);
    assert.deepEqual(
      { state, dueAt, attempts },
      { state: "running", dueAt: t0 + 30_000, attempts: 1 },
    );
  });

  test("a lane gets at most its limit, and what is claimed is not claimed again", async ({
    store,
  }) => {
    await store.accept(["e1", "e2", "e3"].map((id) => acceptance(id)));

    const first = await claim(store, { limit: 2 });
    const second = await claim(store, { limit: 2 });
    const third = await claim(store, { limit: 2, owner: "other" });

    assert.deepEqual([first.length, second.length, third.length], [2, 1, 0]);
    assert.equal(new Set([...first, ...second].map(({ id }) => id)).size, 3);
    await countsAgree(store);
  });

  test("several lanes are claimed at once, each its own, in the order asked", async ({ store }) => {
    await store.accept([
      acceptance("e1", {
        deliveries: [
          { hook: "a", dueAt: t0 },
          { hook: "b", dueAt: t0 },
        ],
      }),
      acceptance("e2", { deliveries: [{ hook: "b", dueAt: t0 }] }),
    ]);

    const lanes = await store.claim({
      lanes: ["b", "none", "a"].map((hook) => ({ hook, keys: [], limit: 10 })),
      owner: "me",
      now: t0,
      leaseMs: 1000,
    });

    assert.deepEqual(
      lanes.map(({ hook, deliveries }) => [hook, deliveries.length]),
      [
        ["b", 2],
        ["none", 0],
        ["a", 1],
      ],
    );
  });

  test("a claim says when to ask again: now when more is due, else when the next is due or a lease ends", async ({
    store,
  }) => {
    assert.equal((await claimLane(store)).nextDueAt, undefined);
    await accept(store, "e1");
    await accept(store, "e2");

    const more = await claimLane(store, { limit: 1, leaseMs: 5000 });
    assert.ok(more.nextDueAt !== undefined && more.nextDueAt <= t0);
    const leased = await claimLane(store, { leaseMs: 5000 });
    assert.equal(leased.nextDueAt, t0 + 5000);
    await accept(store, "e3", { deliveries: [{ hook: "a", dueAt: t0 + 2000 }] });
    assert.equal((await claimLane(store)).nextDueAt, t0 + 2000);
  });

  test("once all is settled a claim does not ask to come back", async ({ store }) => {
    const [id = 0] = await accept(store, "e1");
    await claim(store);
    await settle(store, id);

    assert.equal((await claimLane(store)).nextDueAt, undefined);
  });

  test("a limit of 0 claims nothing and says when something is due", async ({ store }) => {
    const [id = 0] = await accept(store, "e1");

    const lane = await claimLane(store, { limit: 0 });

    assert.deepEqual(lane.deliveries, []);
    assert.equal(lane.nextDueAt, t0);
    assert.equal(await stateOf(store, id), "waiting");
  });

  test("a lease that ran out is claimed again, and counts one more attempt", async ({ store }) => {
    const [id = 0] = await accept(store, "e1");
    await claim(store, { owner: "first", leaseMs: 1000 });
    assert.deepEqual(await claim(store, { owner: "second", now: t0 + 999 }), []);

    const [again] = await claim(store, { owner: "second", now: t0 + 1000 });

    assert.equal(again?.id, id);
    assert.equal(again?.attempt, 2);
    assert.equal(await settle(store, id, { owner: "first", now: t0 + 1001 }), false);
    assert.equal(await settle(store, id, { owner: "second", now: t0 + 1001, attempts: 2 }), true);
    await countsAgree(store);
  });

  test("an extended lease ends later, and only its owner can extend it", async ({ store }) => {
    await store.accept(["e1", "e2", "e3"].map((id) => acceptance(id)));
    const [one = 0, two = 0, three = 0] = idsOf(await claim(store, { leaseMs: 1000 }));
    await settle(store, three);

    const until = t0 + 60_000;
    assert.deepEqual(await store.extend({ owner: "other", ids: [one], until }), []);
    const held = await store.extend({ owner: "me", ids: [one, three, 987_654], until });

    assert.deepEqual(held, [one]);
    assert.equal((await row(store, one)).dueAt, until);
    const due = await claim(store, { owner: "other", now: t0 + 1000 });
    assert.deepEqual(idsOf(due), [two]);
    assert.deepEqual(await store.extend({ owner: "me", ids: [one, two], until }), [one]);
  });

  test("lanes names the hooks that have something unsettled, and when it is due", async ({
    store,
  }) => {
    assert.deepEqual(await store.lanes(), []);
    const [done = 0] = await accept(store, "e1", { deliveries: [{ hook: "done", dueAt: t0 }] });
    await claim(store, { hook: "done" });
    await settle(store, done);
    for (const [id, hook, dueAt] of [
      ["e2", "late", t0 + 9],
      ["e3", "late", t0 + 7],
      ["e4", "leased", t0],
    ] as const) {
      await accept(store, id, { deliveries: [{ hook, dueAt }] });
    }
    await claim(store, { hook: "leased", leaseMs: 1000 });

    const lanes = await store.lanes();

    assert.deepEqual(Object.fromEntries(lanes.map(({ hook, dueAt }) => [hook, dueAt])), {
      late: t0 + 7,
      leased: t0 + 1000,
    });
  });

  sharedTest(
    "two stores that claim at once never get the same delivery",
    async ({ store, again }) => {
      const other = await again();
      await store.accept(Array.from({ length: 60 }, (_, at) => acceptance(`e${at}`)));

      const claims = await Promise.all(
        Array.from({ length: 12 }, (_, at) =>
          claim(at % 2 === 0 ? store : other, { owner: `owner ${at % 2}`, limit: 7 }),
        ),
      );

      const ids = claims.flat().map(({ id }) => id);
      assert.equal(ids.length, 60);
      assert.equal(new Set(ids).size, 60);
    },
  );

  sharedTest(
    "what one store leased, another settles only in the owner's name",
    async ({ store, again }) => {
      const other = await again();
      const [id = 0] = await accept(store, "e1");
      await claim(store, { owner: "me" });

      assert.equal(await settle(other, id, { owner: "other" }), false);
      assert.equal(await settle(other, id, { owner: "me" }), true);
      assert.equal(await stateOf(store, id), "delivered");
    },
  );

  sharedTest(
    "watch calls back when another store on the same data adds work, until disposed",
    async ({ store, again }) => {
      const other = await again();
      let calls = 0;
      let wake = () => {};
      const called = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const watching = store.watch(() => {
        calls += 1;
        wake();
      });
      // Whatever the store did before it answers this is before the other's work.
      await store.counts();

      await accept(other, "e1");
      // A store that watches does not keep its process alive.
      const alive = setInterval(() => {}, 1000);
      await called.finally(() => clearInterval(alive));

      watching[Symbol.dispose]();
      const before = calls;
      await accept(other, "e2");
      await store.counts();
      assert.equal(calls, before);
    },
  );
};
