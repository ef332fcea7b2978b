import assert from "node:assert/strict";
import type { Acceptance, AcceptLease, Store } from "@pipehooks/core";
import {
  accept,
  acceptance,
  claim,
  countsAgree,
  idsOf,
  plain,
  row,
  settle,
  type Topic,
  t0,
} from "./bed.ts";
import { digest, gated } from "./gated.ts";

const lease: AcceptLease = { owner: "me", until: t0 + 5000, lanes: [{ hook: "a", keys: [] }] };

async function acceptLeased(store: Store, event: Acceptance, with_: AcceptLease = lease) {
  const [accepted] = await store.accept([event], with_);
  assert.ok(accepted !== undefined);
  return accepted;
}

/** Deliveries that whoever emits leases at once. */
export const leasing: Topic = (test) => {
  test("a lease at accept saves the claim: running, the first attempt, due when the lease ends", async ({
    store,
  }) => {
    const { deliveries, leased } = await acceptLeased(store, acceptance("e1"));

    assert.deepEqual(leased, deliveries);
    const { state, attempts, dueAt } = await row(store, deliveries[0] ?? 0);
    assert.deepEqual([state, attempts, dueAt], ["running", 1, t0 + 5000]);
    assert.deepEqual(await claim(store), []);
    await countsAgree(store);
  });

  test("what was leased at accept is settled by its owner only", async ({ store }) => {
    const { leased: [id = 0] = [] } = await acceptLeased(store, acceptance("e1"));

    assert.equal(await settle(store, id, { owner: "other" }), false);
    assert.equal(await settle(store, id), true);
    await countsAgree(store);
  });

  test("a lease at accept is extended, and runs out, as any other", async ({ store }) => {
    const one = (await acceptLeased(store, acceptance("e1"))).leased?.[0] ?? 0;
    const two = (await acceptLeased(store, acceptance("e2"))).leased?.[0] ?? 0;

    const held = await store.extend({ owner: "me", ids: [one], until: t0 + 60_000 });
    const [again, ...others] = await claim(store, { owner: "other", now: t0 + 5000 });

    assert.deepEqual(held, [one]);
    assert.deepEqual(others, []);
    assert.deepEqual([again?.id, again?.attempt, again?.since], [two, 2, t0]);
    assert.equal(await settle(store, two, { now: t0 + 5001 }), false);
  });

  test("only deliveries for the hooks that the lease names are leased", async ({ store }) => {
    const hooks = ["b", "a", "c", "a"];
    const event = acceptance("e1", { deliveries: hooks.map((hook) => ({ hook, dueAt: t0 })) });

    const { deliveries, leased } = await acceptLeased(store, event);

    assert.deepEqual(leased, [deliveries[1], deliveries[3]]);
    assert.equal((await claim(store, { hook: "b" })).length, 1);
    assert.equal((await claim(store, { hook: "c" })).length, 1);
    const nothing = await acceptLeased(store, acceptance("e2"), { ...lease, lanes: [] });
    assert.equal(nothing.leased, undefined);
    await countsAgree(store);
  });

  test("nothing is leased at accept while one of the lane's keys is blocked, and again after that", async ({
    store,
  }) => {
    await store.update("breaker", () => ({ value: 1, blockedUntil: t0 + 100 }));
    const keys = ["switch", "breaker"];
    const asked = { ...lease, lanes: [{ hook: "a", keys }] };

    const during = await acceptLeased(store, acceptance("e1"), asked);
    const after = await acceptLeased(store, acceptance("e2", { at: t0 + 100 }), asked);

    assert.equal(during.leased, undefined);
    assert.deepEqual(after.leased, after.deliveries);
    assert.deepEqual(idsOf(await claim(store, { keys, now: t0 + 100 })), during.deliveries);
  });

  test("a delivery with an order key is not leased at accept", async ({ store }) => {
    const event = acceptance("e1", {
      deliveries: [
        { hook: "a", dueAt: t0, orderKey: "o" },
        { hook: "a", dueAt: t0 },
      ],
    });

    const { deliveries, leased } = await acceptLeased(store, event);

    assert.deepEqual(leased, [deliveries[1]]);
    assert.deepEqual(idsOf(await claim(store)), [deliveries[0]]);
  });

  test("what is due later is not leased at accept", async ({ store }) => {
    const event = acceptance("e1", { deliveries: [{ hook: "a", dueAt: t0 + 1 }] });

    assert.equal((await acceptLeased(store, event)).leased, undefined);
  });

  test("a duplicate is not leased", async ({ store }) => {
    const [id = 0] = await accept(store, "e1");

    const again = await acceptLeased(store, acceptance("e1"));

    assert.deepEqual(again, { duplicate: true, deliveries: [id] });
    assert.equal((await row(store, id)).state, "waiting");
  });

  test("what a gate releases is not leased at accept", async ({ store }) => {
    const { leased, gates } = await acceptLeased(
      store,
      gated("e1", { spec: { ...digest, max: 1 } }),
    );

    assert.equal(leased, undefined);
    assert.equal(gates?.[0]?.state, "waiting");
  });

  test("a whole batch is leased, each event for itself", async ({ store }) => {
    const batch = ["e1", "e2", "e1", "e3"].map((id) => acceptance(id));

    const accepted = await store.accept(batch, lease);

    assert.deepEqual(
      accepted.map(({ duplicate, leased }) => [duplicate, leased?.length]),
      [
        [false, 1],
        [false, 1],
        [true, undefined],
        [false, 1],
      ],
    );
    const rows = plain(await store.deliveries({ states: ["running"] }));
    assert.equal(rows.length, 3);
  });
};
