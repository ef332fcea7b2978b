import assert from "node:assert/strict";
import { claim, countsAgree, every, idsOf, plain, row, settle, type Topic, t0 } from "./bed.ts";
import { bodyOf, debounce, digest, gated, join, of, pass, remembered } from "./gated.ts";

/** What is asked of gates and done about what they hold. */
export const gateKeeping: Topic = (test) => {
  test("cancelling what gathers makes the gate forget", async ({ store }) => {
    const { delivery } = await pass(store, "e1");
    await pass(store, "e2", { key: "other" });

    assert.deepEqual(await store.cancel({ ids: [delivery] }, t0 + 1), [delivery]);

    assert.equal(await remembered(store), undefined);
    assert.equal((await remembered(store, "other"))?.gathered, 1);
    const { state, settledAt } = await row(store, delivery);
    assert.deepEqual([state, settledAt], ["cancelled", t0 + 1]);
    const next = await pass(store, "e3", { at: t0 + 2 });
    assert.notEqual(next.delivery, delivery);
    assert.equal((await remembered(store))?.gathered, 1);
    assert.deepEqual(await claim(store, { gate: debounce, now: t0 + 1001 }).then(idsOf), [
      (await of(store, "e2"))[0]?.id,
    ]);
    await countsAgree(store);
  });

  test("cancelling what was released leaves the gate alone", async ({ store }) => {
    const spec = { ...digest, max: 1 };
    const { delivery } = await pass(store, "e1", { spec });
    const gathering = await pass(store, "e2", { spec: digest });
    const before = plain(await remembered(store));

    await store.cancel({ ids: [delivery] }, t0);

    assert.deepEqual(plain(await remembered(store)), before);
    assert.equal((await row(store, gathering.delivery)).state, "gathering");
  });

  test("what gathers is not replayed; what a gate let through is, with all its events", async ({
    store,
  }) => {
    const spec = { ...digest, max: 2 };
    await store.accept([gated("e1", { spec }), gated("e2", { spec })]);
    const gathering = await pass(store, "e3", { spec, at: t0 + 1 });
    const [claimed] = await claim(store, { gate: spec });
    const id = claimed?.id ?? 0;
    await settle(store, id, { to: "dead" });

    assert.deepEqual(await store.replay({}, t0 + 50), [id]);

    const [again] = await claim(store, { gate: spec, now: t0 + 50 });
    assert.deepEqual(plain(again), plain({ ...claimed, since: t0 + 50 }));
    assert.equal((await row(store, gathering.delivery)).state, "gathering");
    await countsAgree(store);
  });

  test("what a gate held back for good is replayed past the gate, and says so", async ({
    store,
  }) => {
    const { delivery } = await pass(store, "e1");
    await pass(store, "e2", { at: t0 + 1 });
    await store.cancel({ ids: [delivery] }, t0 + 2);

    assert.deepEqual(await store.replay({ ids: [delivery] }, t0 + 50), [delivery]);

    const [claimed] = await claim(store, { gate: debounce, now: t0 + 50 });
    assert.deepEqual(claimed?.events, ["e1", "e2"].map(bodyOf));
    assert.deepEqual([claimed?.gate?.key, claimed?.gate?.count], ["k", 2]);
    assert.match(claimed?.gate?.release.reason ?? "", /replay/i);
    assert.equal(await remembered(store), undefined);
  });

  test("an event that gathers is not purged, and one that was released goes when that is settled", async ({
    store,
  }) => {
    const spec = { ...digest, max: 2 };
    const purge = () => store.purge({ before: t0 + 99, deadBefore: t0 + 99, keep: 0, limit: 100 });
    await pass(store, "e1", { spec });
    assert.equal(await purge(), 0);
    const { delivery } = await pass(store, "e2", { spec, at: t0 + 1 });
    assert.equal(await purge(), 0);
    await claim(store, { gate: spec, now: t0 + 1 });
    await settle(store, delivery, { now: t0 + 1 });

    assert.equal(await purge(), 2);

    assert.deepEqual(await every(store), []);
    await countsAgree(store);
  });

  test("an event goes only when all that it belongs to is settled", async ({ store }) => {
    const [accepted] = await store.accept([
      { ...gated("e1"), deliveries: [{ hook: "plain", dueAt: t0 }] },
    ]);
    await store.cancel({ ids: accepted?.deliveries ?? [] }, t0);
    const request = { before: t0 + 99, deadBefore: t0 + 99, limit: 100 };

    assert.equal(await store.purge(request), 0);
    await store.cancel({}, t0);
    assert.equal(await store.purge(request), 1);
    await countsAgree(store);
  });

  test("a settled delivery stays with the events that are left of it, and goes with the last", async ({
    store,
  }) => {
    const spec = { ...digest, max: 2 };
    await pass(store, "e1", { spec });
    const { delivery } = await pass(store, "e2", { spec, at: t0 + 10 });
    await claim(store, { gate: spec, now: t0 + 10 });
    await settle(store, delivery, { now: t0 + 10 });

    assert.equal(await store.purge({ before: t0 + 5, deadBefore: t0 + 5, limit: 100 }), 1);
    const left = await row(store, delivery);
    assert.deepEqual([left.state, left.eventId], ["delivered", "e2"]);
    await countsAgree(store);

    assert.equal(await store.purge({ before: t0 + 99, deadBefore: t0 + 99, limit: 100 }), 1);
    assert.deepEqual(await every(store), []);
    await countsAgree(store);
  });

  test("gates tell what they remember of each key", async ({ store }) => {
    const { delivery } = await pass(store, "e1");
    await pass(store, "e2", { at: t0 + 5 });

    const found = await remembered(store);

    assert.equal(found?.hook, "a");
    assert.equal(found?.delivery, delivery);
    assert.equal(found?.gathered, 2);
    assert.equal(found?.wakeAt, t0 + 1005);
    assert.notEqual(found?.value, undefined);
  });

  test("gates are asked for by hook and key, soonest timer first and those without one last", async ({
    store,
  }) => {
    const patient = { ...join, withinMs: undefined };
    await pass(store, "e1", { key: "late", at: t0 + 5 });
    await pass(store, "e2", { key: "never", spec: patient, facts: { inputs: ["x"] } });
    await pass(store, "e3", { key: "soon" });
    await pass(store, "e4", { key: "soon", hook: "b", at: t0 + 2 });
    const keys = async (query: Parameters<typeof store.gates>[0]) =>
      (await store.gates(query)).map(({ hook, key }) => `${hook} ${key}`);

    assert.deepEqual(await keys({}), ["a soon", "b soon", "a late", "a never"]);
    assert.deepEqual(await keys({ hook: "a" }), ["a soon", "a late", "a never"]);
    assert.deepEqual(await keys({ hook: "a", key: "late" }), ["a late"]);
    assert.deepEqual(await keys({ hook: "b", key: "late" }), []);
    assert.deepEqual(await keys({ timersOnly: true }), ["a soon", "b soon", "a late"]);
    assert.deepEqual(await keys({ limit: 2 }), ["a soon", "b soon"]);
    assert.deepEqual(await keys({ hook: "none" }), []);
  });

  test("without a limit a hundred keys come back", async ({ store }) => {
    const spec = { ...debounce, maxKeys: 500 };
    await store.accept(
      Array.from({ length: 120 }, (_, n) => gated(`e${n}`, { spec, key: `k${n}` })),
    );

    assert.equal((await store.gates({})).length, 100);
    assert.equal((await store.gates({ limit: 500 })).length, 120);
  });

  test("a key that the gate forgets is remembered no more", async ({ store }) => {
    await pass(store, "e1");
    const [claimed] = await claim(store, { gate: debounce, now: t0 + 1000 });

    assert.deepEqual(claimed?.events, [bodyOf("e1")]);
    assert.equal(await remembered(store), undefined);
    assert.deepEqual(await store.gates({}), []);
  });
};
