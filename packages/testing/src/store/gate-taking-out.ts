import assert from "node:assert/strict";
import { accept, claim, countsAgree, idsOf, row, settle, type Topic, t0 } from "./bed.ts";
import { alert, askAll, bodyOf, debounce, digest, gated, pass, remembered } from "./gated.ts";

/** What becomes of what a gate holds when its hook has no gate any more: lanes ask with `gate: null`. */
export const gateTakingOut: Topic = (test) => {
  test("what was gathered is let through at once, as one delivery a key", async ({ store }) => {
    const one = await pass(store, "e1", { spec: digest });
    await pass(store, "e2", { spec: digest, at: t0 + 1 });
    const other = await pass(store, "e3", { spec: digest, at: t0 + 2, key: "other" });

    const claimed = await claim(store, { gate: null, now: t0 + 5 });

    assert.deepEqual(idsOf(claimed).sort(), [one.delivery, other.delivery].sort());
    const whole = claimed.find(({ id }) => id === one.delivery);
    assert.deepEqual(whole?.events, ["e1", "e2"].map(bodyOf));
    assert.deepEqual([whole?.attempt, whole?.since], [1, t0 + 5]);
    assert.deepEqual([whole?.gate?.key, whole?.gate?.count], ["k", 2]);
    assert.match(whole?.gate?.release.reason ?? "", /taken out/);
    assert.equal(await remembered(store), undefined);
    assert.equal(await remembered(store, "other"), undefined);
    await countsAgree(store);
  });

  test("a lane that says nothing of its gate leaves it alone", async ({ store }) => {
    const { delivery } = await pass(store, "e1");

    assert.deepEqual(await claim(store), []);

    assert.equal((await row(store, delivery)).state, "gathering");
    assert.equal((await remembered(store))?.gathered, 1);
  });

  test("the gates of other hooks are left alone", async ({ store }) => {
    await pass(store, "e1");
    const other = await pass(store, "e2", { hook: "b" });

    await claim(store, { gate: null });

    assert.equal((await row(store, other.delivery)).state, "gathering");
    assert.equal((await remembered(store, "k", "b"))?.gathered, 1);
  });

  test("it goes behind what has its order key", async ({ store }) => {
    const [first = 0] = await accept(store, "e1", {
      deliveries: [{ hook: "a", dueAt: t0, orderKey: "o" }],
    });
    const { delivery } = await pass(store, "e2", { orderKey: "o" });

    assert.deepEqual(idsOf(await claim(store, { gate: null })), [first]);
    assert.equal((await row(store, delivery)).state, "blocked");
    await settle(store, first, { to: "delivered" });

    assert.deepEqual(idsOf(await claim(store, { gate: null })), [delivery]);
    await countsAgree(store);
  });

  test("of more keys than one claim takes the rest comes with the next ones", async ({ store }) => {
    const spec = { ...debounce, maxKeys: 10_000 };
    const count = 1200;
    await store.accept(
      Array.from({ length: count }, (_, n) => gated(`e${n}`, { spec, key: `k${n}` })),
    );

    await askAll(store, null);

    assert.deepEqual(await store.gates({}), []);
    assert.equal((await claim(store, { gate: null, limit: 5000 })).length, count);
    await countsAgree(store);
  });

  test("what it remembers without having gathered is forgotten, its kept event too, and the gate begins anew when it comes back", async ({
    store,
  }) => {
    const opening = await pass(store, "e1", { spec: alert, facts: { opens: true } });
    await claim(store, { gate: alert, leaseMs: 1 });
    await settle(store, opening.delivery, { to: "delivered" });
    assert.notEqual(await remembered(store), undefined);

    assert.deepEqual(await claim(store, { gate: null, now: t0 + 5000 }), []);

    assert.equal(await remembered(store), undefined);
    const late = t0 + 10_000;
    assert.equal(await store.purge({ before: late, deadBefore: late, keep: 0, limit: 9 }), 1);
    const again = await pass(store, "e2", { spec: alert, facts: { opens: true }, at: t0 + 5001 });
    assert.equal(again.state, "waiting");
    await askAll(store, null);
    assert.equal(await remembered(store), undefined);
    await countsAgree(store);
  });
};
