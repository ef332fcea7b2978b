import {
  createMemoryStore,
  createPipehooks,
  defineHook,
  HookError,
  type Pipehooks,
  type Store,
  silentLogger,
} from "@pipehooks/core";
import { createVirtualTime } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { createGate, createRecorder, keepOpen, openBus, untilAborted } from "./virtual-bus.ts";

/** A memory store whose methods fail while their names are in `broken`; counts the calls. */
function createFragile() {
  const store = createMemoryStore();
  const broken = new Set<keyof Store>();
  const calls = new Map<string, number>();
  const fragile = { ...store } as Record<string, unknown>;
  for (const [name, method] of Object.entries(store)) {
    if (typeof method !== "function") continue;
    fragile[name] = (...values: unknown[]) => {
      calls.set(name, (calls.get(name) ?? 0) + 1);
      return broken.has(name as keyof Store)
        ? Promise.reject(new HookError("STORE_FAILED", `${name} failed`, { retryable: true }))
        : Reflect.apply(method, store, values);
    };
  }
  return { store: fragile as unknown as Store, inner: store, broken, calls };
}

describe("a store that fails for a while", () => {
  test("outcomes are kept and written later: each event is delivered once, nothing else is begun meanwhile", async () => {
    const time = createVirtualTime();
    const { store, broken, calls } = createFragile();
    const recorder = createRecorder(time);
    const { bus, log } = openBus({
      time,
      store,
      leaseMs: 3_600_000,
      hooks: [{ name: "one", events: "*", hook: recorder.hook, concurrency: 2 }],
    });
    broken.add("settle");

    await Promise.all(Array.from({ length: 10 }, () => bus.emit("pipeline.start")));
    await time.advance(60_000);
    const begun = recorder.calls.length;
    const tries = calls.get("settle") ?? 0;
    broken.clear();
    await time.advance(5000);

    expect(begun).toBeLessThan(10);
    expect(tries).toBeGreaterThan(30);
    expect(tries).toBeLessThan(130);
    expect(recorder.calls).toHaveLength(10);
    expect(await store.counts()).toEqual([{ hook: "one", state: "delivered", count: 10 }]);
    expect(log.filter((line) => line.includes("settle failed"))).toHaveLength(1);
  });

  test("what ended while the store came back is written too", async () => {
    const time = createVirtualTime();
    const { store, inner, broken } = createFragile();
    const slow = createGate();
    let hold = false;
    const holding: Store = {
      ...store,
      async settle(settlements) {
        if (hold) await slow.opened;
        return broken.has("settle") ? store.settle(settlements) : inner.settle(settlements);
      },
    };
    const ends = new Map([
      ["1", createGate()],
      ["2", createGate()],
    ]);
    const { bus } = openBus({
      time,
      store: holding,
      leaseMs: 3_600_000,
      hooks: [{ name: "one", events: "*", hook: ({ event }) => ends.get(event.id)?.opened }],
    });
    await Promise.all(["1", "2"].map((id) => bus.emit("pipeline.start", { id })));
    await time.advance(0);

    broken.add("settle");
    ends.get("1")?.open();
    await time.advance(500);
    broken.clear();
    hold = true;
    await time.advance(1000);
    ends.get("2")?.open();
    await time.advance(0);
    slow.open();
    await time.advance(0);

    expect(await store.counts()).toEqual([{ hook: "one", state: "delivered", count: 2 }]);
  });

  test.for(["claim", "lanes", "read", "extend"] as const)(
    "%s failing delays deliveries, makes no busy loop, and is over when it is over",
    async (method) => {
      const time = createVirtualTime();
      const { store, broken, calls } = createFragile();
      const recorder = createRecorder(time);
      const { bus, log } = openBus({
        time,
        store,
        hooks: [{ name: "one", events: "*", hook: recorder.hook }],
      });
      broken.add(method);

      await bus.emit("pipeline.start");
      await time.advance(60_000);
      const tries = calls.get(method) ?? 0;
      broken.clear();
      await time.advance(10_000);

      expect(tries).toBeLessThan(100);
      expect(recorder.calls).toHaveLength(1);
      if (method === "claim") expect(log[0]).toContain("claim failed");
    },
  );

  test("update failing loses no delivery of a limited hook, and counts no attempt", async () => {
    const time = createVirtualTime();
    const { store, broken } = createFragile();
    const recorder = createRecorder(time);
    const { bus } = openBus({
      time,
      store,
      hooks: [{ name: "one", events: "*", hook: recorder.hook, rateLimit: ["100/1s"] }],
    });
    broken.add("update");

    await Promise.all([bus.emit("pipeline.start"), bus.emit("pipeline.start")]);
    await time.advance(10_000);
    const early = recorder.calls.length;
    broken.clear();
    await time.advance(10_000);

    expect(early).toBe(0);
    expect(recorder.calls.map(({ delivery }) => delivery.attempt)).toEqual([1, 1]);
  });

  test("emits are refused while it fails and taken afterwards", async () => {
    const { store, broken } = createFragile();
    const { bus } = openBus({ store });
    broken.add("accept");

    await expect(bus.emit("pipeline.start")).rejects.toMatchObject({ code: "STORE_FAILED" });
    broken.clear();

    expect((await bus.emit("pipeline.start")).duplicate).toBe(false);
  });

  test("a store full of unsettled events still takes what hooks emit, or nothing would ever be settled", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time);
    const { bus } = openBus({
      time,
      store: createMemoryStore({ maxEvents: 3 }),
      hooks: [
        {
          name: "emits",
          events: "pipeline.start",
          hook: ({ emit }) => {
            emit("table.created");
            emit("table.created");
          },
        },
        { name: "takes", events: "table.*", hook: recorder.hook },
      ],
    });

    await Promise.all(Array.from({ length: 3 }, () => bus.emit("pipeline.start")));
    await time.advance(60_000);

    expect(recorder.calls).toHaveLength(6);
    await bus.emit("pipeline.start");
  });
});

describe("leases", () => {
  test("are extended while an attempt runs: a second bus on the store does not take it over", async () => {
    const time = createVirtualTime();
    const store = keepOpen(createMemoryStore());
    const gate = createGate();
    const recorder = createRecorder(time, () => gate.opened);
    const hooks = [{ name: "one", events: "*", hook: recorder.hook, timeout: "1h" }];
    const first = openBus({ time, store, hooks, leaseMs: 10_000 });
    openBus({ time, store, hooks, leaseMs: 10_000 });

    await first.bus.emit("pipeline.start");
    await time.advance(120_000);
    gate.open();
    await time.advance(20_000);

    expect(recorder.calls).toHaveLength(1);
    expect(await store.counts()).toEqual([{ hook: "one", state: "delivered", count: 1 }]);
  });

  test("run out when their owner is gone: another bus delivers, with the same key and the next attempt", async () => {
    const time = createVirtualTime();
    const store = keepOpen(createMemoryStore());
    const recorder = createRecorder(time);
    const gone = createGate();
    // Accepts and claims like a process that is killed during its attempt.
    const killed = openBus({
      time,
      store,
      deliver: false,
      hooks: [{ name: "one", events: "*", hook: () => gone.opened }],
    });
    await killed.bus.emit("pipeline.start");
    await store.claim({
      lanes: [{ hook: "one", keys: [], limit: 1 }],
      owner: "killed",
      now: time.now(),
      leaseMs: 30_000,
    });

    openBus({ time, store, hooks: [{ name: "one", events: "*", hook: recorder.hook }] });
    await time.advance(29_000);
    const early = recorder.calls.length;
    await time.advance(10_000);

    expect(early).toBe(0);
    expect(recorder.calls.map(({ delivery }) => delivery.attempt)).toEqual([2]);
  });

  test.for(["cancelled", "taken over"] as const)(
    "a delivery that is %s while its attempt runs is broken off and not settled",
    async (how) => {
      const time = createVirtualTime();
      const store = createMemoryStore();
      const signals: AbortSignal[] = [];
      const { bus, log } = openBus({
        time,
        store,
        leaseMs: 9000,
        hooks: [
          {
            name: "one",
            events: "*",
            timeout: "1h",
            hook: (delivery) => {
              signals.push(delivery.signal);
              return untilAborted(delivery);
            },
          },
        ],
      });
      await bus.emit("pipeline.start");
      await time.advance(1000);

      if (how === "cancelled") {
        await store.cancel({}, time.now());
      } else {
        // Another machine, whose clock is ahead.
        await store.claim({
          lanes: [{ hook: "one", keys: [], limit: 1 }],
          owner: "other",
          now: time.now() + 60_000,
          leaseMs: 3_600_000,
        });
      }
      await time.advance(4000);

      expect(signals[0]?.reason).toMatchObject({ code: "ABORTED" });
      expect(log.some((line) => line.includes("cancelled or taken over"))).toBe(true);
      expect((await store.deliveries({}))[0]?.state).toBe(
        how === "cancelled" ? "cancelled" : "running",
      );
      expect(await store.attempts(1)).toEqual([]);
      expect(signals).toHaveLength(1);
    },
  );

  test("that ran out while the process was too busy to extend them run nothing twice", async () => {
    const time = createVirtualTime();
    const { store, broken } = createFragile();
    const gate = createGate();
    const recorder = createRecorder(time, () => gate.opened);
    const { bus } = openBus({
      time,
      store,
      leaseMs: 9000,
      hooks: [{ name: "one", events: "*", hook: recorder.hook, timeout: "1h" }],
    });
    await Promise.all([bus.emit("pipeline.start"), bus.emit("pipeline.start")]);
    await time.advance(1000);

    broken.add("extend");
    await time.advance(60_000);
    broken.clear();
    gate.open();
    await time.advance(0);

    expect(recorder.calls.map(({ delivery }) => delivery.attempt)).toEqual([1, 1]);
    expect(await store.counts()).toEqual([{ hook: "one", state: "delivered", count: 2 }]);
    expect((await store.deliveries({})).map(({ attempts }) => attempts)).toEqual([1, 1]);
  });
});

describe("other processes", () => {
  test("what another bus accepts on the same store is found without being told", async () => {
    const time = createVirtualTime();
    const store = keepOpen(createMemoryStore());
    const recorder = createRecorder(time);
    const hooks = [{ name: "one", events: "*", hook: recorder.hook }];
    const emitter = openBus({ time, store, hooks, deliver: false });
    openBus({ time, store, hooks });
    await time.advance(20_000);

    await emitter.bus.emit("pipeline.start");
    await time.advance(6000);

    expect(recorder.calls).toHaveLength(1);
  });

  test("a store that can watch tells at once", async () => {
    const time = createVirtualTime();
    const inner = createMemoryStore();
    const watchers = new Set<() => void>();
    const store: Store = {
      ...keepOpen(inner),
      watch(listener) {
        watchers.add(listener);
        return { [Symbol.dispose]: () => void watchers.delete(listener) };
      },
    };
    const recorder = createRecorder(time);
    const hooks = [{ name: "one", events: "*", hook: recorder.hook }];
    const emitter = openBus({ time, store, hooks, deliver: false });
    const { bus } = openBus({ time, store, hooks });
    await time.advance(1000);

    await emitter.bus.emit("pipeline.start");
    for (const tell of watchers) tell();
    await time.advance(0);

    expect(recorder.times()).toEqual([1]);
    await bus.close();
    expect(watchers.size).toBe(0);
  });

  test("deliveries of hooks that are not configured here stay for others and show in health", async () => {
    const time = createVirtualTime();
    const store = keepOpen(createMemoryStore());
    const first = openBus({
      time,
      store,
      deliver: false,
      hooks: [{ name: "old", events: "*", hook: () => {} }],
    });
    await first.bus.emit("pipeline.start");
    const second = openBus({ time, store, hooks: [{ name: "new", events: "*", hook: () => {} }] });

    await time.advance(10_000);

    expect((await second.bus.health()).unknownHooks).toEqual([{ name: "old", unsettled: 1 }]);
    expect(await second.bus.drain()).toBe(true);
  });
});

describe("drain", () => {
  test("waits for what is due and runs, and answers true", async () => {
    const time = createVirtualTime();
    const gate = createGate();
    const { bus } = openBus({
      time,
      hooks: [{ name: "one", events: "*", hook: () => gate.opened }],
    });
    void bus.emit("pipeline.start");
    let drained: boolean | undefined;

    const draining = bus.drain().then((answer) => {
      drained = answer;
    });
    await time.advance(1000);
    const before = drained;
    gate.open();
    await draining;

    expect(before).toBeUndefined();
    expect(drained).toBe(true);
    expect(await bus.store.counts()).toEqual([{ hook: "one", state: "delivered", count: 1 }]);
  });

  test("answers false when its time is over first, or its signal aborts", async () => {
    const time = createVirtualTime();
    const { bus } = openBus({
      time,
      hooks: [{ name: "one", events: "*", hook: () => new Promise(() => {}), timeout: "1h" }],
    });
    await bus.emit("pipeline.start");
    const controller = new AbortController();

    const byTime = bus.drain({ timeoutMs: 5000 });
    const bySignal = bus.drain({ signal: controller.signal });
    await time.advance(5000);
    controller.abort();

    expect(await byTime).toBe(false);
    expect(await bySignal).toBe(false);
  });

  test("refuses a time that is no number, which would be over at once; so does close, which then closes nothing", async () => {
    const { bus } = openBus({ hooks: [] });
    const refused = {
      code: "CONFIG_INVALID",
      message: expect.stringContaining("Give milliseconds"),
    };

    await expect(bus.drain({ timeoutMs: "10s" as never })).rejects.toMatchObject(refused);
    await expect(bus.drain({ horizonMs: Number.NaN })).rejects.toMatchObject(refused);
    await expect(bus.close({ timeoutMs: "10s" as never })).rejects.toMatchObject(refused);

    expect(await bus.emit("pipeline.start")).toMatchObject({ duplicate: false });
  });

  test("waits for retries within its horizon, and not for later ones", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, (_, call) => {
      if (call === 1) throw new Error("once");
    });
    const { bus } = openBus({
      time,
      hooks: [
        { name: "one", events: "*", hook: recorder.hook, retry: { base: "60s", jitter: "none" } },
      ],
    });
    await bus.emit("pipeline.start");
    await time.advance(0);

    const now = await bus.drain();
    const near = await bus.drain({ horizonMs: 30_000 });
    const calls = recorder.calls.length;
    const far = bus.drain({ horizonMs: 120_000, timeoutMs: 300_000 });
    await time.advance(61_000);

    expect([now, near, calls]).toEqual([true, true, 1]);
    expect(await far).toBe(true);
    expect(recorder.calls).toHaveLength(2);
  });

  test("with a long horizon ends when all is settled, not when leases would have run out", async () => {
    const time = createVirtualTime();
    const { bus } = openBus({ time, hooks: [{ name: "one", events: "*", hook: () => {} }] });
    await bus.emit("pipeline.start");
    let at: number | undefined;

    const draining = bus.drain({ horizonMs: 86_400_000, timeoutMs: 86_400_000 }).then(() => {
      at = time.now();
    });
    const start = time.now();
    await time.advance(40_000);
    await draining;
    await bus.emit("pipeline.start");
    await time.advance(1000);
    const again = bus.drain({ horizonMs: 86_400_000, timeoutMs: 86_400_000 });
    await time.advance(1000);

    expect((at ?? 0) - start).toBeLessThan(1000);
    expect(await Promise.race([again, "waits"])).toBe(true);
  });

  test("does not wait for hooks that are switched off, or for destinations that pause beyond the horizon", async () => {
    const time = createVirtualTime();
    const { bus } = openBus({
      time,
      hooks: [
        { name: "off", events: "*", hook: () => {} },
        {
          name: "paused",
          events: "*",
          hook: () => {
            throw new HookError("RECEIVER_FAILED", "429", {
              retryable: true,
              retryAfterMs: 600_000,
            });
          },
        },
      ],
    });
    await bus.disable("off");
    await bus.emit("pipeline.start");
    await time.advance(0);

    expect(await bus.drain({ horizonMs: 60_000 })).toBe(true);
  });
});

describe("close", () => {
  test("delivers what is due, then disposes of hooks in reverse order, once", async () => {
    const time = createVirtualTime();
    const order: string[] = [];
    const hook = (name: string) => ({
      name,
      events: "*",
      hook: {
        deliver: () => void order.push(`deliver ${name}`),
        async [Symbol.asyncDispose]() {
          order.push(`dispose ${name}`);
        },
      },
    });
    const { bus } = openBus({ time, hooks: [hook("a"), hook("b"), hook("c")] });
    void bus.emit("pipeline.start");

    await Promise.all([bus.close(), bus.close(), bus[Symbol.asyncDispose]()]);
    await bus.close();

    expect(order).toEqual([
      "deliver a",
      "deliver b",
      "deliver c",
      "dispose c",
      "dispose b",
      "dispose a",
    ]);
  });

  test("disposes of a hook object that was never used", async () => {
    let disposed = 0;
    const { bus } = openBus({
      hooks: [
        {
          name: "one",
          events: "*",
          hook: {
            deliver() {},
            async [Symbol.asyncDispose]() {
              disposed += 1;
            },
          },
        },
      ],
    });

    await bus.close();

    expect(disposed).toBe(1);
  });

  test("a hook that cannot be disposed of is logged and harms no other", async () => {
    const disposed: string[] = [];
    const { bus, log } = openBus({
      hooks: ["a", "b"].map((name) => ({
        name,
        events: "*",
        hook: {
          deliver() {},
          async [Symbol.asyncDispose]() {
            if (name === "b") throw new Error("stuck");
            disposed.push(name);
          },
        },
      })),
    });
    await bus.emit("pipeline.start");

    await bus.close();

    expect(disposed).toEqual(["a"]);
    expect(log).toEqual(["warn: A hook could not be disposed of: stuck"]);
  });

  test("a hook that never ends its disposal is left behind after five seconds", async () => {
    const time = createVirtualTime();
    const { bus, log } = openBus({
      time,
      hooks: [
        {
          name: "one",
          events: "*",
          hook: { deliver() {}, [Symbol.asyncDispose]: () => new Promise(() => {}) },
        },
      ],
    });

    const closing = bus.close();
    await time.advance(5000);
    await closing;

    expect(log).toEqual(["warn: A hook could not be disposed of: it took longer than 5000 ms"]);
  });

  test("a hook whose making outlasts the bus is disposed of when it is there", async () => {
    const time = createVirtualTime();
    const gate = createGate();
    let disposed = false;
    const kind = defineHook({
      name: "slow",
      options: z.strictObject({}),
      async create() {
        await gate.opened;
        return {
          deliver() {},
          async [Symbol.asyncDispose]() {
            disposed = true;
          },
        };
      },
    });
    const { bus } = openBus({ time, hooks: [{ name: "one", events: "*", hook: kind({}) }] });
    await bus.emit("pipeline.start");
    await time.advance(0);

    await bus.close({ timeoutMs: 0 });
    gate.open();
    await time.advance(0);

    expect(disposed).toBe(true);
  });

  test("at its deadline breaks off what runs; that stays in the store, due at once, and counts no attempt", async () => {
    const time = createVirtualTime();
    const store = keepOpen(createMemoryStore());
    const reasons: unknown[] = [];
    const { bus } = openBus({
      time,
      store,
      hooks: [
        {
          name: "one",
          events: "*",
          concurrency: 1,
          timeout: "1h",
          hook: (delivery) => {
            delivery.signal.addEventListener("abort", () => reasons.push(delivery.signal.reason));
            return new Promise(() => {});
          },
        },
      ],
    });
    await Promise.all([bus.emit("pipeline.start"), bus.emit("pipeline.start")]);
    await time.advance(0);

    const closing = bus.close({ timeoutMs: 5000 });
    await time.advance(5000);
    await closing;

    expect(reasons).toMatchObject([{ code: "ABORTED" }]);
    const rows = await store.deliveries({ oldestFirst: true });
    expect(rows).toMatchObject([
      { state: "retrying", attempts: 0, dueAt: time.now() },
      { state: "waiting", attempts: 0 },
    ]);
    const recorder = createRecorder(time);
    openBus({ time, store, hooks: [{ name: "one", events: "*", hook: recorder.hook }] });
    await time.advance(0);
    expect(recorder.calls.map(({ delivery }) => delivery.attempt)).toEqual([1, 1]);
  });

  test("what it breaks off is given up once it is older than maxAge, however often that was no attempt", async () => {
    const time = createVirtualTime();
    const store = keepOpen(createMemoryStore());
    const states: unknown[] = [];
    for (let run = 0; run < 4; run += 1) {
      const { bus } = openBus({
        time,
        store,
        hooks: [
          {
            name: "one",
            events: "*",
            hook: () => new Promise(() => {}),
            retry: { attempts: 1, maxAge: "2h" },
          },
        ],
      });
      if (run === 0) await bus.emit("pipeline.start");
      await time.advance(0);
      const closing = bus.close({ timeoutMs: 5000 });
      await time.advance(5000);
      await closing;
      const [row] = await store.deliveries({});
      states.push([row?.state, row?.attempts]);
      await time.advance(3_600_000);
    }

    expect(states).toEqual([
      ["retrying", 0],
      ["retrying", 0],
      ["dead", 1],
      ["dead", 1],
    ]);
    const [row] = await store.deliveries({});
    expect(row?.reason).toMatch(
      /The bus was closed.* Given up: it is older than the longest age\./,
    );
  });

  test("does not begin what is due when told so, and waits for what runs", async () => {
    const time = createVirtualTime();
    const store = keepOpen(createMemoryStore());
    const gate = createGate();
    const recorder = createRecorder(time, () => gate.opened);
    const { bus } = openBus({
      time,
      store,
      hooks: [{ name: "one", events: "*", hook: recorder.hook, concurrency: 1 }],
    });
    await Promise.all([bus.emit("pipeline.start"), bus.emit("pipeline.start")]);
    await time.advance(0);

    const closing = bus.close({ deliverDue: false });
    gate.open();
    await closing;

    expect(recorder.calls).toHaveLength(1);
    expect((await store.deliveries({ oldestFirst: true })).map(({ state }) => state)).toEqual([
      "delivered",
      "waiting",
    ]);
  });

  test("does not wait for retries that are not due", async () => {
    const time = createVirtualTime();
    const store = keepOpen(createMemoryStore());
    const { bus } = openBus({
      time,
      store,
      hooks: [
        {
          name: "one",
          events: "*",
          hook: () => {
            throw new Error("down");
          },
          retry: { base: "1h", jitter: "none" },
        },
      ],
    });
    await bus.emit("pipeline.start");

    await bus.close();

    expect((await store.deliveries({}))[0]).toMatchObject({ state: "retrying", attempts: 1 });
  });

  test("of a store that forgets warns of what is lost with it", async () => {
    const time = createVirtualTime();
    const { bus, log } = openBus({
      time,
      hooks: [
        {
          name: "one",
          events: "*",
          hook: () => {
            throw new Error("down");
          },
          retry: { base: "1h", jitter: "none" },
        },
      ],
    });
    await Promise.all([bus.emit("pipeline.start"), bus.emit("pipeline.start")]);

    await bus.close();

    expect(log).toEqual([expect.stringContaining("2 deliveries end with the memory store")]);
  });

  test("with a store that fails throughout ends all the same, disposes of hooks, and leaves no timer behind", async () => {
    const time = createVirtualTime();
    let timers = 0;
    const clock = {
      now: time.clock.now,
      timer(ms: number, callback: () => void) {
        timers += 1;
        const timer = time.clock.timer(ms, () => {
          timers -= 1;
          callback();
        });
        let over = false;
        return {
          [Symbol.dispose]() {
            if (!over) timers -= 1;
            over = true;
            timer[Symbol.dispose]();
          },
        };
      },
    };
    const { store, broken } = createFragile();
    let disposed = false;
    const bus: Pipehooks = createPipehooks({
      clock,
      store,
      logger: silentLogger,
      hooks: [
        {
          name: "one",
          events: "*",
          hook: {
            deliver() {},
            async [Symbol.asyncDispose]() {
              disposed = true;
            },
          },
        },
      ],
    });
    await bus.emit("pipeline.start");
    for (const name of ["settle", "claim", "lanes", "read", "counts", "extend"] as const) {
      broken.add(name);
    }
    await time.advance(1000);

    const closing = bus.close({ timeoutMs: 3000 }).catch((error: unknown) => error);
    await time.advance(10_000);
    await closing;

    expect(disposed).toBe(true);
    expect(timers).toBeLessThanOrEqual(0);
  });

  test("of a bus that was never used is quick and quiet", async () => {
    const { bus, log } = openBus();

    await bus.close();

    expect(log).toEqual([]);
  });
});

describe("the process", () => {
  test("a pipeline that emits and does not close ends: nothing keeps it alive", async () => {
    const { spawnSync } = await import("node:child_process");
    const program = `
      import { createPipehooks } from ${JSON.stringify(import.meta.resolve("@pipehooks/core"))};
      const bus = createPipehooks({ hooks: [{ name: "one", events: "*", hook: () => {} }] });
      await bus.emit("pipeline.start");
      console.log("emitted");
    `;

    const { stdout, status } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
      timeout: 10_000,
    });

    expect([stdout, status]).toEqual(["emitted\n", 0]);
  });

  test("close waits for a retry in progress: the process stays until it is over", async () => {
    const { spawnSync } = await import("node:child_process");
    const program = `
      import { createPipehooks } from ${JSON.stringify(import.meta.resolve("@pipehooks/core"))};
      const bus = createPipehooks({ hooks: [{ name: "one", events: "*", hook: async () => {
        await new Promise((resolve) => setTimeout(resolve, 100).unref());
        console.log("delivered");
      } }] });
      await bus.emit("pipeline.start");
      await bus.close();
      console.log("closed");
    `;

    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
      timeout: 10_000,
    });

    expect(stdout).toBe("delivered\nclosed\n");
  });
});
