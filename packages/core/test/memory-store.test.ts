import { type Acceptance, createMemoryStore, HookError, type Store } from "@pipehooks/core";
import type { GateSpec } from "@pipehooks/core/gates";
import { testStore } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { openBus } from "./virtual-bus.ts";

testStore({ name: "memory", open: () => createMemoryStore(), describe, test });

function event(id: string, hooks: readonly string[] = []): Acceptance {
  return {
    event: { source: "/s", id, type: "pipeline.start", time: 1, body: `{"id":"${id}"}` },
    deliveries: hooks.map((hook) => ({ hook, dueAt: 1 })),
    at: 1,
  };
}

async function settle(store: Store, hook: string, to: "delivered" | "dead", limit: number) {
  const [lane] = await store.claim({
    lanes: [{ hook, keys: [], limit }],
    owner: "me",
    now: 10,
    leaseMs: 1000,
  });
  await store.settle(
    (lane?.deliveries ?? []).map(({ id, attempt }) => ({
      id,
      owner: "me",
      now: 10,
      to,
      attempts: attempt,
    })),
  );
}

const spec: GateSpec = {
  kind: "digest",
  hook: "one",
  source: "/gates",
  maxKeys: 10,
  maxEvents: 10,
  every: 60_000,
  max: undefined,
};

/** An event that a gate holds back, or lets through at once with `flush`. */
function held(id: string, flush = false): Acceptance {
  return { ...event(id), gates: [{ hook: "one", spec, key: "", facts: { flush } }] };
}

const ids = async (store: Store) =>
  (await store.events({ oldestFirst: true, limit: 1000 })).map(({ body }) => JSON.parse(body).id);

describe("the memory store's bound", () => {
  test("beyond maxEvents unsettled events emit is refused with STORE_FULL and what to do, and nothing is dropped", async () => {
    const store = createMemoryStore({ maxEvents: 2 });
    await store.accept([event("1", ["one"]), event("2", ["one"])]);

    const error: HookError = await store.accept([event("3", ["one"])]).then(
      () => expect.fail("was accepted"),
      (thrown) => thrown,
    );

    expect(error).toBeInstanceOf(HookError);
    expect(error.code).toBe("STORE_FULL");
    expect(error.retryable).toBe(true);
    expect(error.message).toContain("maxEvents");
    expect(await ids(store)).toEqual(["1", "2"]);
  });

  test("a batch that does not fit is refused whole", async () => {
    const store = createMemoryStore({ maxEvents: 2 });

    await expect(
      store.accept([event("1", ["one"]), event("2", ["one"]), event("3", ["one"])]),
    ).rejects.toMatchObject({ code: "STORE_FULL" });

    expect(await ids(store)).toEqual([]);
  });

  test("events that are settled make room", async () => {
    const store = createMemoryStore({ maxEvents: 2 });
    await store.accept([event("1", ["one"]), event("2", ["one"])]);

    await settle(store, "one", "delivered", 1);
    await store.accept([event("3", ["one"])]);

    expect(await ids(store)).toEqual(["1", "2", "3"]);
    await expect(store.accept([event("4", ["one"])])).rejects.toMatchObject({ code: "STORE_FULL" });
  });

  test("dead letters never make room", async () => {
    const store = createMemoryStore({ maxEvents: 2, keepSettled: 0 });
    await store.accept([event("1", ["one"]), event("2", ["one"])]);

    await settle(store, "one", "dead", 2);

    await expect(store.accept([event("3", ["one"])])).rejects.toMatchObject({ code: "STORE_FULL" });
    expect(await store.deliveries({ states: ["dead"] })).toHaveLength(2);
  });

  test("an event is unsettled while one of its deliveries is", async () => {
    const store = createMemoryStore({ maxEvents: 1, keepSettled: 0 });
    await store.accept([event("1", ["one", "two"])]);

    await settle(store, "one", "delivered", 1);
    await expect(store.accept([event("2", ["one"])])).rejects.toMatchObject({ code: "STORE_FULL" });
    await settle(store, "two", "delivered", 1);
    await store.accept([event("2", ["one"])]);

    expect((await ids(store)).at(-1)).toBe("2");
  });

  test("events that gather are unsettled: a full store refuses more and drops none of them", async () => {
    const store = createMemoryStore({ maxEvents: 2, keepSettled: 0 });
    await store.accept([held("1"), held("2")]);

    await expect(store.accept([held("3")])).rejects.toMatchObject({ code: "STORE_FULL" });

    expect(await ids(store)).toEqual(["1", "2"]);
    const [row] = await store.deliveries({});
    expect(row).toMatchObject({ state: "gathering", gate: { count: 2 } });
  });

  test("events that a gate released make room when their delivery is settled", async () => {
    const store = createMemoryStore({ maxEvents: 3, keepSettled: 0 });
    await store.accept([held("1"), held("2"), held("3", true)]);
    await expect(store.accept([held("4")])).rejects.toMatchObject({ code: "STORE_FULL" });

    await settle(store, "one", "delivered", 1);
    await store.accept([held("5"), held("6"), held("7")]);

    expect(await ids(store)).toEqual(["5", "6", "7"]);
    expect(await store.counts()).toEqual([{ hook: "one", state: "gathering", count: 1 }]);
  });

  test("events that a dead delivery has together never make room", async () => {
    const store = createMemoryStore({ maxEvents: 2, keepSettled: 0 });
    await store.accept([held("1"), held("2", true)]);

    await settle(store, "one", "dead", 1);

    await expect(store.accept([event("3", ["one"])])).rejects.toMatchObject({ code: "STORE_FULL" });
    expect(await ids(store)).toEqual(["1", "2"]);
  });

  test("by default 256 settled events are kept", async () => {
    const store = createMemoryStore();

    for (let index = 0; index < 300; index += 1) await store.accept([event(`${index}`)]);
    await store.accept([event("last", ["one"])]);

    expect(await ids(store)).toHaveLength(257);
  });

  test("keeps keepSettled settled events to be asked for, the newest", async () => {
    const store = createMemoryStore({ keepSettled: 3 });

    for (let index = 1; index <= 10; index += 1) await store.accept([event(`${index}`)]);
    await store.accept([event("last", ["one"])]);

    expect(await ids(store)).toEqual(["8", "9", "10", "last"]);
    expect((await store.accept([event("9")]))[0]?.duplicate).toBe(true);
    expect((await store.accept([event("1")]))[0]?.duplicate).toBe(false);
  });

  test("a replayed event is unsettled again and is not forgotten", async () => {
    const store = createMemoryStore({ keepSettled: 1, maxEvents: 1 });
    await store.accept([event("1", ["one"])]);
    await settle(store, "one", "delivered", 1);

    await store.replay({}, 20);
    await expect(store.accept([event("2", ["one"])])).rejects.toMatchObject({ code: "STORE_FULL" });

    expect(await ids(store)).toEqual(["1"]);
    expect(await store.counts()).toEqual([{ hook: "one", state: "waiting", count: 1 }]);
  });

  test("emit on a bus tells the caller, and delivery makes room for the next one", async () => {
    const { bus, time } = openBus({
      store: createMemoryStore({ maxEvents: 5 }),
      hooks: [{ name: "one", events: "*", hook: () => {} }],
    });
    for (let index = 0; index < 5; index += 1) await bus.emit("pipeline.start");

    const refused = await bus.emit("pipeline.start").catch((error: unknown) => error);
    await time.advance(0);

    expect(refused).toMatchObject({ code: "STORE_FULL" });
    expect((await bus.emit("pipeline.start")).duplicate).toBe(false);
  });

  test("a hundred releases of a thousand events each leave no trace but what is kept", async () => {
    const store = createMemoryStore({ keepSettled: 10 });

    for (let round = 0; round < 100; round += 1) {
      const batch = Array.from({ length: 999 }, (_, index) => held(`${round}-${index}`));
      await store.accept([...batch, held(`${round}-last`, true)]);
      await settle(store, "one", "delivered", 1);
    }

    expect((await ids(store)).length).toBeLessThanOrEqual(10);
    expect(await store.deliveries({})).toHaveLength(1);
    expect(await store.gates({})).toEqual([]);
  });

  test("twenty thousand settled events leave no trace but those that are kept", async () => {
    const store = createMemoryStore({ keepSettled: 10 });

    for (let round = 0; round < 20; round += 1) {
      await store.accept(
        Array.from({ length: 1000 }, (_, index) => event(`${round}-${index}`, ["one"])),
      );
      await settle(store, "one", "delivered", 1000);
    }

    expect((await ids(store)).length).toBeLessThanOrEqual(10);
    expect(
      (await store.counts()).reduce((total, { count }) => total + count, 0),
    ).toBeLessThanOrEqual(10);
  });
});
