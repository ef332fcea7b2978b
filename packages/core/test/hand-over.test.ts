import {
  createMemoryStore,
  HookError,
  type Pipehooks,
  type Store,
  systemClock,
} from "@pipehooks/core";
import { createVirtualTime } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { createGate, createRecorder, keepOpen, openBus } from "./virtual-bus.ts";

/** A memory store that notes what was leased as it was accepted, and how often it was asked for deliveries. */
function createWatched() {
  const inner = createMemoryStore();
  const leased: number[] = [];
  const claims = { asked: 0 };
  const store: Store = {
    ...inner,
    async accept(batch, lease) {
      const results = await inner.accept(batch, lease);
      leased.push(...results.flatMap((result) => result.leased ?? []));
      return results;
    },
    claim(request) {
      claims.asked += 1;
      return inner.claim(request);
    },
  };
  return { store, leased, claims };
}

describe("what is emitted for a hook that has nothing older waiting", () => {
  test("is delivered without a claim", async () => {
    const time = createVirtualTime();
    const { store, leased, claims } = createWatched();
    const recorder = createRecorder(time);
    const { bus } = openBus({
      time,
      store,
      hooks: [{ name: "one", events: "*", hook: recorder.hook }],
    });
    await time.advance(0);
    const before = claims.asked;

    for (let n = 0; n < 5; n += 1) await bus.emit("pipeline.start");
    await time.advance(0);

    expect(recorder.calls).toHaveLength(5);
    expect(leased).toHaveLength(5);
    expect(claims.asked).toBe(before);
    expect(await store.counts()).toEqual([{ hook: "one", state: "delivered", count: 5 }]);
  });

  test("does not overtake what was emitted before the store was first looked at", async () => {
    const came: string[] = [];
    const { bus } = openBus({
      clock: systemClock,
      hooks: [{ name: "one", events: "*", hook: ({ event }) => void came.push(event.type) }],
    });

    await bus.pipeline("orders", async (pipeline) => {
      await pipeline.action("load", () => {});
    });
    await bus.drain();

    expect(came).toEqual(["pipeline.start", "action.start", "action.end", "pipeline.end"]);
  });

  test("comes with the event that was emitted, its text and its first attempt", async () => {
    const time = createVirtualTime();
    const { store, leased } = createWatched();
    const recorder = createRecorder(time);
    const { bus } = openBus({
      time,
      store,
      hooks: [{ name: "one", events: "*", hook: recorder.hook }],
    });
    await time.advance(0);

    const { event } = await bus.emit("pipeline.start", { pipeline: "orders" });
    await time.advance(0);

    const [call] = recorder.calls;
    expect(leased).toHaveLength(1);
    expect(call?.delivery).toMatchObject({ attempt: 1, count: 1, key: null, events: [event] });
    expect(call?.delivery.eventTexts).toEqual([JSON.stringify(event)]);
  });

  test("is tried again like every other delivery", async () => {
    const time = createVirtualTime();
    const { store, leased } = createWatched();
    const recorder = createRecorder(time, (_, call) => {
      if (call < 3) throw new HookError("RECEIVER_FAILED", "down", { retryable: true });
    });
    const { bus } = openBus({
      time,
      store,
      hooks: [
        { name: "one", events: "*", hook: recorder.hook, retry: { jitter: "none", base: "1s" } },
      ],
    });
    await time.advance(0);

    await bus.emit("pipeline.start");
    await time.advance(60_000);

    expect(leased).toHaveLength(1);
    expect(recorder.calls.map(({ delivery }) => delivery.attempt)).toEqual([1, 2, 3]);
    expect(recorder.times()).toEqual([0, 1, 4]);
  });

  test("is tried again in time, though a claim overtakes the outcome on its way into the store", async () => {
    const time = createVirtualTime();
    const inner = createMemoryStore();
    const slow = createGate();
    const store: Store = {
      ...inner,
      async settle(settlements) {
        await slow.opened;
        return inner.settle(settlements);
      },
    };
    const recorder = createRecorder(time, (_, call) => {
      if (call === 1) throw new HookError("RECEIVER_FAILED", "down", { retryable: true });
    });
    const { bus } = openBus({
      time,
      store,
      hooks: [
        { name: "one", events: "*", hook: recorder.hook, retry: { jitter: "none", base: "1s" } },
      ],
    });
    await time.advance(0);

    await bus.emit("pipeline.start");
    await time.advance(0);
    bus.wake();
    await time.advance(0);
    slow.open();
    await time.advance(1000);

    expect(recorder.times()).toEqual([0, 1]);
  });

  test("keeps its lease while its attempt goes on", async () => {
    const time = createVirtualTime();
    const { store } = createWatched();
    const gate = createGate();
    const recorder = createRecorder(time, () => gate.opened);
    const { bus } = openBus({
      time,
      store,
      leaseMs: 3000,
      hooks: [{ name: "one", events: "*", hook: recorder.hook, timeout: "1h" }],
    });
    await time.advance(0);

    await bus.emit("pipeline.start");
    await time.advance(60_000);
    gate.open();
    await time.advance(0);

    expect(recorder.calls).toHaveLength(1);
    expect(await store.counts()).toEqual([{ hook: "one", state: "delivered", count: 1 }]);
  });
});

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("under load", () => {
  /** Answers what it was asked in a turn of the event loop together, two turns later, as a store in a thread does. */
  function far(store: Store): Store {
    let together: Promise<void> | undefined;
    const later = async <Answer>(answer: Promise<Answer>): Promise<Answer> => {
      together ??= turn()
        .then(() => {
          together = undefined;
        })
        .then(turn);
      await together;
      return answer;
    };
    return {
      ...store,
      accept: (batch, lease) => later(store.accept(batch, lease)),
      claim: (request) => later(store.claim(request)),
      settle: (settlements) => later(store.settle(settlements)),
    };
  }

  /** Keeps so many open until so many have been emitted; answers how often the store was asked for the second half. */
  async function load(
    { bus, claims }: { bus: Pipehooks; claims: { asked: number } },
    { open, events, settled }: { open: number; events: number; settled: () => number },
  ): Promise<number> {
    let before = 0;
    for (let emitted = 0; emitted < events; ) {
      if (emitted - settled() < open) {
        void bus.emit("pipeline.start", { runId: `run-${emitted}` });
        emitted += 1;
        if (emitted === events / 2) before = claims.asked;
      } else await turn();
    }
    while (settled() < events) await turn();
    return claims.asked - before;
  }

  test.for([
    ["without claims, each once", 10],
    ["in order, where one is tried at a time", 1],
  ] as const)("a lane that was behind goes on %s", async ([, concurrency]) => {
    const time = createVirtualTime();
    const { store, claims } = createWatched();
    const recorder = createRecorder(time);
    const { bus } = openBus({
      time,
      store: far(store),
      hooks: [
        {
          name: "one",
          events: "*",
          concurrency,
          hook: async (delivery) => {
            await recorder.hook(delivery);
            await turn();
          },
        },
      ],
    });
    await time.advance(0);

    const asked = await load(
      { bus, claims },
      { open: 200, events: 4000, settled: () => recorder.calls.length },
    );

    const came = recorder.calls.map(({ event }) => Number(event.runId?.slice(4)));
    if (concurrency > 1) {
      expect(asked).toBeLessThan(5);
      came.sort((a, b) => a - b);
    }
    expect(came).toEqual(Array.from({ length: 4000 }, (_, n) => n));
  });

  test("what was given back goes before what is emitted later, where one is tried at a time", async () => {
    const time = createVirtualTime();
    const speed = { lastsMs: 0, emits: false };
    const recorder = createRecorder(time);
    let emitted = 0;
    const emit = () => void bus.emit("pipeline.start", { runId: `run-${emitted++}` });
    const { bus } = openBus({
      time,
      store: far(createMemoryStore({ keepSettled: 1000 })),
      leaseMs: 9000,
      hooks: [
        {
          name: "one",
          events: "*",
          concurrency: 1,
          timeout: "1h",
          hook: async (delivery) => {
            await recorder.hook(delivery);
            if (speed.emits && emitted < 600) emit();
            if (speed.lastsMs === 0) await turn();
            else await new Promise<void>((done) => void time.clock.timer(speed.lastsMs, done));
          },
        },
      ],
    });
    await time.advance(0);
    for (let n = 0; n < 300; n += 1) emit();
    await time.advance(60_000);
    speed.lastsMs = 5000;
    for (let n = 0; n < 100; n += 1) emit();
    await time.advance(20_000);

    Object.assign(speed, { lastsMs: 0, emits: true });
    await time.advance(60_000);

    expect(recorder.calls.map(({ event }) => event.runId)).toEqual(
      Array.from({ length: 600 }, (_, n) => `run-${n}`),
    );
  });

  test("what a hook that has become slow holds goes to another process", async () => {
    const time = createVirtualTime();
    const store = keepOpen(createMemoryStore({ keepSettled: 1000 }));
    let lastsMs = 0;
    const slow = createRecorder(time, async () => {
      if (lastsMs > 0)
        await new Promise<void>((resolve) => void time.clock.timer(lastsMs, resolve));
    });
    const hook = { name: "one", events: "*", concurrency: 1, timeout: "1h" };
    const { bus } = openBus({ time, store, leaseMs: 9000, hooks: [{ ...hook, hook: slow.hook }] });
    await time.advance(0);
    for (let n = 0; n < 300; n += 1) void bus.emit("pipeline.start");
    await time.advance(60_000);
    lastsMs = 5000;

    for (let n = 0; n < 100; n += 1) void bus.emit("pipeline.start");
    await time.advance(20_000);
    const fast = createRecorder(time);
    openBus({ time, store, hooks: [{ ...hook, hook: fast.hook }] });
    await time.advance(20_000);

    expect(await store.counts()).toEqual([{ hook: "one", state: "delivered", count: 400 }]);
    expect(fast.calls.length).toBeGreaterThan(80);
    expect(slow.calls.length + fast.calls.length).toBe(400);
  });
});

describe("nothing is handed over", () => {
  test("where older deliveries wait: they go first", async () => {
    const time = createVirtualTime();
    const { store, leased } = createWatched();
    const gate = createGate();
    const recorder = createRecorder(time, () => gate.opened);
    const { bus } = openBus({
      time,
      store,
      hooks: [{ name: "one", events: "*", hook: recorder.hook, concurrency: 1 }],
    });
    await time.advance(0);

    for (let n = 0; n < 20; n += 1) {
      await bus.emit("pipeline.start", { runId: `run-${n}` });
      await time.advance(0);
    }
    const handedOver = leased.length;
    gate.open();
    await time.advance(0);

    expect(handedOver).toBeLessThan(20);
    expect(recorder.calls.map(({ event }) => event.runId)).toEqual(
      Array.from({ length: 20 }, (_, n) => `run-${n}`),
    );
  });

  test.for([
    ["with an order", { orderBy: "pipeline" }],
    ["with a rate limit", { rateLimit: ["1000/1m"] }],
  ] as const)("%s, for the store has to decide", async ([, policy]) => {
    const time = createVirtualTime();
    const { store, leased } = createWatched();
    const recorder = createRecorder(time);
    const { bus } = openBus({
      time,
      store,
      hooks: [{ name: "one", events: "*", hook: recorder.hook, ...policy }],
    });
    await time.advance(0);

    await bus.emit("pipeline.start", { pipeline: "orders" });
    await time.advance(0);

    expect(leased).toEqual([]);
    expect(recorder.calls).toHaveLength(1);
  });

  test("to a hook that is switched off, or whose destination is paused", async () => {
    const time = createVirtualTime();
    const { store, leased } = createWatched();
    const paused = createRecorder(time, (_, call) => {
      if (call > 1) return;
      const pause = { retryable: true, retryAfterMs: 60_000, scope: "destination" as const };
      throw new HookError("RECEIVER_FAILED", "too many", pause);
    });
    const off = createRecorder(time);
    const { bus } = openBus({
      time,
      store,
      hooks: [
        { name: "paused", events: "*", hook: paused.hook },
        { name: "off", events: "*", hook: off.hook },
      ],
    });
    await bus.disable("off");
    await bus.emit("pipeline.start");
    await time.advance(0);
    leased.splice(0);

    await bus.emit("pipeline.end");
    await time.advance(1000);
    const early = [paused.calls.length, off.calls.length];
    await time.advance(120_000);

    expect(leased).toEqual([]);
    expect(early).toEqual([1, 0]);
    expect(paused.calls).toHaveLength(3);
    expect(off.calls).toHaveLength(0);
  });

  test("by a bus that does not deliver", async () => {
    const time = createVirtualTime();
    const { store, leased } = createWatched();
    const { bus } = openBus({
      time,
      store,
      deliver: false,
      hooks: [{ name: "one", events: "*", hook: () => {} }],
    });

    await bus.emit("pipeline.start");
    await time.advance(10_000);

    expect(leased).toEqual([]);
    expect(await store.counts()).toEqual([{ hook: "one", state: "waiting", count: 1 }]);
  });

  test("and nothing is lost, when the bus closes between", async () => {
    const time = createVirtualTime();
    const { store } = createWatched();
    const kept = keepOpen(store);
    const first = openBus({
      time,
      store: kept,
      hooks: [{ name: "one", events: "*", hook: () => {}, concurrency: 1 }],
    });
    await time.advance(0);

    const emitted = first.bus.emit("pipeline.start");
    const closed = first.bus.close({ timeoutMs: 0, deliverDue: false });
    await Promise.all([emitted, closed]);
    const recorder = createRecorder(time);
    openBus({
      time,
      store: kept,
      hooks: [{ name: "one", events: "*", hook: recorder.hook }],
    });
    await time.advance(60_000);

    const [delivered] = await kept.counts();
    expect(delivered).toEqual({ hook: "one", state: "delivered", count: 1 });
  });
});
