import {
  answerRemoteRun,
  createMemoryStore,
  HookError,
  type JsonValue,
  type PipehooksEvent,
  type RemoteRunOptions,
  remoteRunEvents,
  runMarker,
  type Store,
} from "@pipehooks/core";
import { createTestDelivery, createVirtualTime, type VirtualTime } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { createElsewhere, type Script, toKind, unreachable } from "./scripted-runs.ts";
import { keepOpen, openBus } from "./virtual-bus.ts";

const events = remoteRunEvents("elsewhere");

/** A bus with one hook over a scripted client; `emit` starts it. */
function open(
  script: Script = {},
  options: RemoteRunOptions = {},
  more: { store?: Store; time?: VirtualTime; retry?: object; timeout?: string } = {},
) {
  const { store = createMemoryStore(), time = createVirtualTime(), retry, timeout } = more;
  const elsewhere = createElsewhere(time, script);
  const heard: PipehooksEvent[] = [];
  const { bus, log } = openBus({
    time,
    store: keepOpen(store),
    events,
    hooks: [
      {
        name: "nightly",
        events: "pipeline.end",
        hook: toKind(elsewhere.client, options),
        ...(retry !== undefined && { retry }),
        ...(timeout !== undefined && { timeout }),
      },
    ],
  });
  bus.on("elsewhere.*.*", (event) => void heard.push(event));
  const delivery = async () => {
    const [row] = await store.deliveries({ hook: "nightly" });
    return row;
  };
  return { ...elsewhere, elsewhere, bus, log, time, store, heard, delivery };
}

const seconds = (n: number) => n * 1000;
const hours = (n: number) => n * 3_600_000;

describe("a run that is waited for", () => {
  test("is started once, looked at until it ends, and its end is an event", async () => {
    const { bus, time, runs, heard, delivery } = open({
      ends: () => ({ message: "12 models", detail: { models: 12 } }),
    });

    const { event } = await bus.emit("pipeline.end", { pipeline: "orders" });
    await time.advance(seconds(60));

    expect(runs).toHaveLength(1);
    expect(await delivery()).toMatchObject({ state: "delivered", attempts: 1 });
    expect(heard).toHaveLength(1);
    expect(heard[0]).toMatchObject({
      type: "elsewhere.run.completed",
      pipeline: "orders",
      causedBy: event.id,
      hops: 1,
      metadata: {
        run_id: "1",
        url: "https://runs.example/1",
        label: "SUCCEEDED",
        message: "12 models",
        hook: "nightly",
        event: event.id,
        models: 12,
      },
    });
    expect(heard[0]?.metadata.duration_ms).toBeGreaterThanOrEqual(20_000);
  });

  test("says where it is while it goes on", async () => {
    const { bus, time, delivery } = open();

    await bus.emit("pipeline.end");
    await time.advance(seconds(8));

    expect(await delivery()).toMatchObject({
      state: "pending",
      attempts: 0,
      reason: "job 42: run 1 goes on (RUNNING). https://runs.example/1",
    });
  });

  test("is looked at after 5 seconds, then less and less often, at least once a minute", async () => {
    const { bus, time, times } = open({ takesMs: hours(1) });

    await bus.emit("pipeline.end");
    await time.advance(hours(0.5));

    const looks = times("look");
    const gaps = looks.map((at, index) => at - (looks[index - 1] ?? 0));
    for (const [index, gap] of gaps.entries()) {
      const usual = Math.min(5 * 1.5 ** index, 60);
      expect(gap).toBeGreaterThanOrEqual(usual * 0.75 - 0.01);
      expect(gap).toBeLessThanOrEqual(usual * 1.25 + 0.01);
    }
    // Jitter: no two waits are the same.
    expect(new Set(gaps.slice(-8)).size).toBeGreaterThan(4);
  });

  test("is looked at as often as poll says", async () => {
    const { bus, time, times } = open(
      { takesMs: hours(1) },
      { poll: { first: "10s", longest: "10s" } },
    );

    await bus.emit("pipeline.end");
    await time.advance(seconds(600));

    expect(times("look").length).toBeGreaterThan(50);
    expect(times("look").length).toBeLessThan(75);
  });

  test("leaves no record of looks that told nothing new", async () => {
    const { bus, time, store } = open({ takesMs: hours(2) });

    await bus.emit("pipeline.end");
    await time.advance(hours(3));

    const outcomes = (await store.attempts(1)).map(({ outcome }) => outcome);
    expect(outcomes).toEqual(["pending", "pending", "delivered"]);
  });

  test("costs the destination's rate limit nothing while nothing is sent", async () => {
    const time = createVirtualTime();
    const elsewhere = createElsewhere(time, { takesMs: 1 });
    const { bus } = openBus({
      time,
      hooks: [
        {
          name: "nightly",
          events: "pipeline.end",
          hook: toKind(elsewhere.client, { waitForCompletion: false }),
          rateLimit: ["3/1m"],
        },
      ],
    });

    for (let n = 0; n < 6; n += 1) await bus.emit("pipeline.end");
    await time.advance(seconds(5));
    const soon = elsewhere.runs.length;
    await time.advance(seconds(70));

    expect([soon, elsewhere.runs.length]).toEqual([3, 6]);
  });

  test("is delivered as soon as it is started, where nobody waits for it", async () => {
    const { bus, time, times, heard, delivery } = open({}, { waitForCompletion: false });

    await bus.emit("pipeline.end");
    await time.advance(seconds(60));

    expect(await delivery()).toMatchObject({ state: "delivered" });
    expect(times("look")).toEqual([]);
    expect(heard).toEqual([]);
  });

  test("names all events that a gate let through together", async () => {
    const time = createVirtualTime();
    const elsewhere = createElsewhere(time);
    const heard: PipehooksEvent[] = [];
    const { bus } = openBus({
      time,
      events,
      hooks: [
        {
          name: "nightly",
          events: "table.created",
          hook: toKind(elsewhere.client),
          debounce: { wait: "1s" },
        },
      ],
    });
    bus.on("elsewhere.*.*", (event) => void heard.push(event));

    const first = await bus.emit("table.created");
    const second = await bus.emit("table.created");
    await time.advance(seconds(60));

    expect(elsewhere.runs).toHaveLength(1);
    expect(heard[0]?.metadata).toMatchObject({
      event: second.event.id,
      events: [first.event.id, second.event.id],
    });
  });

  test("is delivered also where its event's type is unknown to the bus, which is logged", async () => {
    const time = createVirtualTime();
    const elsewhere = createElsewhere(time);
    const store = createMemoryStore();
    const { bus, log } = openBus({
      time,
      store: keepOpen(store),
      hooks: [{ name: "nightly", events: "pipeline.end", hook: toKind(elsewhere.client) }],
    });

    await bus.emit("pipeline.end");
    await time.advance(seconds(60));

    expect((await store.deliveries({}))[0]?.state).toBe("delivered");
    expect(log.join("\n")).toContain("elsewhere.run.completed was not emitted");
  });

  test("is told without its details where these are too large for an event", async () => {
    const { bus, time, heard } = open({
      ends: () => ({ detail: { text: "x".repeat(5_000_000) } }),
    });

    await bus.emit("pipeline.end");
    await time.advance(seconds(60));

    expect(heard[0]?.metadata).toMatchObject({ run_id: "1", truncated: true });
  });
});

describe("a run that ends badly", () => {
  test("is a dead letter with the receiver's words, and an event", async () => {
    const { bus, time, runs, heard, delivery } = open({
      ends: () => ({ state: "failed", label: "Error", message: "no such table." }),
    });

    await bus.emit("pipeline.end");
    await time.advance(seconds(60));

    expect(runs).toHaveLength(1);
    const text = "job 42: run 1 failed (Error: no such table). https://runs.example/1";
    expect(await delivery()).toMatchObject({ state: "dead", reason: text });
    expect(heard).toMatchObject([{ type: "elsewhere.run.failed", error: { message: text } }]);
  });

  test("is a dead letter when somebody else cancels it", async () => {
    const { bus, time, runs, heard, delivery } = open();

    await bus.emit("pipeline.end");
    await time.advance(seconds(2));
    for (const run of runs) run.state = "cancelled";
    await time.advance(seconds(60));

    expect(await delivery()).toMatchObject({
      state: "dead",
      reason: "job 42: run 1 was cancelled (CANCELLED). https://runs.example/1",
    });
    expect(heard).toMatchObject([{ type: "elsewhere.run.cancelled" }]);
  });

  test("is started anew by a replay, under another marker", async () => {
    const { bus, time, runs, store } = open({
      idempotent: true,
      ends: (n) => (n === 0 ? { state: "failed", label: "Error" } : {}),
    });

    await bus.emit("pipeline.end");
    await time.advance(seconds(60));
    await store.replay({ hook: "nightly" }, time.now());
    bus.wake();
    await time.advance(seconds(60));

    expect(runs.map(({ state }) => state)).toEqual(["failed", "succeeded"]);
    expect(new Set(runs.map(({ marker }) => marker)).size).toBe(2);
  });
});

describe("retry_run", () => {
  const fails = (worth: boolean) => () =>
    ({ state: "failed", label: "Error", message: "timeout", worthAnotherRun: worth }) as const;

  test("starts a run again whose failure is worth it, under a marker of its own", async () => {
    const { bus, time, runs, heard, delivery } = open(
      { ends: (n) => (n < 2 ? fails(true)() : {}) },
      { retryRun: 2 },
    );

    await bus.emit("pipeline.end");
    await time.advance(hours(1));

    expect(runs.map(({ state }) => state)).toEqual(["failed", "failed", "succeeded"]);
    expect(new Set(runs.map(({ marker }) => marker)).size).toBe(3);
    expect(await delivery()).toMatchObject({ state: "delivered" });
    // A failure that is mended is no event.
    expect(heard).toMatchObject([
      { type: "elsewhere.run.completed", metadata: { run_id: "3", started_again: 2 } },
    ]);
  });

  test("ends after as many runs as it says", async () => {
    const { bus, time, runs, heard, delivery } = open({ ends: fails(true) }, { retryRun: 1 });

    await bus.emit("pipeline.end");
    await time.advance(hours(1));

    expect(runs).toHaveLength(2);
    expect(heard).toMatchObject([{ type: "elsewhere.run.failed", metadata: { run_id: "2" } }]);
    expect(await delivery()).toMatchObject({ state: "dead" });
  });

  test.for([
    ["a failure that is not worth it", fails(false), 3],
    ["a failure that is worth it where none are asked for", fails(true), 0],
  ] as const)("starts none after %s", async ([, ends, retryRun]) => {
    const { bus, time, runs, delivery } = open({ ends }, { retryRun });

    await bus.emit("pipeline.end");
    await time.advance(hours(1));

    expect(runs).toHaveLength(1);
    expect(await delivery()).toMatchObject({ state: "dead" });
  });

  test("goes on from the point of failure where the receiver can", async () => {
    const again: string[] = [];
    const { bus, time, runs } = open(
      {
        ends: (n) => (n === 0 ? fails(true)() : {}),
        change: (client) => ({
          ...client,
          startAgain(run, trigger) {
            again.push(run.id);
            expect(trigger.previous).toEqual(run);
            return client.start(trigger);
          },
        }),
      },
      { retryRun: 1 },
    );

    await bus.emit("pipeline.end");
    await time.advance(hours(1));

    expect(again).toEqual(["1"]);
    expect(runs).toHaveLength(2);
  });

  test("tells of the failed run where another one goes on meanwhile", async () => {
    const { bus, time, runs, heard, delivery } = open(
      {
        takesMs: seconds(100),
        ends: () => ({ state: "failed", label: "Error", worthAnotherRun: true }),
      },
      { retryRun: 3, onRunning: "skip" },
    );

    await bus.emit("pipeline.end");
    await time.advance(seconds(90));
    runs.push({ id: "2", marker: "by hand", startedAt: time.now() + 60_000, state: "running" });
    await time.advance(hours(1));

    expect(heard).toMatchObject([{ type: "elsewhere.run.failed", metadata: { run_id: "1" } }]);
    expect(heard[0]?.metadata.duration_ms).toBeLessThan(150_000);
    expect((await delivery())?.reason).toMatch(/Not started again: job 42: run 2 goes on\.$/);
  });

  test("tells of the failed run where it cannot be started again", async () => {
    const { bus, time, heard, delivery } = open(
      {
        ends: fails(true),
        fault(call, _, n) {
          if (call === "start" && n > 0)
            throw new HookError("RECEIVER_REFUSED", "The job is gone.");
        },
      },
      { retryRun: 3 },
    );

    await bus.emit("pipeline.end");
    await time.advance(hours(1));

    expect(heard).toMatchObject([{ type: "elsewhere.run.failed", metadata: { run_id: "1" } }]);
    expect((await delivery())?.reason).toMatch(
      /run 1 failed.* Not started again: The job is gone\.$/,
    );
  });
});

describe("a look that fails", () => {
  test("never fails the run, and is logged once for each change", async () => {
    const { bus, time, log, delivery } = open({
      takesMs: hours(1),
      fault(call, _, n) {
        if (call === "look" && n < 20) throw unreachable(n < 10 ? "cut" : "502");
      },
    });

    await bus.emit("pipeline.end");
    await time.advance(hours(2));

    expect(await delivery()).toMatchObject({ state: "delivered", attempts: 1 });
    expect(log.filter((line) => line.includes("run 1"))).toEqual([
      'info: nightly: job 42: run 1 goes on {"url":"https://runs.example/1"}',
      "warn: nightly: job 42: run 1 could not be looked at: cut",
      "warn: nightly: job 42: run 1 could not be looked at: 502",
      "info: nightly: job 42: run 1 is seen again",
    ]);
  });

  test("shows with the delivery", async () => {
    const { bus, time, delivery } = open({
      fault(call) {
        if (call === "look") throw unreachable("502 again.");
      },
    });

    await bus.emit("pipeline.end");
    await time.advance(seconds(60));

    expect((await delivery())?.reason).toContain("The last look told nothing: 502 again.");
  });

  test("is made again when the receiver says, and the destination waits, too", async () => {
    const { bus, time, times } = open({
      fault(call, _, n) {
        if (call !== "look" || n > 0) return;
        throw new HookError("RECEIVER_FAILED", "429", {
          retryable: true,
          retryAfterMs: 300_000,
          scope: "destination",
        });
      },
    });

    await bus.emit("pipeline.end");
    await time.advance(seconds(60));
    const health = await bus.health();
    await time.advance(seconds(600));

    const [first = 0, second = 0] = times("look");
    expect(second - first).toBeGreaterThanOrEqual(300);
    expect(health.destinations[0]).toMatchObject({ because: "429" });
  });

  test("that is never answered is given up in time, however often", async () => {
    const { bus, time, delivery } = open(
      {
        takesMs: hours(40),
        change: (client) => ({
          ...client,
          look: (run, signal) =>
            time.now() - start < hours(30)
              ? new Promise((_, reject) => {
                  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
                })
              : client.look(run, signal),
        }),
      },
      { deadline: "48h" },
      { time: createVirtualTime() },
    );
    const start = time.now();

    await bus.emit("pipeline.end");
    await time.advance(hours(41));

    expect(await delivery()).toMatchObject({ state: "delivered" });
  }, 60_000);

  test.for(["unknown"] as const)("finds a state that is %s, which is no end", async (state) => {
    let strange = true;
    const { bus, time, log, delivery } = open({
      takesMs: 1,
      change: (client) => ({
        ...client,
        look: (run, signal) =>
          strange ? Promise.resolve({ state, label: "THINKING" }) : client.look(run, signal),
      }),
    });

    await bus.emit("pipeline.end");
    await time.advance(hours(2));
    const before = await delivery();
    strange = false;
    await time.advance(seconds(100));

    expect(before?.state).toBe("pending");
    expect((await delivery())?.state).toBe("delivered");
    expect(log.filter((line) => line.includes("THINKING"))).toHaveLength(1);
  });
});

describe("at the deadline", () => {
  const endless = { takesMs: hours(1000) };

  test("a run is left alone unless something else is said", async () => {
    const { bus, time, runs, heard, times, delivery, log } = open(endless, { deadline: "1h" });

    await bus.emit("pipeline.end");
    await time.advance(hours(3));

    expect(await delivery()).toMatchObject({ state: "delivered" });
    expect(runs[0]?.state).toBe("running");
    expect(heard).toEqual([]);
    expect(Math.max(...times("look"))).toBeCloseTo(3600, 0);
    expect(log.join("\n")).toContain("did not end within 1 h, and is left alone (RUNNING)");
  });

  test("a run that takes 24 hours is waited for, and no longer", async () => {
    const { bus, time, times } = open(endless);

    await bus.emit("pipeline.end");
    await time.advance(hours(30));

    expect(Math.max(...times("look"))).toBeCloseTo(86_400, 0);
  });

  test("a run is failed, where that is asked for", async () => {
    const { bus, time, runs, heard, delivery } = open(endless, {
      deadline: "1h",
      onDeadline: "fail",
    });

    await bus.emit("pipeline.end");
    await time.advance(hours(2));

    expect(runs[0]?.state).toBe("running");
    expect(await delivery()).toMatchObject({
      state: "dead",
      reason: "job 42: run 1 failed (RUNNING: did not end within 1 h). https://runs.example/1",
    });
    expect(heard).toMatchObject([{ type: "elsewhere.run.failed" }]);
  });

  test("a run is cancelled, where that is asked for, and its end is seen", async () => {
    const { bus, time, runs, heard, delivery } = open(endless, {
      deadline: "1h",
      onDeadline: "cancel",
    });

    await bus.emit("pipeline.end");
    await time.advance(hours(2));

    expect(runs[0]?.state).toBe("cancelled");
    expect(await delivery()).toMatchObject({ state: "delivered" });
    expect(heard).toMatchObject([{ type: "elsewhere.run.cancelled" }]);
  });

  test("a cancellation that fails is asked for again", async () => {
    const { bus, time, times, runs } = open(
      {
        ...endless,
        fault(call, _, n) {
          if (call === "cancel" && n < 2) throw unreachable();
        },
      },
      { deadline: "1h", onDeadline: "cancel" },
    );

    await bus.emit("pipeline.end");
    await time.advance(hours(2));

    expect(times("cancel")).toHaveLength(3);
    expect(runs[0]?.state).toBe("cancelled");
  });

  test("a run that does not end though it was cancelled is a failure after a while", async () => {
    const { bus, time, delivery, heard } = open(
      { ...endless, change: (client) => ({ ...client, cancel: async () => {} }) },
      { deadline: "1h", onDeadline: "cancel" },
    );

    await bus.emit("pipeline.end");
    await time.advance(hours(2));

    expect((await delivery())?.reason).toContain("and not when it was cancelled");
    expect(heard).toMatchObject([{ type: "elsewhere.run.failed" }]);
  });

  test("a run that cannot be looked at just then is looked at a little longer", async () => {
    const { bus, time, heard } = open(
      {
        takesMs: hours(1) - 1,
        fault(call) {
          if (call !== "look") return;
          if (time.now() >= start + hours(1) && time.now() < start + hours(1) + 1000) {
            throw unreachable();
          }
        },
      },
      { deadline: "1h", onDeadline: "fail" },
    );
    const start = time.now();

    await bus.emit("pipeline.end");
    await time.advance(hours(2));

    expect(heard).toMatchObject([{ type: "elsewhere.run.completed" }]);
  });

  test("a run that cannot be looked at any more is given up all the same", async () => {
    const { bus, time, delivery } = open(
      {
        fault(call) {
          if (call === "look") throw unreachable();
        },
      },
      { deadline: "1h", onDeadline: "fail" },
    );

    await bus.emit("pipeline.end");
    await time.advance(hours(2));

    expect((await delivery())?.reason).toContain("did not end within 1 h");
  });

  test("a run that has just ended has ended", async () => {
    const { bus, time, heard } = open(
      { takesMs: hours(1) - 1 },
      { deadline: "1h", onDeadline: "fail" },
    );

    await bus.emit("pipeline.end");
    await time.advance(hours(2));

    expect(heard).toMatchObject([{ type: "elsewhere.run.completed" }]);
  });
});

describe("a start that fails", () => {
  test("and surely started nothing is tried again by the policy, and nothing is looked for", async () => {
    const { bus, time, runs, times } = open({
      change: (client) => ({ ...client, isUnknown: () => false }),
      fault(call, _, n) {
        if (call === "start" && n < 3) throw unreachable("ECONNREFUSED");
      },
    });

    await bus.emit("pipeline.end");
    await time.advance(hours(1));

    expect(runs).toHaveLength(1);
    expect(times("start")).toHaveLength(4);
    expect(times("find")).toEqual([]);
  });

  test("for good is a dead letter at once", async () => {
    const { bus, time, times, delivery } = open({
      fault(call) {
        if (call === "start") throw new HookError("RECEIVER_REFUSED", "No such job.");
      },
    });

    await bus.emit("pipeline.end");
    await time.advance(hours(1));

    expect(times("start")).toHaveLength(1);
    expect(await delivery()).toMatchObject({ state: "dead", reason: "No such job." });
  });

  test("after its effect is told by its marker, where the client is idempotent", async () => {
    const { bus, time, runs, times, delivery } = open({
      idempotent: true,
      fault(call, when, n) {
        if (call === "start" && when === "after" && n < 2) throw unreachable("503");
      },
    });

    await bus.emit("pipeline.end");
    await time.advance(hours(1));

    expect(runs).toHaveLength(1);
    expect(times("start")).toHaveLength(3);
    expect(times("find")).toEqual([]);
    expect(await delivery()).toMatchObject({ state: "delivered" });
  });

  test("after its effect is found, and not started again, though lists lag", async () => {
    const { bus, time, runs, times, delivery } = open({
      lagMs: 10_000,
      takesMs: hours(1),
      fault(call, when, n) {
        if (call === "start" && when === "after" && n === 0) throw unreachable("502.");
      },
    });

    await bus.emit("pipeline.end");
    await time.advance(seconds(5));
    const meanwhile = await delivery();
    await time.advance(hours(2));

    expect(meanwhile).toMatchObject({
      state: "pending",
      reason: "job 42: looking for a run that may have been started: 502.",
    });
    expect(runs).toHaveLength(1);
    expect(times("start")).toHaveLength(1);
    expect(times("find").length).toBeGreaterThan(1);
    expect(await delivery()).toMatchObject({ state: "delivered" });
  });

  const lost: Script = {
    fault(call, when, n) {
      if (call === "start" && when === "before" && n === 0) throw unreachable("cut.");
    },
  };

  test("before its effect is given up where nobody can say so", async () => {
    const { bus, time, runs, times, delivery } = open(lost);

    await bus.emit("pipeline.end");
    await time.advance(hours(1));

    expect(runs).toEqual([]);
    expect(times("find").length).toBeGreaterThanOrEqual(3);
    expect(await delivery()).toMatchObject({ state: "dead" });
    expect((await delivery())?.reason).toMatch(
      /^job 42: nobody can say whether a run was started: cut\. Look there, and replay the delivery/,
    );
  });

  test.for([
    ["where the user wants that", {}, { whenUnknown: "trigger_again" }],
    ["where lists prove that there is none", { findProves: true }, {}],
  ] as const)("before its effect is started again %s", async ([, script, options]) => {
    const { bus, time, runs, times, delivery } = open({ ...lost, ...script }, options);

    await bus.emit("pipeline.end");
    await time.advance(hours(1));

    expect(runs).toHaveLength(1);
    expect(times("start")).toHaveLength(2);
    expect(await delivery()).toMatchObject({ state: "delivered" });
  });

  test("without end is given up after a few starts", async () => {
    const { bus, time, times, delivery } = open(
      {
        fault(call) {
          if (call === "start") throw unreachable("502");
        },
      },
      { whenUnknown: "trigger_again" },
    );

    await bus.emit("pipeline.end");
    await time.advance(hours(5));

    expect(times("start")).toHaveLength(4);
    expect((await delivery())?.reason).toContain("It was tried 4 times.");
  });

  test.for([
    ["give_up", 1, "dead"],
    ["trigger_again", 2, "delivered"],
  ] as const)(
    "where runs cannot be looked for goes by when_unknown: %s",
    async ([whenUnknown, starts, state]) => {
      const { bus, time, times, delivery } = open(
        { ...lost, change: ({ find: _, ...client }) => client },
        { whenUnknown },
      );

      await bus.emit("pipeline.end");
      await time.advance(hours(1));

      expect(times("start")).toHaveLength(starts);
      expect(await delivery()).toMatchObject({ state });
    },
  );

  test("waits while the list of runs cannot be had", async () => {
    const { bus, time, runs, delivery } = open({
      takesMs: hours(1),
      fault(call, when, n) {
        if (call === "start" && when === "after" && n === 0) throw unreachable("502");
        if (call === "find" && n < 20) throw unreachable("503");
      },
    });

    await bus.emit("pipeline.end");
    await time.advance(hours(3));

    expect(runs).toHaveLength(1);
    expect(await delivery()).toMatchObject({ state: "delivered" });
  });

  test("by what is no HookError counts as one that nobody knows of", async () => {
    const { bus, time, runs } = open({
      takesMs: hours(1),
      fault(call, when) {
        if (call === "start" && when === "after") throw new TypeError("undefined is no object");
      },
    });

    await bus.emit("pipeline.end");
    await time.advance(hours(2));

    expect(runs).toHaveLength(1);
  });

  test("by the attempt's time-out is looked for", async () => {
    const { bus, time, runs, times, delivery } = open(
      {
        takesMs: hours(1),
        change: (client) => ({
          ...client,
          async start(trigger) {
            await client.start(trigger);
            return new Promise((_, reject) => {
              trigger.signal.addEventListener("abort", () => reject(trigger.signal.reason));
            });
          },
        }),
      },
      {},
      { timeout: "10s" },
    );

    await bus.emit("pipeline.end");
    await time.advance(hours(2));

    expect(runs).toHaveLength(1);
    expect(times("start")).toHaveLength(1);
    expect(await delivery()).toMatchObject({ state: "delivered" });
  });

  test("by the attempt's time-out is looked for, also where the client does not hear its signal", async () => {
    const { bus, time, runs, times } = open(
      {
        takesMs: hours(1),
        change: (client) => ({
          ...client,
          async start(trigger) {
            await client.start(trigger);
            return new Promise(() => {});
          },
        }),
      },
      {},
      { timeout: "10s" },
    );

    await bus.emit("pipeline.end");
    await time.advance(hours(2));

    expect(runs).toHaveLength(1);
    expect(times("start")).toHaveLength(1);
  });

  test.for([true, false])(
    "by the end of the bus is looked for by the next one (signal heard: %s)",
    async (hears) => {
      const store = createMemoryStore();
      const time = createVirtualTime();
      let hangs = true;
      const first = open(
        {
          takesMs: hours(1),
          change: (client) => ({
            ...client,
            async start(trigger) {
              const run = await client.start(trigger);
              if (!hangs) return run;
              return new Promise((_, reject) => {
                const end = () => reject(trigger.signal.reason);
                if (hears) trigger.signal.addEventListener("abort", end);
              });
            },
          }),
        },
        {},
        { store, time },
      );
      await first.bus.emit("pipeline.end");
      await time.advance(seconds(1));
      await first.bus.close({ timeoutMs: 0 });
      hangs = false;

      openBus({
        time,
        store: keepOpen(store),
        events,
        hooks: [{ name: "nightly", events: "pipeline.end", hook: toKind(first.client) }],
      });
      await time.advance(hours(2));

      expect(first.times("start")).toHaveLength(1);
      expect(await first.delivery()).toMatchObject({ state: "delivered" });
    },
  );
});

describe("a budget", () => {
  test("is waited for in the store, and the delivery says until when", async () => {
    const waited: (boolean | undefined)[] = [];
    const { bus, time, runs, delivery } = open({
      change: (client) => ({
        ...client,
        async admit(trigger) {
          waited.push(trigger.waited);
          return waited.length < 3 ? { againAt: start + waited.length * 60_000 } : {};
        },
      }),
    });
    const start = time.now();

    await bus.emit("pipeline.end");
    await time.advance(seconds(1));
    const before = await delivery();
    await time.advance(seconds(300));

    expect(before).toMatchObject({
      state: "pending",
      dueAt: start + 60_000,
      reason: "rate budget: job 42 is started no more often, next at 2026-01-01T00:01:00.000Z",
    });
    expect(waited).toEqual([false, true, true]);
    expect(runs).toHaveLength(1);
    expect((runs[0]?.startedAt ?? 0) - start).toBe(120_000);
    expect(await delivery()).toMatchObject({ state: "delivered", attempts: 1 });
  });

  test("that a client explains is explained", async () => {
    const { bus, time, delivery } = open({
      change: (client) => ({
        ...client,
        admit: async () => ({ againAt: time.now() + 1000, because: "20 a minute are used up" }),
      }),
    });

    await bus.emit("pipeline.end");
    await time.advance(500);

    expect((await delivery())?.reason).toMatch(
      /^rate budget: 20 a minute are used up, next at 2026/,
    );
  });

  test("of room at the receiver is waited for without attempts, for a day at most", async () => {
    const { bus, time, times, delivery } = open(
      {
        change: (client) => ({
          ...client,
          isUnknown: () => false,
          noRoomForMs: ({ message }) => (message === "25 kernels" ? 600_000 : undefined),
        }),
        fault(call) {
          if (call === "start")
            throw new HookError("RECEIVER_FAILED", "25 kernels", { retryable: true });
        },
      },
      {},
      { retry: { attempts: 2 } },
    );

    await bus.emit("pipeline.end");
    await time.advance(hours(23));
    const before = await delivery();
    await time.advance(hours(3));

    expect(before).toMatchObject({ state: "pending", attempts: 0 });
    expect(before?.reason).toMatch(/^no room: 25 kernels Next at 2026/);
    expect(times("start").length).toBeGreaterThan(110);
    expect(times("find")).toEqual([]);
    expect(await delivery()).toMatchObject({ state: "dead" });
  });
});

describe("while another run goes on", () => {
  async function burst(options: RemoteRunOptions, script: Script = {}) {
    const all = open({ takesMs: seconds(100), ...script }, options);
    await all.bus.emit("pipeline.end");
    await all.time.advance(seconds(30));
    for (let n = 0; n < 10; n += 1) await all.bus.emit("pipeline.end");
    await all.time.advance(seconds(5));
    return all;
  }
  const statesOf = async (store: Store) =>
    (await store.deliveries({ oldestFirst: true })).map(({ state }) => state);

  test("queue starts one for each", async () => {
    const { runs } = await burst({ onRunning: "queue" });

    expect(runs).toHaveLength(11);
  });

  test("skip starts none, and says why", async () => {
    const { runs, store } = await burst({ onRunning: "skip" });

    expect(runs).toHaveLength(1);
    expect(await statesOf(store)).toEqual(["pending", ...Array(10).fill("skipped")]);
    const [row] = await store.deliveries({ states: ["skipped"] });
    expect(row?.reason).toBe("job 42: run 1 goes on (on_running: skip).");
  });

  test("one_follow_up starts one for all that came together", async () => {
    const { runs, store } = await burst({ onRunning: "one_follow_up" });

    expect(runs).toHaveLength(2);
    expect((await statesOf(store)).filter((state) => state === "skipped")).toHaveLength(9);
  });

  test("one_follow_up starts one for all that came together, though lists lag", async () => {
    const { runs } = await burst({ onRunning: "one_follow_up" }, { lagMs: 4000 });

    expect(runs).toHaveLength(2);
  });

  test("a run that was seen to end counts no more, though lists lag", async () => {
    const { bus, time, runs, store } = open(
      { takesMs: seconds(2), lagMs: 3_600_000 },
      { onRunning: "skip", poll: { first: "3s" } },
    );

    await bus.emit("pipeline.end");
    await time.advance(seconds(6));
    await bus.emit("pipeline.end");
    await time.advance(seconds(10));

    expect(runs).toHaveLength(2);
    expect(await statesOf(store)).toEqual(["delivered", "delivered"]);
  });

  test("those who waited for one that hung see what the next one starts", async () => {
    const { bus, time, runs, store } = open(
      {
        takesMs: seconds(600),
        fault: (call, when, n) =>
          call === "active" && when === "before" && n === 0 ? new Promise(() => {}) : undefined,
      },
      { onRunning: "skip" },
    );

    for (let n = 0; n < 5; n += 1) await bus.emit("pipeline.end");
    await time.advance(seconds(120));

    expect(runs).toHaveLength(1);
    const [, ...waited] = await statesOf(store);
    expect(waited.toSorted()).toEqual(["pending", "skipped", "skipped", "skipped"]);
  });

  test("skip leaves it to the client which runs count that are not listed yet", async () => {
    const asked: string[] = [];
    const { runs } = await burst(
      { onRunning: "skip" },
      {
        lagMs: 3_600_000,
        change: (client) => ({
          ...client,
          counts(id) {
            asked.push(id);
            return false;
          },
        }),
      },
    );

    expect(asked.length).toBeGreaterThan(0);
    expect(runs).toHaveLength(11);
  });

  test("one_follow_up starts another one for what comes after the follow-up has begun", async () => {
    const { bus, time, runs } = await burst({ onRunning: "one_follow_up" });

    await bus.emit("pipeline.end");
    await time.advance(seconds(5));

    expect(runs).toHaveLength(3);
  });

  test("one_follow_up starts none while one is queued", async () => {
    const { bus, time, runs, store } = await burst({ onRunning: "one_follow_up" });
    const last = runs.at(-1);
    if (last !== undefined) last.state = "queued";

    await bus.emit("pipeline.end");
    await time.advance(seconds(5));

    expect(runs).toHaveLength(2);
    const [row] = await store.deliveries({});
    expect(row?.reason).toBe(
      "job 42: run 2 is queued and will see it (on_running: one_follow_up).",
    );
  });

  test("cancel_and_replace ends what goes on, which is no failure", async () => {
    const { time, runs, store, heard } = await burst({ onRunning: "cancel_and_replace" });
    await time.advance(seconds(300));

    expect(runs.filter(({ state }) => state === "succeeded")).toHaveLength(1);
    expect(runs.at(-1)?.state).toBe("succeeded");
    expect(new Set(await statesOf(store))).toEqual(new Set(["delivered"]));
    expect(heard.filter(({ type }) => type.endsWith("cancelled"))).toHaveLength(runs.length - 1);
  });

  test("cancel_and_replace starts nothing while it cannot cancel", async () => {
    const { runs } = await burst(
      { onRunning: "cancel_and_replace" },
      {
        fault(call) {
          if (call === "cancel") throw unreachable();
        },
      },
    );

    expect(runs).toHaveLength(1);
  });

  test("a run of one's own that a crash left is not taken for another one", async () => {
    const { bus, time, runs, delivery } = open(
      {
        idempotent: true,
        fault(call, when, n) {
          if (call === "start" && when === "after" && n === 0) throw unreachable();
        },
      },
      { onRunning: "skip" },
    );

    await bus.emit("pipeline.end");
    await time.advance(seconds(100));

    expect(runs).toHaveLength(1);
    expect(await delivery()).toMatchObject({ state: "delivered" });
  });
});

test("a start that the client finds needless is skipped, and says why", async () => {
  const { bus, time, runs, delivery } = open({
    change: (client) => ({ ...client, admit: async () => ({ skip: "it is fresh" }) }),
  });

  await bus.emit("pipeline.end");
  await time.advance(seconds(10));

  expect(runs).toEqual([]);
  expect(await delivery()).toMatchObject({ state: "skipped", reason: "job 42: it is fresh." });
});

describe("in route tests", () => {
  const answered = answerRemoteRun({ what: "job 42", eventPrefix: "elsewhere" });
  const say = (status: number, body: JsonValue = null) => {
    const delivery = createTestDelivery();
    let outcome: unknown;
    try {
      outcome = answered({ status, headers: {}, body }, delivery);
    } catch (thrown) {
      outcome = thrown;
    }
    return { outcome, emitted: delivery.emitted };
  };

  test("an answer of 200 is a run that is completed, with its event", () => {
    const { outcome, emitted } = say(200, { run_id: 7, detail: { rows: 3 } });

    expect(outcome).toMatchObject({ type: "delivered" });
    expect(emitted).toMatchObject([
      { type: "elsewhere.run.completed", fields: { metadata: { run_id: "7", rows: 3 } } },
    ]);
  });

  test.for(["failed", "cancelled"])("the body of an answer may say that the run %s", (run) => {
    const { outcome, emitted } = say(200, { run, message: "no such table" });

    expect(outcome).toMatchObject({ code: "RECEIVER_FAILED", retryable: false });
    expect(emitted).toMatchObject([{ type: `elsewhere.run.${run}` }]);
  });

  test.for([
    [503, "RECEIVER_FAILED", true],
    [429, "RECEIVER_FAILED", true],
    [401, "RECEIVER_REFUSED", false],
  ] as const)("an answer of %i starts no run", ([status, code, retryable]) => {
    const { outcome, emitted } = say(status);

    expect(outcome).toMatchObject({ code, retryable });
    expect(emitted).toEqual([]);
  });
});

test("the marker is the same over attempts, and another one after a replay and for another run", () => {
  const delivery = { idempotencyKey: "ph_1", since: 5 };

  expect(runMarker(delivery)).toMatch(/^ph_[0-9a-f]{32}$/);
  expect(runMarker({ ...delivery })).toBe(runMarker(delivery));
  expect(runMarker({ ...delivery, since: 6 })).not.toBe(runMarker(delivery));
  expect(runMarker(delivery, 1)).not.toBe(runMarker(delivery));
});
