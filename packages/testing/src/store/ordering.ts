import assert from "node:assert/strict";
import type { Store } from "@pipehooks/core";
import {
  accept,
  acceptance,
  claim,
  countsAgree,
  idsOf,
  row,
  settle,
  stateOf,
  type Topic,
  t0,
} from "./bed.ts";

/** Three deliveries of one key and one of another, in this order. */
async function keyed(store: Store): Promise<[number, number, number, number]> {
  const [one = 0] = await accept(store, "e1", { orderKey: "k" });
  const [two = 0] = await accept(store, "e2", { orderKey: "k" });
  const [other = 0] = await accept(store, "e3", { orderKey: "other" });
  const [three = 0] = await accept(store, "e4", { orderKey: "k" });
  return [one, two, three, other];
}

/**
 * A key gives one delivery at a time the turn, the earliest first, and that one keeps it until it is settled; a replayed
 * one waits like any other while another has the turn, and is then before those accepted after it.
 */
export const ordering: Topic = (test) => {
  test("of equal order keys only the first is claimed; other keys and hooks are not held up", async ({
    store,
  }) => {
    const [one, two, three, other] = await keyed(store);
    const [elsewhere = 0] = await accept(store, "e5", {
      deliveries: [{ hook: "b", dueAt: t0, orderKey: "k" }],
    });
    const [free = 0] = await accept(store, "e6");

    assert.deepEqual(idsOf(await claim(store)).sort(), [one, other, free].sort());
    assert.deepEqual(idsOf(await claim(store, { hook: "b" })), [elsewhere]);
    for (const id of [two, three]) {
      const { state, dueAt, orderKey } = await row(store, id);
      assert.deepEqual(
        { state, dueAt, orderKey },
        { state: "blocked", dueAt: undefined, orderKey: "k" },
      );
    }
    await countsAgree(store);
  });

  test("equal order keys in one batch, and in one event, go one after the other", async ({
    store,
  }) => {
    const delivery = { hook: "a", dueAt: t0, orderKey: "k" };
    await store.accept([
      acceptance("e1", { deliveries: [delivery, delivery] }),
      acceptance("e2", { deliveries: [delivery] }),
    ]);

    const order: number[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const claimed = await claim(store);
      assert.equal(claimed.length, 1);
      order.push(...idsOf(claimed));
      await settle(store, claimed[0]?.id ?? 0);
    }

    assert.deepEqual(
      order,
      order.toSorted((x, y) => x - y),
    );
    assert.equal(new Set(order).size, 3);
  });

  for (const to of ["retrying", "pending", "waiting"] as const) {
    test(`one that is ${to} keeps those behind it blocked`, async ({ store }) => {
      const [one, two] = await keyed(store);
      await claim(store);
      await settle(store, one, { to, dueAt: t0 + 1000 });

      assert.deepEqual(await claim(store, { now: t0 + 999 }), []);
      assert.deepEqual(idsOf(await claim(store, { now: t0 + 1000 })), [one]);
      assert.equal(await stateOf(store, two), "blocked");
    });
  }

  test("one whose lease ran out keeps its turn", async ({ store }) => {
    const [one, two, , other] = await keyed(store);
    await claim(store, { leaseMs: 1000 });
    await settle(store, other);

    const again = await claim(store, { owner: "second", now: t0 + 1000 });

    assert.deepEqual(idsOf(again), [one]);
    assert.equal(await stateOf(store, two), "blocked");
  });

  for (const to of ["delivered", "skipped", "dead"] as const) {
    test(`the next has its turn once the one before is ${to}`, async ({ store }) => {
      const [one, two, three] = await keyed(store);
      await claim(store);
      await settle(store, one, { to });

      const { state, dueAt } = await row(store, two);
      assert.deepEqual([state, dueAt], ["waiting", t0]);
      assert.deepEqual(idsOf(await claim(store)), [two]);
      assert.equal(await stateOf(store, three), "blocked");
      await countsAgree(store);
    });
  }

  test("cancelling the one that has the turn gives it to the next, cancelling a blocked one does not", async ({
    store,
  }) => {
    const [one, two, three] = await keyed(store);

    await store.cancel({ ids: [two] }, t0);
    assert.equal(await stateOf(store, three), "blocked");
    await store.cancel({ ids: [one] }, t0);
    assert.equal(await stateOf(store, three), "waiting");

    await countsAgree(store);
  });

  test("cancelling a whole key at once leaves nothing blocked", async ({ store }) => {
    const ids = await keyed(store);

    await store.cancel({ ids }, t0);

    assert.deepEqual(await store.lanes(), []);
    await countsAgree(store);
  });

  test("a dead one replayed while another has the turn comes next, before later ones", async ({
    store,
  }) => {
    const [one, two, three, other] = await keyed(store);
    await claim(store);
    await settle(store, other);
    await settle(store, one, { to: "dead" });
    assert.deepEqual(idsOf(await claim(store)), [two]);

    assert.deepEqual(await store.replay({ ids: [one] }, t0 + 1), [one]);
    assert.equal(await stateOf(store, one), "blocked");
    assert.deepEqual(await claim(store, { now: t0 + 1 }), []);

    const order: number[] = [];
    await settle(store, two, { now: t0 + 1 });
    for (const _ of [one, three]) {
      const claimed = await claim(store, { now: t0 + 1 });
      order.push(...idsOf(claimed));
      await settle(store, claimed[0]?.id ?? 0, { now: t0 + 1 });
    }
    assert.deepEqual(order, [one, three]);
    await countsAgree(store);
  });

  test("several dead ones replayed at once go in the order of their acceptance", async ({
    store,
  }) => {
    const [one, two, three, other] = await keyed(store);
    await claim(store);
    await settle(store, other);
    for (const id of [one, two, three]) {
      await settle(store, id, { to: "dead" });
      await claim(store);
    }

    await store.replay({ states: ["dead"] }, t0 + 1);

    const order: number[] = [];
    for (const _ of [one, two, three]) {
      const claimed = await claim(store, { now: t0 + 1 });
      order.push(...idsOf(claimed));
      await settle(store, claimed[0]?.id ?? 0, { now: t0 + 1 });
    }
    assert.deepEqual(order, [one, two, three]);
  });

  test("an empty order key is a key", async ({ store }) => {
    await accept(store, "e1", { orderKey: "" });
    await accept(store, "e2", { orderKey: "" });

    assert.equal((await claim(store)).length, 1);
  });
};
