import assert from "node:assert/strict";
import type { ClaimedDelivery, Store } from "@pipehooks/core";
import { accept, acceptance, attempt, claim, settle, type Topic, t0 } from "./bed.ts";

const leaseMs = 1000;

/** Claims the one delivery that is due, and never says what became of it. */
async function take(store: Store, now: number): Promise<ClaimedDelivery | undefined> {
  const [claimed, ...others] = await claim(store, { owner: `owner of ${now}`, now, leaseMs });
  assert.deepEqual(others, []);
  return claimed;
}

const said = (claimed: ClaimedDelivery | undefined) => [
  claimed?.attempt,
  claimed?.lost,
  claimed?.losses,
];

/** Leases that run out, because whoever held them ended. */
export const losing: Topic = (test, sharedTest) => {
  test("a claim that takes over what somebody held says so, and how often in a row", async ({
    store,
  }) => {
    await accept(store, "e1");

    const claims = [];
    for (let n = 0; n < 3; n += 1) claims.push(await take(store, t0 + n * leaseMs));

    assert.deepEqual(claims.map(said), [
      [1, undefined, undefined],
      [2, true, 1],
      [3, true, 2],
    ]);
  });

  test("a lease at accept that runs out is one, too", async ({ store }) => {
    const lease = { owner: "me", until: t0 + leaseMs, lanes: [{ hook: "a", keys: [] }] };
    await store.accept([acceptance("e1")], lease);

    assert.deepEqual(said(await take(store, t0 + leaseMs)), [2, true, 1]);
  });

  test("what a settlement says of them is remembered, and nothing is where it says nothing", async ({
    store,
  }) => {
    const [id = 0] = await accept(store, "e1");
    await take(store, t0);
    await take(store, t0 + leaseMs);
    const now = t0 + leaseMs;
    const owner = `owner of ${now}`;
    const again = { owner, to: "retrying", dueAt: now, attempts: 1, attempt } as const;
    assert.ok(await settle(store, id, { ...again, losses: 1 }));

    const tried = await take(store, now);
    assert.deepEqual(said(tried), [2, undefined, 1]);
    const untried = { owner, to: "waiting", dueAt: now, attempts: 1, losses: 1 } as const;
    assert.ok(await settle(store, id, untried));
    assert.deepEqual(said(await take(store, now)), [2, undefined, 1]);
    assert.deepEqual(said(await take(store, now + leaseMs)), [3, true, 2]);

    const ended = { ...again, owner: `owner of ${now + leaseMs}`, attempts: 3 };
    assert.ok(await settle(store, id, { ...ended, dueAt: now + leaseMs }));
    assert.deepEqual(said(await take(store, now + leaseMs)), [4, undefined, undefined]);
    assert.deepEqual(said(await take(store, now + 2 * leaseMs)), [5, true, 1]);
  });

  sharedTest(
    "what is let go of while its process exits was not tried",
    async ({ store, again }) => {
      const other = await again();
      const [id = 0] = await accept(store, "e1");
      await take(store, t0);
      const untried = {
        id,
        owner: `owner of ${t0}`,
        now: t0,
        to: "waiting",
        dueAt: t0,
        attempts: 0,
      } as const;

      store.settleNow?.([untried]);

      const claimed = said(await take(other, t0 + (store.settleNow === undefined ? leaseMs : 0)));
      assert.deepEqual(
        claimed,
        store.settleNow === undefined ? [2, true, 1] : [1, undefined, undefined],
      );
      // A store that is closed has nothing to say any more, and does not throw.
      await store[Symbol.asyncDispose]();
      store.settleNow?.([untried]);
    },
  );

  sharedTest(
    "what a process that exits holds without knowing is due at once, and was not tried",
    async ({ store, again }) => {
      const other = await again();
      const me = { owner: "me", now: t0, leaseMs };
      await accept(store, "e1");
      await store.accept([{ ...acceptance("e2"), deliveries: [{ hook: "b", dueAt: t0 }] }]);
      await claim(store, me);
      await store.claim({ ...me, lanes: [{ hook: "b", limit: 1, keys: [] }] });
      if (store.settleNow === undefined) return;

      store.settleNow([], { owner: "me", now: t0 + 1, hooks: ["a"] });

      const counts = await other.counts();
      assert.deepEqual(counts.map(({ hook, state, count }) => [hook, state, count]).sort(), [
        ["a", "waiting", 1],
        ["b", "running", 1],
      ]);
      assert.deepEqual(said(await take(other, t0 + 1)), [1, undefined, undefined]);
    },
  );

  test("what is replayed begins without any", async ({ store }) => {
    const [id = 0] = await accept(store, "e1");
    await take(store, t0);
    await take(store, t0 + leaseMs);
    const owner = `owner of ${t0 + leaseMs}`;
    assert.ok(await settle(store, id, { owner, to: "dead", attempts: 1, attempt, losses: 1 }));

    await store.replay({ ids: [id] }, t0 + leaseMs);

    assert.deepEqual(said(await take(store, t0 + leaseMs)), [1, undefined, undefined]);
  });

  test("a delivery that is cancelled while it was lost, and replayed, begins without any", async ({
    store,
  }) => {
    const [id = 0] = await accept(store, "e1");
    await take(store, t0);
    await take(store, t0 + leaseMs);

    await store.cancel({ ids: [id] }, t0 + leaseMs);
    await store.replay({ ids: [id] }, t0 + leaseMs);

    assert.deepEqual(said(await take(store, t0 + leaseMs)), [1, undefined, undefined]);
  });
};
