import assert from "node:assert/strict";
import { claim, countsAgree, row, type Topic, t0 } from "./bed.ts";
import { alert, bodyOf, debounce, eventsOfType, gated, pass, remembered } from "./gated.ts";

const full = "pipehooks.gate.full";

/** How many keys gates take. */
export const gateFilling: Topic = (test) => {
  test("an event of one key too many becomes a dead letter that names max_keys, and is announced", async ({
    store,
  }) => {
    const spec = { ...debounce, maxKeys: 2 };
    await store.accept([gated("e1", { spec, key: "k1" }), gated("e2", { spec, key: "k2" })]);

    const { delivery, state, announced } = await pass(store, "e3", { spec, key: "k3", at: t0 + 5 });

    assert.deepEqual([state, announced], ["dead", true]);
    const { reason, settledAt, gate, state: stored } = await row(store, delivery);
    assert.deepEqual([stored, settledAt, gate?.key], ["dead", t0 + 5, "k3"]);
    assert.match(reason ?? "", /max_keys/);
    const [event] = await eventsOfType(store, full);
    assert.deepEqual(event?.metadata, { hook: "a", key: "k3", max_keys: 2 });
    assert.equal((await store.unrouted(10)).length, 1);
    assert.equal(await remembered(store, "k3"), undefined);
    await countsAgree(store);
  });

  test("the common key of a full gate is announced as null", async ({ store }) => {
    const spec = { ...debounce, maxKeys: 1 };
    await pass(store, "e1", { spec, key: "k1" });

    await pass(store, "e2", { spec, key: "" });

    const [event] = await eventsOfType(store, full);
    assert.deepEqual(event?.metadata, { hook: "a", key: null, max_keys: 1 });
  });

  test("a full gate goes on with the keys that it knows", async ({ store }) => {
    const spec = { ...debounce, maxKeys: 1 };
    await pass(store, "e1", { spec });
    await pass(store, "e2", { spec, key: "new" });

    const { state } = await pass(store, "e3", { spec, at: t0 + 1 });

    assert.equal(state, "gathering");
    assert.equal((await remembered(store))?.gathered, 2);
  });

  test("an event that leaves nothing to remember passes a full gate", async ({ store }) => {
    const spec = { ...alert, maxKeys: 1 };
    await pass(store, "e1", { spec, facts: { opens: true } });

    const { state, announced } = await pass(store, "e2", {
      spec,
      key: "new",
      facts: { resolves: true },
    });

    assert.deepEqual([state, announced], ["skipped", undefined]);
  });

  test("that a gate is full is announced once, until the number of keys has fallen below", async ({
    store,
  }) => {
    const spec = { ...debounce, maxKeys: 2 };
    const place = (id: string, key: string, at: number) => pass(store, id, { spec, key, at });
    await place("e1", "k1", t0);
    await place("e2", "k2", t0 + 500);
    const first = await place("e3", "k3", t0 + 500);
    const second = await place("e4", "k4", t0 + 500);
    await claim(store, { gate: spec, now: t0 + 1000 });

    const room = await place("e5", "k5", t0 + 1000);
    const third = await place("e6", "k6", t0 + 1000);
    const fourth = await place("e7", "k7", t0 + 1000);

    assert.deepEqual(
      [first, second, room, third, fourth].map(({ state, announced }) => [state, announced]),
      [
        ["dead", true],
        ["dead", undefined],
        ["gathering", undefined],
        ["dead", true],
        ["dead", undefined],
      ],
    );
    assert.equal((await eventsOfType(store, full)).length, 2);
  });

  test("keys are counted for each hook by itself", async ({ store }) => {
    const spec = { ...debounce, maxKeys: 1 };
    await pass(store, "e1", { spec, key: "k1" });

    assert.equal((await pass(store, "e2", { spec, key: "k2", hook: "b" })).state, "gathering");
    assert.equal((await pass(store, "e3", { spec, key: "k2" })).state, "dead");
  });

  test("a dead letter of a full gate is replayed past the gate", async ({ store }) => {
    const spec = { ...debounce, maxKeys: 1 };
    await pass(store, "e1", { spec });
    const { delivery } = await pass(store, "e2", { spec, key: "new" });

    await store.replay({ states: ["dead"] }, t0 + 5);

    const [claimed] = await claim(store, { gate: spec, now: t0 + 5 });
    assert.equal(claimed?.id, delivery);
    assert.deepEqual([claimed?.events, claimed?.gate?.key], [[bodyOf("e2")], "new"]);
    assert.match(claimed?.gate?.release.reason ?? "", /replay/i);
  });
};
