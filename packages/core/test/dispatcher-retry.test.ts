import {
  backoff,
  createMemoryStore,
  defineHook,
  type ErrorCode,
  HookError,
  type HookErrorOptions,
  longestRetryAfterMs,
  type Store,
  toPolicy,
} from "@pipehooks/core";
import { createVirtualTime } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { createGate, createRecorder, keepOpen, openBus } from "./virtual-bus.ts";

const fail = (options: HookErrorOptions = {}, code: ErrorCode = "RECEIVER_FAILED"): never => {
  throw new HookError(code, "answered 500", { retryable: true, ...options });
};
/** Waits that are easy to foresee. */
const plain = { base: "1s", factor: 2, jitter: "none" } as const;
const patient = { failures: 1_000_000 };

describe("retry", () => {
  test("comes after the delays that backoff gives for the same seed", async () => {
    const time = createVirtualTime({ seed: 42 });
    const { random } = createVirtualTime({ seed: 42 });
    const recorder = createRecorder(time, () => fail());
    const { bus } = openBus({
      time,
      hooks: [
        {
          name: "one",
          events: "*",
          hook: recorder.hook,
          breaker: patient,
          retry: { attempts: 8 },
        },
      ],
    });
    const retry = { ...toPolicy().retry, attempts: 8 };
    const due = [0];
    for (let attempt = 1; attempt < retry.attempts; attempt += 1) {
      due.push((due.at(-1) ?? 0) + backoff(attempt, retry, random));
    }

    await bus.emit("pipeline.start");
    await time.advance(3_600_000);

    expect(recorder.times().map((at) => Math.round(at * 1000))).toEqual(due);
    expect(recorder.calls).toHaveLength(8);
  });

  test("ends after the attempts that are allowed, as a dead letter that says why", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, () => fail());
    const { bus } = openBus({
      time,
      hooks: [{ name: "one", events: "*", hook: recorder.hook, retry: { ...plain, attempts: 3 } }],
    });

    await bus.emit("pipeline.start");
    await time.advance(60_000);

    expect(recorder.times()).toEqual([0, 1, 3]);
    expect(recorder.calls.map(({ delivery }) => delivery.attempt)).toEqual([1, 2, 3]);
    const [row] = await bus.store.deliveries({});
    expect(row).toMatchObject({
      state: "dead",
      attempts: 3,
      reason: "answered 500 Given up after 3 attempts.",
    });
    expect(await bus.store.attempts(row?.id as number)).toMatchObject([
      { number: 1, outcome: "retry", code: "RECEIVER_FAILED", message: "answered 500" },
      { number: 2, outcome: "retry" },
      { number: 3, outcome: "dead" },
    ]);
  });

  test("ends when the next attempt would come after the longest age", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, () => fail());
    const { bus } = openBus({
      time,
      hooks: [
        {
          name: "one",
          events: "*",
          hook: recorder.hook,
          retry: { base: "10s", factor: 1, jitter: "none", maxAge: "35s", attempts: 100 },
        },
      ],
    });

    await bus.emit("pipeline.start");
    await time.advance(120_000);

    expect(recorder.times()).toEqual([0, 10, 20, 30]);
    expect((await bus.store.deliveries({}))[0]?.reason).toContain("longest age");
  });

  test("what is no HookError counts as worth another attempt, whatever was thrown", async () => {
    const thrown = [new Error("plain"), "text", undefined, Object.create(null), Symbol("s"), 7];
    const time = createVirtualTime();
    const recorder = createRecorder(time, (_, call) => {
      if (call <= thrown.length) throw thrown[call - 1];
    });
    const { bus } = openBus({
      time,
      hooks: [
        { name: "one", events: "*", hook: recorder.hook, breaker: patient, retry: { ...plain } },
      ],
    });

    await bus.emit("pipeline.start");
    await time.advance(120_000);

    const [row] = await bus.store.deliveries({});
    expect(row).toMatchObject({ state: "delivered", attempts: 7 });
    const attempts = await bus.store.attempts(row?.id as number);
    expect(attempts[0]).toMatchObject({ code: "HOOK_FAILED", message: "plain" });
  });

  test.for([
    "RECEIVER_REFUSED",
    "TARGET_BLOCKED",
    "REDIRECT_REFUSED",
    "RECEIVER_UNTRUSTED",
    "TEMPLATE_FIELD_MISSING",
  ] as const)("a refusal with %s is never tried again", async (code) => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, () => fail({ retryable: false }, code));
    const { bus } = openBus({ time, hooks: [{ name: "one", events: "*", hook: recorder.hook }] });

    await bus.emit("pipeline.start");
    await time.advance(3_600_000);

    expect(recorder.calls).toHaveLength(1);
    expect((await bus.store.deliveries({}))[0]).toMatchObject({
      state: "dead",
      reason: "answered 500",
    });
  });

  test("the time of the next attempt is stored: another bus on the store makes it, not earlier and not again", async () => {
    const time = createVirtualTime();
    const store = keepOpen(createMemoryStore());
    const recorder = createRecorder(time, (_, call) => (call < 3 ? fail() : undefined));
    const open = () =>
      openBus({
        time,
        store,
        hooks: [
          {
            name: "one",
            events: "*",
            hook: recorder.hook,
            retry: { base: "60s", factor: 2, jitter: "none" },
          },
        ],
      });

    const first = open();
    await first.bus.emit("pipeline.start");
    await time.advance(10_000);
    await first.bus.close();
    await time.advance(20_000);
    const second = open();
    await time.advance(40_000);
    await second.bus.close();
    const third = open();
    await time.advance(300_000);

    expect(recorder.times()).toEqual([0, 60, 180]);
    expect(recorder.calls.map(({ delivery }) => delivery.attempt)).toEqual([1, 2, 3]);
    expect(new Set(recorder.calls.map(({ delivery }) => delivery.idempotencyKey)).size).toBe(1);
    expect((await third.bus.store.deliveries({}))[0]?.state).toBe("delivered");
  });

  test("a replayed dead letter gets a fresh budget, with the same idempotency key", async () => {
    const time = createVirtualTime();
    let broken = true;
    const recorder = createRecorder(time, () => (broken ? fail() : undefined));
    const { bus } = openBus({
      time,
      hooks: [
        {
          name: "one",
          events: "*",
          hook: recorder.hook,
          breaker: patient,
          retry: { ...plain, attempts: 2, maxAge: "1h" },
        },
      ],
    });
    await bus.emit("pipeline.start");
    await time.advance(3_700_000);

    broken = false;
    await bus.store.replay({ states: ["dead"] }, time.now());
    bus.wake();
    await time.advance(0);

    expect(recorder.calls.map(({ delivery }) => delivery.attempt)).toEqual([1, 2, 1]);
    expect(new Set(recorder.calls.map(({ delivery }) => delivery.idempotencyKey)).size).toBe(1);
    expect(recorder.calls[0]?.delivery.idempotencyKey).toMatch(/^[\w-]+$/);
    expect((await bus.store.deliveries({}))[0]).toMatchObject({ state: "delivered", attempts: 1 });
  });

  test.each([
    [true, { reached: ["a"] }],
    [undefined, undefined],
  ])(
    "a replay goes on from what was reached where the kind says keepState: %s",
    async (keepState, found) => {
      const time = createVirtualTime();
      const states: unknown[] = [];
      const mail = defineHook({
        name: "mail",
        options: z.strictObject({}),
        keepState,
        create: () => ({
          deliver({ state, attempt }) {
            states.push(state);
            if (states.length > 2) return;
            const left = attempt === 1 ? { state: { reached: ["a"] } } : {};
            throw new HookError("RECEIVER_FAILED", "down", { retryable: true, ...left });
          },
        }),
      });
      const retry = { ...plain, attempts: 2 };
      const { bus } = openBus({
        time,
        hooks: [{ name: "one", events: "*", hook: mail({}), retry, breaker: patient }],
      });

      await bus.emit("pipeline.start");
      await time.advance(60_000);
      await bus.store.replay({ states: ["dead"] }, time.now());
      bus.wake();
      await time.advance(0);

      expect(states).toEqual([undefined, { reached: ["a"] }, found]);
    },
  );
});

describe("Retry-After", () => {
  test("wins over a shorter backoff, with a little on top and never less", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, (_, call) =>
      call === 1 ? fail({ retryAfterMs: 30_000 }) : undefined,
    );
    const { bus } = openBus({
      time,
      hooks: [{ name: "one", events: "*", hook: recorder.hook, retry: { ...plain } }],
    });

    await bus.emit("pipeline.start");
    await time.advance(60_000);

    expect(recorder.times()[1]).toBeGreaterThanOrEqual(30);
    expect(recorder.times()[1]).toBeLessThanOrEqual(33);
  });

  test("does not shorten a longer backoff", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, (_, call) =>
      call === 1 ? fail({ retryAfterMs: 1000 }) : undefined,
    );
    const { bus } = openBus({
      time,
      hooks: [
        { name: "one", events: "*", hook: recorder.hook, retry: { base: "60s", jitter: "none" } },
      ],
    });

    await bus.emit("pipeline.start");
    await time.advance(120_000);

    expect(recorder.times()).toEqual([0, 60]);
  });

  test("is followed for ten hours at most", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, (_, call) =>
      call === 1 ? fail({ retryAfterMs: 100 * 86_400_000 }) : undefined,
    );
    const { bus } = openBus({ time, hooks: [{ name: "one", events: "*", hook: recorder.hook }] });

    await bus.emit("pipeline.start");
    await time.advance(longestRetryAfterMs + 10_000);

    expect(longestRetryAfterMs).toBe(36_000_000);
    expect(recorder.calls).toHaveLength(2);
  });

  test("pauses the whole destination: what is new and what other hooks have waits too, others do not", async () => {
    const time = createVirtualTime();
    const limited = createRecorder(time, (_, call) =>
      call === 1 ? fail({ retryAfterMs: 30_000 }) : undefined,
    );
    const sharing = createRecorder(time);
    const other = createRecorder(time);
    const { bus } = openBus({
      time,
      hooks: [
        { name: "limited", events: "*.start", hook: limited.hook, destination: "shared" },
        { name: "sharing", events: "*.end", hook: sharing.hook, destination: "shared" },
        { name: "other", events: "*", hook: other.hook },
      ],
    });

    await bus.emit("pipeline.start");
    await time.advance(5000);
    await bus.emit("pipeline.start");
    await bus.emit("pipeline.end");
    await time.advance(24_000);
    const health = await bus.health();
    const early = [limited.calls.length, sharing.calls.length, other.calls.length];
    await time.advance(30_000);

    expect(early).toEqual([1, 0, 3]);
    expect(health.status).toBe("degraded");
    expect(health.destinations.find(({ name }) => name === "shared")).toMatchObject({
      blockedUntil: time.now() - 59_000 + 30_000,
      because: "answered 500",
    });
    expect(sharing.times()[0]).toBeGreaterThanOrEqual(30);
    expect(limited.calls).toHaveLength(3);
  });

  test("the pause is stored: another bus on the store keeps it", async () => {
    const time = createVirtualTime();
    const store = keepOpen(createMemoryStore());
    const recorder = createRecorder(time, (_, call) =>
      call === 1 ? fail({ retryAfterMs: 60_000 }) : undefined,
    );
    const open = () =>
      openBus({ time, store, hooks: [{ name: "one", events: "*", hook: recorder.hook }] });

    const first = open();
    await first.bus.emit("pipeline.start");
    await time.advance(1000);
    await first.bus.close();
    const second = open();
    await second.bus.emit("pipeline.start");
    await time.advance(50_000);
    const early = recorder.calls.length;
    await time.advance(30_000);

    expect(early).toBe(1);
    expect(recorder.calls).toHaveLength(3);
  });

  test("a failure of the destination without a time pauses it until the next attempt", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, (_, call) =>
      call === 1 ? fail({ scope: "destination" }) : undefined,
    );
    const { bus } = openBus({
      time,
      hooks: [
        { name: "one", events: "*", hook: recorder.hook, retry: { base: "20s", jitter: "none" } },
      ],
    });

    await bus.emit("pipeline.start");
    await time.advance(1000);
    await bus.emit("pipeline.start");
    await time.advance(18_000);
    const early = recorder.calls.length;
    await time.advance(5000);

    expect(early).toBe(1);
    expect(recorder.times()).toEqual([0, 20, 20]);
  });

  test("does not raise the number of attempts", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, () => fail({ retryAfterMs: 1000 }));
    const { bus } = openBus({
      time,
      hooks: [{ name: "one", events: "*", hook: recorder.hook, retry: { ...plain, attempts: 2 } }],
    });

    await bus.emit("pipeline.start");
    await time.advance(600_000);

    expect(recorder.calls).toHaveLength(2);
    expect((await bus.store.deliveries({}))[0]?.state).toBe("dead");
  });
});

describe("breaker", () => {
  const eager = { attempts: 1000, base: "1ms", factor: 1, jitter: "none", maxAge: "365d" } as const;

  test("opens after so many failures, stays open, lets one trial through, and closes when that goes well", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, (_, call) => (call <= 4 ? fail() : undefined));
    const { bus } = openBus({
      time,
      hooks: [
        {
          name: "one",
          events: "*",
          hook: recorder.hook,
          concurrency: 1,
          retry: eager,
          breaker: { failures: 3, reset: "10s" },
        },
      ],
    });

    await Promise.all(Array.from({ length: 8 }, () => bus.emit("pipeline.start")));
    await time.advance(9000);
    const whileOpen = recorder.calls.length;
    const health = await bus.health();
    await time.advance(5000);
    const afterTrial = recorder.calls.length;
    await time.advance(30_000);

    expect(whileOpen).toBe(3);
    expect(health.hooks[0]?.breaker).toBe("open");
    expect(health.destinations[0]?.because).toContain("breaker open after 3 failures");
    expect(afterTrial).toBe(4);
    expect(recorder.calls).toHaveLength(4 + 8);
    expect((await bus.health()).hooks[0]?.breaker).toBe("closed");
    expect((await bus.health()).status).toBe("ok");
  });

  test("stays open while a slow store still answers with what was before it opened", async () => {
    const time = createVirtualTime();
    const store = createMemoryStore();
    const answer = (ms: number) =>
      new Promise<void>((resolve) => void time.clock.timer(ms, resolve));
    const slow: Store = {
      ...store,
      async claim(request) {
        const claims = await store.claim(request);
        await answer(60);
        return claims;
      },
      async update(key, reduce) {
        const memory = await store.update(key, reduce);
        await answer(100);
        return memory;
      },
    };
    const recorder = createRecorder(time, async () => {
      await new Promise<void>((resolve) => void time.clock.timer(40, resolve));
      fail();
    });
    const { bus } = openBus({
      time,
      store: slow,
      hooks: [
        {
          name: "one",
          events: "*",
          hook: recorder.hook,
          concurrency: 1,
          retry: eager,
          breaker: { failures: 3, reset: "1h" },
        },
      ],
    });

    await Promise.all(Array.from({ length: 10 }, () => bus.emit("pipeline.start")));
    await time.advance(60_000);

    expect(recorder.calls).toHaveLength(3);
  });

  test("half open means one attempt at a time, however many are wanted, and a failing one opens it for another reset", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, () => fail());
    const { bus } = openBus({
      time,
      hooks: [
        {
          name: "one",
          events: "*",
          hook: recorder.hook,
          concurrency: 10,
          retry: eager,
          breaker: { failures: 5, resetMs: 10_000 },
        },
      ],
    });

    await Promise.all(Array.from({ length: 20 }, () => bus.emit("pipeline.start")));
    await time.advance(0);
    const before = recorder.calls.length;
    await time.advance(60_000);

    // Those that ran when it opened, and those begun while it still counted.
    expect(before).toBeLessThanOrEqual(10 + 4);
    expect(recorder.times().slice(before)).toEqual([10, 20, 30, 40, 50, 60]);
  });

  test("a receiver that asks for a pause is up: neither the breaker nor disable_after counts it", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, (_, call) => {
      if (call > 6) return;
      const how = call % 2 === 0 ? { retryAfterMs: 1000 } : { answer: { status: 429 } };
      throw new HookError("RECEIVER_FAILED", "slow down", {
        ...{ retryable: true, scope: "destination", ...how },
      });
    });
    const breaker = { failures: 2, reset: "1h", disableAfter: 3 };
    const { bus } = openBus({
      time,
      hooks: [{ name: "one", events: "*", hook: recorder.hook, breaker, retry: plain }],
    });

    await bus.emit("pipeline.start");
    await time.advance(600_000);

    expect(recorder.calls).toHaveLength(7);
    expect((await bus.health()).hooks[0]).toMatchObject({ status: "on", breaker: "closed" });
  });

  test("a refusal is no sign that the destination is down", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, () => fail({ retryable: false }));
    const { bus } = openBus({
      time,
      hooks: [{ name: "one", events: "*", hook: recorder.hook, breaker: { failures: 1 } }],
    });

    for (let index = 0; index < 5; index += 1) {
      await bus.emit("pipeline.start");
      await time.advance(0);
    }

    expect(recorder.calls).toHaveLength(5);
  });

  test("is the destination's: of its hooks together, with the policy the destination has", async () => {
    const time = createVirtualTime();
    const a = createRecorder(time, () => fail());
    const b = createRecorder(time, () => fail());
    const { bus } = openBus({
      time,
      destinations: { shared: { breaker: { failures: 2, reset: "30s" } } },
      hooks: [
        { name: "a", events: "*", hook: a.hook, destination: "shared", retry: eager },
        { name: "b", events: "*", hook: b.hook, destination: "shared", retry: eager },
      ],
    });

    await bus.emit("pipeline.start");
    await time.advance(29_000);
    const early = a.calls.length + b.calls.length;
    await time.advance(2000);

    expect(early).toBe(2);
    expect(a.calls.length + b.calls.length).toBe(3);
  });

  test("what waits for it counts no attempt and keeps its reason", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, (_, call) => (call <= 3 ? fail() : undefined));
    const { bus } = openBus({
      time,
      hooks: [
        {
          name: "one",
          events: "*",
          hook: recorder.hook,
          concurrency: 1,
          retry: eager,
          breaker: { failures: 3, reset: "10s" },
        },
      ],
    });

    await Promise.all(Array.from({ length: 6 }, () => bus.emit("pipeline.start")));
    await time.advance(60_000);

    const attempts = recorder.calls.map(({ delivery }) => delivery.attempt);
    expect(attempts.filter((attempt) => attempt === 1)).toHaveLength(6);
    expect(attempts).toHaveLength(9);
  });
});

describe("switching off", () => {
  test("disableAfter failures in a row switch the hook off, visibly; events wait; enable delivers them", async () => {
    const time = createVirtualTime();
    let broken = true;
    const recorder = createRecorder(time, () => (broken ? fail({ retryable: false }) : undefined));
    const { bus, log } = openBus({
      time,
      hooks: [
        {
          name: "one",
          events: "pipeline.*",
          hook: recorder.hook,
          breaker: { disableAfter: 3 },
        },
      ],
    });
    const told: string[] = [];
    bus.on("pipehooks.hook.*", ({ type, subject }) => void told.push(`${type} ${subject}`));

    for (let index = 0; index < 5; index += 1) {
      await bus.emit("pipeline.start");
      await time.advance(1000);
    }
    const health = await bus.health();
    broken = false;
    await time.advance(3_600_000);
    const early = recorder.calls.length;
    await bus.enable("one");
    await time.advance(0);

    expect(early).toBe(3);
    expect(health.status).toBe("degraded");
    expect(health.hooks[0]).toMatchObject({
      status: "disabled",
      because: "3 failures in a row, the last: answered 500",
      counts: { dead: 3, waiting: 2 },
    });
    expect(log.filter((line) => line.startsWith("error"))).toEqual([
      expect.stringContaining('Hook "one" is disabled: 3 failures in a row'),
    ]);
    expect(recorder.calls).toHaveLength(5);
    expect(told).toEqual(["pipehooks.hook.disabled one", "pipehooks.hook.enabled one"]);
    expect((await bus.health()).hooks[0]?.status).toBe("on");
  });

  test("a success in between starts the count anew", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, (_, call) =>
      call % 3 === 0 ? undefined : fail({ retryable: false }),
    );
    const { bus } = openBus({
      time,
      hooks: [{ name: "one", events: "*", hook: recorder.hook, breaker: { disableAfter: 3 } }],
    });

    for (let index = 0; index < 12; index += 1) {
      await bus.emit("pipeline.start");
      await time.advance(0);
    }

    expect(recorder.calls).toHaveLength(12);
  });

  test("a receiver that is gone switches the hook off at once; what waits is kept for later", async () => {
    const time = createVirtualTime();
    const gate = createGate();
    let gone = true;
    const recorder = createRecorder(time, async () => {
      await gate.opened;
      if (gone) throw new HookError("RECEIVER_GONE", "It is gone.", { scope: "gone" });
    });
    const { bus, log } = openBus({
      time,
      hooks: [{ name: "one", events: "*", hook: recorder.hook, concurrency: 1 }],
    });

    await Promise.all(Array.from({ length: 10 }, () => bus.emit("pipeline.start")));
    await time.advance(0);
    gate.open();
    await time.advance(60_000);
    const whileOff = recorder.calls.length;
    const counts = await bus.store.counts();
    gone = false;
    await bus.enable("one");
    await time.advance(60_000);

    expect(whileOff).toBe(1);
    expect(counts.filter(({ count }) => count > 0)).toEqual(
      expect.arrayContaining([
        { hook: "one", state: "dead", count: 1 },
        { hook: "one", state: "waiting", count: 9 },
      ]),
    );
    expect(recorder.calls).toHaveLength(10);
    expect(log).toContain(
      'error: Hook "one" is disabled: the receiver is gone: It is gone. Enable it when that is mended.',
    );
  });

  test("the switch is stored: another bus on the store finds it off, and enabling there counts here", async () => {
    const time = createVirtualTime();
    const store = keepOpen(createMemoryStore());
    const recorder = createRecorder(time);
    const hooks = [{ name: "one", events: "*", hook: recorder.hook }];
    const first = openBus({ time, store, hooks });
    const second = openBus({ time, store, hooks, deliver: false });

    await first.bus.disable("one", "maintenance");
    await second.bus.emit("pipeline.start");
    await time.advance(60_000);
    const early = recorder.calls.length;
    const seen = (await second.bus.health()).hooks[0];
    await second.bus.enable("one");
    await time.advance(10_000);

    expect(early).toBe(0);
    expect(seen).toMatchObject({ status: "disabled", because: "maintenance" });
    expect(recorder.calls).toHaveLength(1);
  });

  test("disable tells listeners and the log, and lets what runs end", async () => {
    const time = createVirtualTime();
    const gate = createGate();
    const recorder = createRecorder(time, () => gate.opened);
    const { bus, log } = openBus({
      time,
      hooks: [{ name: "one", events: "*", hook: recorder.hook, concurrency: 1 }],
    });
    const told: unknown[] = [];
    bus.on("pipehooks.hook.disabled", ({ metadata }) => void told.push(metadata));

    await Promise.all(Array.from({ length: 4 }, () => bus.emit("pipeline.start")));
    await time.advance(0);
    await bus.disable("one");
    gate.open();
    await time.advance(60_000);

    expect(recorder.calls).toHaveLength(1);
    expect(told).toEqual([{ hook: "one", because: "somebody disabled it" }]);
    expect(log).toEqual(['warn: Hook "one" is disabled: somebody disabled it.']);
    expect(await bus.store.counts()).toEqual(
      expect.arrayContaining([{ hook: "one", state: "delivered", count: 1 }]),
    );
  });

  test("a name that is unknown, or that the configuration switches off, is refused with what to do", async () => {
    const { bus } = openBus({
      hooks: [
        { name: "one", events: "*", hook: () => {} },
        { name: "off", events: "*", hook: () => {}, enabled: false },
      ],
    });

    await expect(bus.enable("onne")).rejects.toThrow(
      'Did you mean "one"? Configured are: one, off.',
    );
    await expect(bus.enable("off")).rejects.toThrow('switches hook "off" off ("enabled: false")');
    await expect(bus.disable("two")).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });
});
