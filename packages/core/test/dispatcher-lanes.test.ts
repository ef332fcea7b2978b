import { createMemoryStore, defineHook, HookError, type HookKind, pending } from "@pipehooks/core";
import { createVirtualTime } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  createGate,
  createRecorder,
  keepOpen,
  openBus,
  slowToUpdate,
  untilAborted,
} from "./virtual-bus.ts";

const failing = () => {
  throw new HookError("RECEIVER_FAILED", "answered 500", { retryable: true });
};

/** A hook of a kind that is made like this. */
const sample = (create: HookKind["create"]) =>
  defineHook({ name: "sample", options: z.strictObject({}), create })({});

/** Attempts that take `ms` each; knows how many ran at most at a time. */
function createBusy(time: ReturnType<typeof createVirtualTime>, ms: number) {
  let running = 0;
  const state = { most: 0 };
  const { calls, times, hook } = createRecorder(time, async () => {
    running += 1;
    state.most = Math.max(state.most, running);
    await new Promise<void>((resolve) => void time.clock.timer(ms, resolve));
    running -= 1;
  });
  return { calls, times, hook, state };
}

/** The most calls in any window of that length in seconds. */
function mostIn(seconds: number, times: readonly number[]): number {
  return Math.max(
    ...times.map((start) => times.filter((at) => at >= start && at < start + seconds).length),
  );
}

describe("concurrency", () => {
  test("so many attempts run at a time, and no more", async () => {
    const time = createVirtualTime();
    const busy = createBusy(time, 1000);
    const { bus } = openBus({
      time,
      hooks: [{ name: "one", events: "*", hook: busy.hook, concurrency: 3 }],
    });

    await Promise.all(Array.from({ length: 9 }, () => bus.emit("pipeline.start")));
    await time.advance(10_000);

    expect(busy.state.most).toBe(3);
    expect(busy.times()).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2]);
  });

  test("by default ten", async () => {
    const time = createVirtualTime();
    const busy = createBusy(time, 1000);
    const { bus } = openBus({ time, hooks: [{ name: "one", events: "*", hook: busy.hook }] });

    await Promise.all(Array.from({ length: 25 }, () => bus.emit("pipeline.start")));
    await time.advance(10_000);

    expect(busy.state.most).toBe(10);
    expect(busy.calls).toHaveLength(25);
  });

  test("a destination's concurrency holds over all its hooks, and none of them waits for ever", async () => {
    const time = createVirtualTime();
    const a = createRecorder(time, async () => {
      await new Promise<void>((resolve) => void time.clock.timer(1000, resolve));
    });
    const b = createRecorder(time, async () => {
      await new Promise<void>((resolve) => void time.clock.timer(1000, resolve));
    });
    const { bus } = openBus({
      time,
      destinations: { shared: { concurrency: 2 } },
      hooks: [
        { name: "a", events: "*", hook: a.hook, destination: "shared" },
        { name: "b", events: "*", hook: b.hook, destination: "shared" },
      ],
    });

    await Promise.all(Array.from({ length: 40 }, () => bus.emit("pipeline.start")));
    await time.advance(9500);

    const all = [...a.times(), ...b.times()];
    expect(mostIn(1, all)).toBe(2);
    expect(all).toHaveLength(20);
    expect(a.calls.length).toBeGreaterThanOrEqual(7);
    expect(b.calls.length).toBeGreaterThanOrEqual(7);
  });

  test("a slow or dead hook never delays another", async () => {
    const time = createVirtualTime();
    const good = createRecorder(time);
    const { bus } = openBus({
      time,
      hooks: [
        { name: "hangs", events: "*", hook: () => new Promise<void>(() => {}), timeout: "1h" },
        { name: "fails", events: "*", hook: failing, retry: { base: "1ms", jitter: "none" } },
        { name: "never-made", events: "*", hook: sample(() => new Promise<never>(() => {})) },
        { name: "good", events: "*", hook: good.hook },
      ],
    });

    for (let index = 0; index < 50; index += 1) {
      await bus.emit("pipeline.start");
      await time.advance(100);
    }

    expect(good.times()).toEqual(Array.from({ length: 50 }, (_, index) => index / 10));
  });
});

describe("orderBy", () => {
  test("deliveries with an equal value go one after the other in the order of acceptance", async () => {
    const time = createVirtualTime();
    const busy = createBusy(time, 1000);
    const { bus } = openBus({
      time,
      hooks: [{ name: "one", events: "*", hook: busy.hook, orderBy: "pipeline" }],
    });

    for (const [pipeline, id] of [
      ["a", "a1"],
      ["b", "b1"],
      ["a", "a2"],
      ["a", "a3"],
      ["b", "b2"],
    ]) {
      await bus.emit("pipeline.start", { pipeline, id });
    }
    await bus.emit("pipeline.start", { id: "free" });
    await time.advance(10_000);

    expect(busy.calls.map(({ at, event }) => `${at} ${event.id}`)).toEqual([
      "0 a1",
      "0 b1",
      "0 free",
      "1 a2",
      "1 b2",
      "2 a3",
    ]);
  });

  test("a stuck key holds back its own and never another", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, ({ event }) => {
      if (event.pipeline === "stuck") failing();
    });
    const { bus } = openBus({
      time,
      hooks: [
        {
          name: "one",
          events: "*",
          hook: recorder.hook,
          orderBy: "pipeline",
          concurrency: 1,
          breaker: { failures: 1000 },
          retry: { attempts: 3, base: "1m", factor: 1, jitter: "none" },
        },
      ],
    });

    for (let index = 0; index < 5; index += 1) {
      await bus.emit("pipeline.start", { pipeline: "stuck", id: `s${index}` });
      await bus.emit("pipeline.start", { pipeline: `fine${index % 2}`, id: `f${index}` });
    }
    await time.advance(0);
    const atOnce = recorder.calls.map(({ event }) => event.id);
    await time.advance(121_000);

    expect(atOnce).toEqual(["s0", "f0", "f1", "f2", "f3", "f4"]);
    expect(recorder.calls.slice(6).map(({ at, event }) => `${at} ${event.id}`)).toEqual([
      "60 s0",
      "120 s0",
      "120 s1",
    ]);
  });

  test("the path may lead into metadata, and a value that is no text is a key too", async () => {
    const time = createVirtualTime();
    const busy = createBusy(time, 1000);
    const { bus } = openBus({
      time,
      hooks: [{ name: "one", events: "*", hook: busy.hook, orderBy: "metadata.customer.id" }],
    });

    for (const id of [1, 1, 2]) {
      await bus.emit("pipeline.start", { metadata: { customer: { id } } });
    }
    await time.advance(5000);

    expect(busy.times()).toEqual([0, 0, 1]);
    const rows = await bus.store.deliveries({ oldestFirst: true });
    expect(rows.map(({ orderKey }) => orderKey)).toEqual(["1", "1", "2"]);
  });

  test("a pending remote run holds its key", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, ({ event, state }) =>
      event.id === "1" && state === undefined
        ? pending({ state: { run: 1 }, againMs: 60_000 })
        : undefined,
    );
    const { bus } = openBus({
      time,
      hooks: [{ name: "one", events: "*", hook: recorder.hook, orderBy: "pipeline" }],
    });

    for (const id of ["1", "2"]) await bus.emit("pipeline.start", { pipeline: "p", id });
    await bus.emit("pipeline.start", { pipeline: "q", id: "3" });
    await time.advance(70_000);

    expect(recorder.calls.map(({ at, event }) => `${at} ${event.id}`)).toEqual([
      "0 1",
      "0 3",
      "60 1",
      "60 2",
    ]);
  });
});

describe("rateLimit", () => {
  test("everything is delivered, never more than the count in any window", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time);
    const { bus } = openBus({
      time,
      hooks: [{ name: "one", events: "*", hook: recorder.hook, rateLimit: ["5/10s"] }],
    });

    for (let index = 0; index < 23; index += 1) {
      await bus.emit("pipeline.start");
      await time.advance(index * 37);
    }
    await time.advance(60_000);

    expect(recorder.calls).toHaveLength(23);
    expect(mostIn(10, recorder.times())).toBe(5);
    expect(Math.max(...recorder.times())).toBeLessThan(52);
  });

  test("several windows hold at once", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time);
    const { bus } = openBus({
      time,
      hooks: [{ name: "one", events: "*", hook: recorder.hook, rateLimit: ["2/1s", "5/1m"] }],
    });

    await Promise.all(Array.from({ length: 15 }, () => bus.emit("pipeline.start")));
    await time.advance(180_000);

    expect(recorder.calls).toHaveLength(15);
    expect(mostIn(1, recorder.times())).toBe(2);
    expect(mostIn(60, recorder.times())).toBe(5);
  });

  test("where the store takes its time to grant, no window follows too soon", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time);
    const { bus } = openBus({
      time,
      store: slowToUpdate(createMemoryStore(), time, 900),
      hooks: [{ name: "one", events: "*", hook: recorder.hook, rateLimit: ["2/1s"] }],
    });

    await Promise.all([bus.emit("pipeline.start"), bus.emit("pipeline.start")]);
    await time.advance(1100);
    await Promise.all([bus.emit("pipeline.start"), bus.emit("pipeline.start")]);
    await time.advance(5000);

    expect(recorder.times()).toEqual([0.9, 0.9, 1.904, 1.904]);
  });

  test("hooks of one destination share it, the strictest counts, and each gets its turn", async () => {
    const time = createVirtualTime();
    const a = createRecorder(time);
    const b = createRecorder(time);
    const { bus } = openBus({
      time,
      destinations: { shared: { rateLimit: ["4/10s"] } },
      hooks: [
        { name: "a", events: "*", hook: a.hook, destination: "shared", rateLimit: ["9/10s"] },
        { name: "b", events: "*", hook: b.hook, destination: "shared", rateLimit: ["6/10s"] },
      ],
    });

    await Promise.all(Array.from({ length: 30 }, () => bus.emit("pipeline.start")));
    await time.advance(65_000);

    const all = [...a.times(), ...b.times()];
    expect(mostIn(10, all)).toBe(4);
    expect(all.length).toBeGreaterThanOrEqual(24);
    expect(a.calls.length).toBeGreaterThanOrEqual(8);
    expect(b.calls.length).toBeGreaterThanOrEqual(8);
  });

  test("holds for attempts as they begin, also where these wait for a slot that hooks share", async () => {
    const time = createVirtualTime();
    const slowAtFirst = () =>
      createRecorder(time, async () => {
        if (time.now() > start) return;
        await new Promise<void>((resolve) => void time.clock.timer(8000, resolve));
      });
    const start = time.now();
    const [a, b] = [slowAtFirst(), slowAtFirst()];
    const { bus } = openBus({
      time,
      destinations: { shared: { concurrency: 1, rateLimit: ["2/10s"] } },
      hooks: [
        { name: "a", events: "*", hook: a.hook, destination: "shared" },
        { name: "b", events: "*", hook: b.hook, destination: "shared" },
      ],
    });

    await Promise.all(Array.from({ length: 20 }, () => bus.emit("pipeline.start")));
    await time.advance(200_000);

    const all = [...a.times(), ...b.times()];
    expect(all.length).toBeGreaterThan(36);
    expect(mostIn(10, all)).toBe(2);
  });

  test("what waits for the budget counts no attempt", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time);
    const { bus } = openBus({
      time,
      hooks: [{ name: "one", events: "*", hook: recorder.hook, rateLimit: ["1/10s"] }],
    });

    await Promise.all(Array.from({ length: 4 }, () => bus.emit("pipeline.start")));
    await time.advance(60_000);

    expect(recorder.calls.map(({ delivery }) => delivery.attempt)).toEqual([1, 1, 1, 1]);
  });

  test("the budget is kept in the store: a second bus goes on with what is left of it", async () => {
    const time = createVirtualTime();
    const shared = keepOpen(createMemoryStore());
    const recorder = createRecorder(time);
    const open = () =>
      openBus({
        time,
        store: shared,
        hooks: [{ name: "one", events: "*", hook: recorder.hook, rateLimit: ["2/10s"] }],
      });

    const first = open();
    await Promise.all([first.bus.emit("pipeline.start"), first.bus.emit("pipeline.start")]);
    await time.advance(1000);
    await first.bus.close();
    const second = open();
    await second.bus.emit("pipeline.start");
    await time.advance(5000);
    const early = recorder.calls.length;
    await time.advance(10_000);

    expect(early).toBe(2);
    expect(recorder.calls).toHaveLength(3);
  });
});

describe("timeout", () => {
  test("bounds the whole attempt, a hook that ignores its signal included", async () => {
    const time = createVirtualTime();
    const signals: AbortSignal[] = [];
    const { bus } = openBus({
      time,
      hooks: [
        {
          name: "one",
          events: "*",
          timeout: "2s",
          retry: { attempts: 1 },
          hook: ({ signal }) => {
            signals.push(signal);
            return new Promise(() => {});
          },
        },
      ],
    });

    await bus.emit("pipeline.start");
    await time.advance(1999);
    const before = signals[0]?.aborted;
    await time.advance(1);

    expect(before).toBe(false);
    expect(signals[0]?.aborted).toBe(true);
    expect(signals[0]?.reason).toMatchObject({ code: "TIMEOUT" });
    const [row] = await bus.store.deliveries({});
    expect(row).toMatchObject({ state: "dead", attempts: 1 });
    expect(row?.reason).toContain("longer than 2000 ms");
    expect(await bus.store.attempts(row?.id as number)).toMatchObject([
      { code: "TIMEOUT", durationMs: 2000, outcome: "dead" },
    ]);
  });

  test("is tried again like any failure", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, (delivery, call) =>
      call === 1 ? untilAborted(delivery) : undefined,
    );
    const { bus } = openBus({
      time,
      hooks: [
        {
          name: "one",
          events: "*",
          hook: recorder.hook,
          timeoutMs: 500,
          retry: { base: "1s", jitter: "none" },
        },
      ],
    });

    await bus.emit("pipeline.start");
    await time.advance(5000);

    expect(recorder.times()).toEqual([0, 1.5]);
    expect((await bus.store.deliveries({}))[0]?.state).toBe("delivered");
  });

  test("covers the making of the hook, and a hook that comes too late does not deliver besides", async () => {
    const time = createVirtualTime();
    const gate = createGate();
    const delivered: number[] = [];
    let made = 0;
    const { bus } = openBus({
      time,
      hooks: [
        {
          name: "one",
          events: "*",
          timeout: "1s",
          retry: { base: "10s", jitter: "none" },
          hook: sample(async () => {
            made += 1;
            await gate.opened;
            return { deliver: ({ attempt }) => void delivered.push(attempt) };
          }),
        },
      ],
    });

    await bus.emit("pipeline.start");
    await time.advance(1000);
    const [row] = await bus.store.deliveries({});
    gate.open();
    await time.advance(5000);
    const late = [...delivered];
    await time.advance(20_000);

    expect(row).toMatchObject({ state: "retrying", attempts: 1 });
    expect(late).toEqual([]);
    expect(delivered).toEqual([2]);
    expect(made).toBe(1);
  });

  test("a hook that could not be made is made anew at the next attempt", async () => {
    const time = createVirtualTime();
    let made = 0;
    const { bus } = openBus({
      time,
      hooks: [
        {
          name: "one",
          events: "*",
          retry: { base: "1s", jitter: "none" },
          hook: sample(() => {
            made += 1;
            if (made === 1) throw new Error("no package");
            return { deliver() {} };
          }),
        },
      ],
    });

    await bus.emit("pipeline.start");
    await time.advance(2000);

    expect(made).toBe(2);
    expect((await bus.store.deliveries({}))[0]).toMatchObject({ state: "delivered", attempts: 2 });
  });
});
