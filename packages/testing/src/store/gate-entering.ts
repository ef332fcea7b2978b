import assert from "node:assert/strict";
import { accept, claim, countsAgree, idsOf, row, settle, type Topic, t0 } from "./bed.ts";
import { bodyOf, digest, gated, of, pass, remembered } from "./gated.ts";

/** How gates go together with what stores do besides: duplicates, order keys, what hooks emit. */
export const gateEntering: Topic = (test) => {
  test("a delivery is found by each of its events", async ({ store }) => {
    const { delivery } = await pass(store, "e1");
    await pass(store, "e2");
    await accept(store, "e3");

    for (const eventId of ["e1", "e2"]) {
      assert.deepEqual(idsOf(await store.deliveries({ eventId })), [delivery]);
    }
    assert.deepEqual(idsOf(await store.deliveries({ eventId: "e2", states: ["waiting"] })), []);
  });

  test("a delivery that has two events with one id, of different sources, is found once", async ({
    store,
  }) => {
    const events = ["/x", "/y"].map((source) => ({ ...gated("e1").event, source }));
    await store.accept(events.map((event) => ({ ...gated("e1"), event })));

    const [found, ...others] = await store.deliveries({ eventId: "e1" });

    assert.deepEqual(others, []);
    assert.equal(found?.gate?.count, 2);
  });

  test("a duplicate event passes no gate", async ({ store }) => {
    const { delivery } = await pass(store, "e1", { spec: digest });

    const [again] = await store.accept([gated("e1", { spec: digest, at: t0 + 5 })]);
    await store.accept([gated("e1", { spec: digest, key: "other" })]);

    assert.equal(again?.duplicate, true);
    assert.deepEqual(again?.deliveries, []);
    assert.equal((await row(store, delivery)).gate?.count, 1);
    assert.equal((await remembered(store))?.gathered, 1);
    assert.equal(await remembered(store, "other"), undefined);
  });

  test("the deliveries answered for a duplicate are those that passed no gate", async ({
    store,
  }) => {
    const event = { ...gated("e1"), deliveries: [{ hook: "plain", dueAt: t0 }] };
    const [first] = await store.accept([event]);

    const [again] = await store.accept([event]);

    assert.deepEqual(again, { duplicate: true, deliveries: first?.deliveries });
  });

  test("what a hook emitted passes gates, too", async ({ store }) => {
    const [id = 0] = await accept(store, "e1", { deliveries: [{ hook: "b", dueAt: t0 }] });
    await claim(store, { hook: "b" });

    await settle(store, id, {
      emitted: ["c1", "c2", "c3"].map((child) => gated(child, { spec: digest })),
    });

    const [claimed] = await claim(store, { gate: digest });
    assert.deepEqual(claimed?.events, ["c1", "c2", "c3"].map(bodyOf));
  });

  test("what a settlement emitted passes no gate when its lease is another's", async ({
    store,
  }) => {
    const [id = 0] = await accept(store, "e1", { deliveries: [{ hook: "b", dueAt: t0 }] });

    assert.equal(await settle(store, id, { emitted: [gated("c1")] }), false);

    assert.deepEqual(await store.gates({}), []);
    assert.deepEqual(await of(store, "c1"), []);
  });

  test("what gathers holds up nobody with its order key", async ({ store }) => {
    await pass(store, "e1", { orderKey: "o" });
    const [free = 0] = await accept(store, "e2", { orderKey: "o" });

    assert.deepEqual(idsOf(await claim(store)), [free]);
  });

  test("a release waits for its turn behind the one with the same order key, and then takes it", async ({
    store,
  }) => {
    const spec = { ...digest, max: 2 };
    const [before = 0] = await accept(store, "e0", { orderKey: "o" });
    await pass(store, "e1", { spec, orderKey: "o" });

    const { delivery, state } = await pass(store, "e2", { spec, orderKey: "another" });
    const [after = 0] = await accept(store, "e3", { orderKey: "o" });

    assert.equal(state, "blocked");
    assert.deepEqual(
      [(await row(store, delivery)).state, (await row(store, delivery)).orderKey],
      ["blocked", "o"],
    );
    const order: number[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const claimed = await claim(store, { gate: spec });
      assert.equal(claimed.length, 1);
      order.push(...idsOf(claimed));
      await settle(store, claimed[0]?.id ?? 0);
    }
    assert.deepEqual(order, [before, delivery, after]);
    await countsAgree(store);
  });
};
