import assert from "node:assert/strict";
import type { AttemptRecord } from "@pipehooks/core";
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

const attempt: AttemptRecord = {
  number: 1,
  startedAt: t0,
  durationMs: 12.5,
  outcome: "retry",
  code: "RECEIVER_FAILED",
  message: "api.example.com answered 500",
  answer: { status: 500, body: "no", timing: { connect: 1 } },
};

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
