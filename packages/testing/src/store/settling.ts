import assert from "node:assert/strict";
import type { AttemptRecord } from "@pipehooks/core";
import {
  accept,
  acceptance,
  attempt,
  claim,
  countsAgree,
  every,
  plain,
  row,
  settle,
  type Topic,
  t0,
} from "./bed.ts";

/** What settlements leave behind. */
export const settling: Topic = (test) => {
  for (const to of ["delivered", "skipped", "dead"] as const) {
    test(`a delivery settled as ${to} is settled: not due, not claimed, with its time`, async ({
      store,
    }) => {
      const [id = 0] = await accept(store, "e1");
      await claim(store);

      assert.equal(await settle(store, id, { to, now: t0 + 5, reason: "because" }), true);

      const { state, dueAt, settledAt, reason, attempts } = await row(store, id);
      assert.deepEqual(
        { state, dueAt, settledAt, reason, attempts },
        { state: to, dueAt: undefined, settledAt: t0 + 5, reason: "because", attempts: 1 },
      );
      assert.deepEqual(await claim(store, { now: t0 + 9_999_999 }), []);
      assert.deepEqual(await store.lanes(), []);
      await countsAgree(store);
    });
  }

  for (const to of ["retrying", "pending", "waiting"] as const) {
    test(`a delivery put back as ${to} is due again when said`, async ({ store }) => {
      const [id = 0] = await accept(store, "e1");
      await claim(store);

      assert.equal(await settle(store, id, { to, dueAt: t0 + 500, reason: "later" }), true);

      const { state, dueAt, settledAt } = await row(store, id);
      assert.deepEqual(
        { state, dueAt, settledAt },
        { state: to, dueAt: t0 + 500, settledAt: undefined },
      );
      assert.deepEqual(await claim(store, { now: t0 + 499 }), []);
      assert.equal((await claim(store, { now: t0 + 500 })).length, 1);
      await countsAgree(store);
    });
  }

  test("the attempts that a settlement remembers are what the next claim counts from", async ({
    store,
  }) => {
    const [id = 0] = await accept(store, "e1");
    const numbers: (number | undefined)[] = [];
    for (const [to, attempts] of [
      ["waiting", 0],
      ["retrying", 1],
      ["pending", 1],
      ["retrying", 5],
    ] as const) {
      const [claimed] = await claim(store);
      numbers.push(claimed?.attempt);
      await settle(store, id, { to, attempts, dueAt: t0 });
      assert.equal((await row(store, id)).attempts, attempts);
    }
    numbers.push((await claim(store))[0]?.attempt);

    assert.deepEqual(numbers, [1, 1, 2, 2, 6]);
  });

  test("what is given back untried keeps its reason; an attempt says its own, or none", async ({
    store,
  }) => {
    const [id = 0] = await accept(store, "e1");
    const attempt = { number: 1, startedAt: t0, durationMs: 1, outcome: "retry" } as const;
    const reasons: unknown[] = [];
    for (const change of [
      { to: "retrying", reason: "boom", attempt },
      { to: "retrying" },
      { to: "waiting" },
      { to: "pending", attempt },
    ] as const) {
      await claim(store);
      await settle(store, id, { ...change, dueAt: t0 });
      reasons.push((await row(store, id)).reason);
    }

    assert.deepEqual(reasons, ["boom", "boom", "boom", undefined]);
  });

  test("the state of a pending delivery comes back at every later claim, until another replaces it", async ({
    store,
  }) => {
    const [id = 0] = await accept(store, "e1");
    const states: unknown[] = [];
    for (const change of [
      { to: "pending", state: { runId: "9007199254740993", steps: [1, null] } },
      { to: "retrying" },
      { to: "pending", state: "second" },
      { to: "waiting" },
    ] as const) {
      const [claimed] = await claim(store);
      states.push(claimed?.state);
      await settle(store, id, { ...change, dueAt: t0 });
    }
    states.push((await claim(store))[0]?.state);

    const first = { runId: "9007199254740993", steps: [1, null] };
    assert.deepEqual(states, [undefined, first, first, "second", "second"]);
  });

  test("attempts are kept in order, with what the receiver answered", async ({ store }) => {
    const [id = 0] = await accept(store, "e1");
    await claim(store);
    await settle(store, id, { to: "retrying", dueAt: t0, attempt });
    await claim(store);
    const second: AttemptRecord = {
      number: 2,
      startedAt: t0 + 1,
      durationMs: 3,
      outcome: "delivered",
    };
    await settle(store, id, { attempts: 2, attempt: second });

    assert.deepEqual(plain(await store.attempts(id)), [
      { ...attempt, deliveryId: id },
      { ...second, deliveryId: id },
    ]);
    assert.deepEqual(await store.attempts(id + 1), []);
  });

  test("two looks at something pending may carry one attempt number, and both are kept", async ({
    store,
  }) => {
    const [id = 0] = await accept(store, "e1");
    for (const startedAt of [t0, t0 + 1, t0 + 2]) {
      await claim(store);
      const look: AttemptRecord = { number: 1, startedAt, durationMs: 1, outcome: "pending" };
      await settle(store, id, { to: "pending", dueAt: t0, attempts: 1, attempt: look });
    }

    assert.deepEqual(
      (await store.attempts(id)).map(({ number, startedAt }) => [number, startedAt - t0]),
      [
        [1, 0],
        [1, 1],
        [1, 2],
      ],
    );
  });

  test("what was not tried leaves no attempt", async ({ store }) => {
    const [id = 0] = await accept(store, "e1");
    await claim(store);
    await settle(store, id, { to: "waiting", dueAt: t0, attempts: 0 });

    assert.deepEqual(await store.attempts(id), []);
  });

  test("what a hook emitted is stored with the settlement, and routed", async ({ store }) => {
    const [id = 0] = await accept(store, "e1");
    await claim(store);
    const emitted = [
      acceptance("child 1", {
        deliveries: [
          { hook: "b", dueAt: t0 },
          { hook: "c", dueAt: t0 },
        ],
      }),
      acceptance("child 2", { deliveries: [] }),
      acceptance("e1"),
    ];

    assert.equal(await settle(store, id, { emitted }), true);

    assert.equal((await store.events({})).length, 3);
    assert.deepEqual(
      (await every(store)).map(({ hook, eventId, state }) => [hook, eventId, state]),
      [
        ["a", "e1", "delivered"],
        ["b", "child 1", "waiting"],
        ["c", "child 1", "waiting"],
      ],
    );
    assert.equal((await claim(store, { hook: "b" })).length, 1);
    await countsAgree(store);
  });
};
