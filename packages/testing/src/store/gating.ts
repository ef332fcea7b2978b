import assert from "node:assert/strict";
import { claim, countsAgree, every, plain, row, type Topic, t0 } from "./bed.ts";
import {
  alert,
  bodyOf,
  debounce,
  digest,
  gated,
  gateEntry,
  join,
  of,
  pass,
  remembered,
  threshold,
} from "./gated.ts";

/** What becomes of events that come to a gate. */
export const gating: Topic = (test, sharedTest) => {
  test("an event that a gate holds belongs to a delivery that is gathering, and is not due", async ({
    store,
  }) => {
    const { delivery, state, deliveries, duplicate } = await pass(store, "e1");

    assert.deepEqual(
      { state, deliveries, duplicate },
      { state: "gathering", deliveries: [], duplicate: false },
    );
    assert.deepEqual(plain(await row(store, delivery)), {
      id: delivery,
      hook: "a",
      state: "gathering",
      eventId: "e1",
      eventSource: "/suite",
      eventType: "pipeline.end",
      acceptedAt: t0,
      attempts: 0,
      gate: { key: "k", count: 1 },
    });
    assert.deepEqual(await claim(store), []);
    await countsAgree(store);
  });

  test("events of one key gather in one delivery, which says how many and names the first", async ({
    store,
  }) => {
    const one = await pass(store, "e1");
    const two = await pass(store, "e2", { at: t0 + 1 });
    const other = await pass(store, "e3", { at: t0 + 2, key: "other" });

    assert.equal(two.delivery, one.delivery);
    assert.notEqual(other.delivery, one.delivery);
    const { eventId, acceptedAt, gate } = await row(store, one.delivery);
    assert.deepEqual([eventId, acceptedAt, gate?.key, gate?.count], ["e1", t0, "k", 2]);
    assert.equal((await every(store)).length, 2);
  });

  test("keys are told apart letter by letter, and the common one is a key like any other", async ({
    store,
  }) => {
    const keys = ["", "k", "K", "k ", "é😀'\"", "1", "01"];
    const accepted = await store.accept(keys.map((key, at) => gated(`e${at}`, { key })));

    assert.equal(new Set(accepted.map(({ gates }) => gates?.[0]?.delivery)).size, keys.length);
    for (const key of keys) assert.equal((await remembered(store, key))?.key, key);
  });

  test("gates of different hooks do not mix, and an event goes to all of its gates and deliveries", async ({
    store,
  }) => {
    const [accepted] = await store.accept([
      {
        ...gated("e1"),
        deliveries: [{ hook: "plain", dueAt: t0 }],
        gates: [gateEntry({ hook: "a" }), gateEntry({ hook: "b", spec: { ...digest, max: 1 } })],
      },
    ]);

    assert.equal(accepted?.deliveries.length, 1);
    assert.deepEqual(
      accepted?.gates?.map(({ state }) => state),
      ["gathering", "waiting"],
    );
    const rows = await of(store, "e1");
    assert.deepEqual(rows.map(({ hook, state }) => [hook, state]).sort(), [
      ["a", "gathering"],
      ["b", "waiting"],
      ["plain", "waiting"],
    ]);
    assert.equal(rows.find(({ hook }) => hook === "plain")?.gate, undefined);
    await countsAgree(store);
  });

  test("events of one batch pass their gate one after the other", async ({ store }) => {
    const accepted = await store.accept(
      ["e1", "e2", "e3", "e4"].map((id) => gated(id, { spec: digest })),
    );

    const places = accepted.map(({ gates }) => gates?.[0]);
    assert.deepEqual(
      places.map((place) => place?.state),
      ["gathering", "gathering", "waiting", "gathering"],
    );
    assert.equal(places[0]?.delivery, places[2]?.delivery);
    assert.notEqual(places[3]?.delivery, places[2]?.delivery);
  });

  test("an event that goes no further has a delivery of its own, skipped, with the reason and the key", async ({
    store,
  }) => {
    const { delivery, state } = await pass(store, "e1", { spec: alert, facts: { resolves: true } });

    assert.equal(state, "skipped");
    const { state: stored, reason, settledAt, dueAt, attempts, gate } = await row(store, delivery);
    assert.deepEqual(
      { stored, settledAt, dueAt, attempts, key: gate?.key, count: gate?.count },
      { stored: "skipped", settledAt: t0, dueAt: undefined, attempts: 0, key: "k", count: 1 },
    );
    assert.match(reason ?? "", /\S/);
    assert.deepEqual(await claim(store), []);
    await countsAgree(store);
  });

  test("what a gate drops is one skipped delivery with all its events and the reason", async ({
    store,
  }) => {
    const spec = { ...join, onFailedInput: "cancel" } as const;
    const { delivery } = await pass(store, "e1", { spec, facts: { inputs: ["x"] } });

    await pass(store, "e2", { spec, at: t0 + 5, facts: { inputs: ["y"], failed: true } });

    const { state, settledAt, reason, dueAt } = await row(store, delivery);
    assert.deepEqual([state, settledAt, dueAt], ["skipped", t0 + 5, undefined]);
    assert.match(reason ?? "", /\S/);
    assert.deepEqual(await every(store, { states: ["gathering", "waiting"] }), []);
    assert.equal((await of(store, "e2"))[0]?.state, "skipped");
    await countsAgree(store);
  });

  test("events that expire leave what gathers: a skipped delivery of their own", async ({
    store,
  }) => {
    const one = await pass(store, "e1", { spec: threshold });
    await pass(store, "e2", { spec: threshold, at: t0 + 600 });
    const three = await pass(store, "e3", { spec: threshold, at: t0 + 1200 });

    assert.deepEqual([three.delivery, three.state], [one.delivery, "gathering"]);
    const [expired, ...others] = await of(store, "e1");
    assert.deepEqual(others, []);
    assert.deepEqual(
      [expired?.state, expired?.eventId, expired?.gate?.key, expired?.gate?.count],
      ["skipped", "e1", "k", 1],
    );
    assert.match(expired?.reason ?? "", /\S/);
    const left = await row(store, one.delivery);
    assert.deepEqual(
      [left.state, left.eventId, left.acceptedAt, left.gate?.count],
      ["gathering", "e2", t0 + 600, 2],
    );
    assert.equal((await remembered(store))?.gathered, 2);
    await countsAgree(store);
  });

  test("when all that gathers expires nothing is left that gathers", async ({ store }) => {
    const one = await pass(store, "e1", { spec: threshold });
    await pass(store, "e2", { spec: threshold, at: t0 + 5000 });

    const [expired] = await of(store, "e1");
    const gathering = await every(store, { states: ["gathering"] });
    assert.equal(expired?.state, "skipped");
    assert.deepEqual(
      gathering.map(({ eventId, gate }) => [eventId, gate?.count]),
      [["e2", 1]],
    );
    assert.equal((await every(store)).length, 2);
    assert.ok((await every(store)).some(({ id }) => id === one.delivery));
    await countsAgree(store);
  });

  sharedTest("two stores bring events to one gate, and none is lost", async ({ store, again }) => {
    const other = await again();
    const spec = { ...digest, max: 5 };

    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        (n % 2 === 0 ? store : other).accept([gated(`e${n}`, { spec })]),
      ),
    );

    const rows = await every(store);
    assert.deepEqual(
      rows.map(({ state, gate }) => [state, gate?.count]),
      Array.from({ length: 4 }, () => ["waiting", 5]),
    );
    const claimed = await claim(other, { gate: spec });
    assert.equal(new Set(claimed.flatMap(({ events }) => events)).size, 20);
  });

  sharedTest("what gathers is there after the store was opened again", async ({ store, again }) => {
    const { delivery } = await pass(store, "e1", { orderKey: "o" });
    await pass(store, "e2", { at: t0 + 1 });
    const before = plain([await every(store), await remembered(store)]);
    await store[Symbol.asyncDispose]();

    const reopened = await again();

    assert.deepEqual(plain([await every(reopened), await remembered(reopened)]), before);
    const [claimed] = await claim(reopened, { gate: debounce, now: t0 + 1001 });
    assert.equal(claimed?.id, delivery);
    assert.deepEqual(claimed?.events, ["e1", "e2"].map(bodyOf));
  });
};
