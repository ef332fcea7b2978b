import {
  type Answer,
  createMemoryStore,
  type Delivery,
  defineHook,
  delivered,
  HookError,
  idempotencyKeyOf,
  type Outcome,
  type PipehooksEvent,
  pending,
  type Store,
  skipped,
} from "@pipehooks/core";
import { createVirtualTime } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { createRecorder, keepOpen, openBus } from "./virtual-bus.ts";

const fail = (retryable: boolean): never => {
  throw new HookError("RECEIVER_FAILED", "answered 500", { retryable });
};

/** Opens a bus with one hook, lets it handle one event, and tells what the store has of it. */
async function deliverOne(hook: (delivery: Delivery) => unknown, forMs = 0) {
  const time = createVirtualTime();
  const { bus, log } = openBus({
    time,
    allowUnknownTypes: true,
    hooks: [
      {
        name: "one",
        events: "pipeline.start",
        hook: hook as (delivery: Delivery) => Outcome,
        retry: { base: "1s", jitter: "none", attempts: 3 },
      },
    ],
  });
  const { event } = await bus.emit("pipeline.start");
  await time.advance(forMs);
  const [row] = await bus.store.deliveries({ eventId: event.id });
  if (row === undefined) throw new Error("There is no delivery.");
  return { bus, time, log, event, row, attempts: await bus.store.attempts(row.id) };
}

describe("a delivery", () => {
  test("brings the event, its own id, the hook's name, the attempt, a key, and nothing of a state", async () => {
    const seen: Delivery[] = [];

    const { event, row } = await deliverOne((delivery) => void seen.push(delivery));

    const [delivery] = seen;
    expect(delivery).toMatchObject({
      id: `dlv_${row.id}`,
      hook: "one",
      event,
      events: [event],
      attempt: 1,
      idempotencyKey: idempotencyKeyOf(event, "one"),
      state: undefined,
    });
    expect(delivery?.signal.aborted).toBe(false);
    expect(Object.isFrozen(delivery?.event)).toBe(true);
  });

  test.for([
    ["nothing", undefined],
    ["a promise of nothing", Promise.resolve()],
    ["delivered()", delivered()],
  ])("that returns %s is delivered", async ([, returned]) => {
    const { row, attempts } = await deliverOne(() => returned);

    expect(row).toMatchObject({ state: "delivered", attempts: 1 });
    expect(attempts).toMatchObject([{ number: 1, outcome: "delivered" }]);
  });

  test("keeps what the receiver answered, of success and of failure", async () => {
    const answer = { status: 200, body: "ok", timing: { total: 12 } };

    const good = await deliverOne(() => delivered(answer));
    const bad = await deliverOne(() => {
      throw new HookError("RECEIVER_REFUSED", "no", { answer: { status: 400, body: "why" } });
    });

    expect(good.attempts[0]?.answer).toEqual(answer);
    expect(bad.attempts[0]?.answer).toEqual({ status: 400, body: "why" });
  });

  test("keeps a bounded part of long reasons and answers", async () => {
    const long = "x".repeat(100_000);

    const { row, attempts } = await deliverOne(() => {
      throw new HookError("RECEIVER_REFUSED", long, { answer: { body: long } });
    });

    expect(row.reason?.length).toBeLessThan(5000);
    expect(JSON.stringify(attempts).length).toBeLessThan(10_000);
  });

  test("that is skipped is settled with its reason and not tried again", async () => {
    const { row, attempts } = await deliverOne(() => skipped("no such table"), 60_000);

    expect(row).toMatchObject({ state: "skipped", reason: "no such table", attempts: 1 });
    expect(attempts).toMatchObject([{ outcome: "skipped" }]);
  });

  test.for([
    ["a number", 3],
    ["null", null],
    ["an object of another kind", { ok: true }],
    ["an unknown outcome", { type: "retry" }],
    ["pending without a time", { type: "pending", state: {} }],
    ["pending for ever", { type: "pending", state: {}, againMs: Number.POSITIVE_INFINITY }],
    ["pending without a state", { type: "pending", againMs: 1 }],
    ["pending with a state JSON cannot carry", { type: "pending", againMs: 1, state: { n: 1n } }],
  ])("that returns %s is a dead letter that says so", async ([, returned]) => {
    const { row, time, bus } = await deliverOne(() => returned, 60_000);
    await bus.emit("pipeline.start");
    await time.advance(0);

    expect(row.state).toBe("dead");
    expect(row.reason).toContain("one: deliver() returned");
  });

  test("of a damaged event is a dead letter, and the lane goes on", async () => {
    const time = createVirtualTime();
    const store = createMemoryStore();
    const recorder = createRecorder(time);
    const damaged: Store = {
      ...store,
      accept: (batch) =>
        store.accept(
          batch.map((acceptance, index) =>
            index === 0
              ? { ...acceptance, event: { ...acceptance.event, id: "x", body: '{"id":' } }
              : acceptance,
          ),
        ),
    };
    const { bus } = openBus({
      time,
      store: damaged,
      hooks: [{ name: "one", events: "*", hook: recorder.hook }],
    });

    await Promise.all([bus.emit("pipeline.start"), bus.emit("pipeline.end")]);
    await time.advance(0);

    expect(recorder.calls.map(({ event }) => event.type)).toEqual(["pipeline.end"]);
    const [row] = await bus.store.deliveries({ states: ["dead"] });
    expect(row?.reason).toContain("damaged");
  });
});

describe("what a hook says without regard to types", () => {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  const failing = (answer: unknown) => () => {
    throw new HookError("RECEIVER_FAILED", "no", { answer: answer as Answer });
  };

  test.for<
    [said: string, say: () => unknown, state: string, reason?: string | undefined, answer?: unknown]
  >([
    [
      "an answer with an object as body",
      () => delivered({ status: 200, body: { a: 1 } as never }),
      "delivered",
      undefined,
      { status: 200, body: '{"a":1}' },
    ],
    [
      "an answer with bytes as body",
      () => delivered({ body: Buffer.from("ok") as never }),
      "delivered",
      undefined,
      { body: "ok" },
    ],
    [
      "an answer with null as body",
      () => delivered({ body: null as never }),
      "delivered",
      undefined,
      {},
    ],
    [
      "an answer with a circle as body",
      () => delivered({ body: circle as never }),
      "delivered",
      undefined,
      { body: "[object Object]" },
    ],
    [
      "an answer with a text as status",
      () => delivered({ status: "200" as never }),
      "delivered",
      undefined,
      { status: 200 },
    ],
    [
      "an answer with a BigInt as status",
      () => delivered({ status: 200n as never }),
      "delivered",
      undefined,
      {},
    ],
    [
      "an answer with odd times",
      () => delivered({ timing: { a: 1, b: 5n, c: circle } as never }),
      "delivered",
      undefined,
      { timing: { a: 1 } },
    ],
    ["null as answer", () => delivered(null as never), "delivered", undefined, undefined],
    ["a text as answer", () => delivered("yes" as never), "delivered", undefined, undefined],
    [
      "skipped without a reason",
      () => skipped(undefined as never),
      "skipped",
      "It gave no reason.",
    ],
    ["skipped with an error", () => skipped(new Error("none") as never), "skipped", "none"],
    [
      "pending with an object as reason",
      () => pending({ state: 1, againMs: 9e6, reason: { a: 1 } as never }),
      "pending",
      '{"a":1}',
    ],
    [
      "pending with a text as error",
      () => pending({ state: 1, againMs: 9e6, error: "no" as never }),
      "pending",
    ],
    [
      "an error with an object in its answer",
      failing({ body: { a: 1 } }),
      "dead",
      "no",
      { body: '{"a":1}' },
    ],
    ["an error with null as answer", failing(null), "dead", "no", undefined],
  ])("%s is taken as far as it goes, and is told of", async ([, say, state, reason, answer]) => {
    const time = createVirtualTime();
    const told = createRecorder(time);
    const { bus, log } = openBus({
      time,
      hooks: [
        { name: "one", events: "pipeline.end", hook: () => say() as Outcome },
        { name: "told", events: "pipehooks.delivery.*", hook: told.hook },
      ],
    });

    await bus.emit("pipeline.end");
    await time.advance(1000);

    const [row] = await bus.store.deliveries({ hook: "one" });
    const [attempt] = await bus.store.attempts(row?.id ?? 0);
    expect(row).toMatchObject({ state, ...(reason !== undefined && { reason }) });
    expect(attempt?.answer).toEqual(answer);
    expect(told.calls.map(({ event }) => event.type)).toContain(`pipehooks.delivery.${state}`);
    expect(log.filter((line) => !line.startsWith("warn: 1 deliveries end"))).toEqual([]);
  });
});

describe("pending", () => {
  test("keeps the state, frees the slot, counts no attempt, and looks again after the time", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, ({ state, event }) => {
      if (event.type === "pipeline.end") return undefined;
      const looks = typeof state === "number" ? state : 0;
      return looks < 3 ? pending({ state: looks + 1, againMs: 15_000 }) : delivered();
    });
    const { bus } = openBus({
      time,
      hooks: [{ name: "one", events: "*", hook: recorder.hook, concurrency: 1 }],
    });

    await bus.emit("pipeline.start");
    await time.advance(1000);
    const [waiting] = await bus.store.deliveries({});
    await bus.emit("pipeline.end");
    await time.advance(60_000);

    expect(waiting).toMatchObject({ state: "pending", attempts: 0, dueAt: time.now() - 46_000 });
    expect(
      recorder.calls.map(({ at, delivery }) => [at, delivery.state, delivery.attempt]),
    ).toEqual([
      [0, undefined, 1],
      [1, undefined, 1],
      [15, 1, 1],
      [30, 2, 1],
      [45, 3, 1],
    ]);
    const rows = await bus.store.deliveries({ oldestFirst: true });
    expect(rows[0]).toMatchObject({ state: "delivered", attempts: 1 });
    expect((await bus.store.attempts(rows[0]?.id as number)).map(({ outcome }) => outcome)).toEqual(
      ["pending", "pending", "pending", "delivered"],
    );
  });

  test("is looked at again after a restart, with its state, instead of started again", async () => {
    const time = createVirtualTime();
    const store = keepOpen(createMemoryStore());
    const recorder = createRecorder(time, ({ state }) =>
      state === undefined ? pending({ state: { run: 7 }, againMs: 60_000 }) : undefined,
    );
    const open = () =>
      openBus({ time, store, hooks: [{ name: "one", events: "*", hook: recorder.hook }] });

    const first = open();
    await first.bus.emit("pipeline.start");
    await time.advance(1000);
    await first.bus.close();
    open();
    await time.advance(120_000);

    expect(recorder.calls.map(({ at, delivery }) => [at, delivery.state])).toEqual([
      [0, undefined],
      [60, { run: 7 }],
    ]);
  });

  test("a look that fails is retried with the state it had, and counts", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, ({ state }, call) => {
      if (state === undefined) return pending({ state: { run: 7 }, againMs: 10_000 });
      return call <= 3 ? fail(true) : undefined;
    });
    const { bus } = openBus({
      time,
      hooks: [
        {
          name: "one",
          events: "*",
          hook: recorder.hook,
          retry: { base: "1s", factor: 1, jitter: "none" },
        },
      ],
    });

    await bus.emit("pipeline.start");
    await time.advance(60_000);

    expect(
      recorder.calls.map(({ at, delivery }) => [at, delivery.attempt, delivery.state]),
    ).toEqual([
      [0, 1, undefined],
      [10, 1, { run: 7 }],
      [11, 2, { run: 7 }],
      [12, 3, { run: 7 }],
    ]);
  });

  test("goes on for longer than the longest age: a remote run is no failing attempt", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, (_, call) =>
      call < 10 ? pending({ state: call, againMs: 60_000 }) : undefined,
    );
    const { bus } = openBus({
      time,
      hooks: [{ name: "one", events: "*", hook: recorder.hook, retry: { maxAge: "2m" } }],
    });

    await bus.emit("pipeline.start");
    await time.advance(900_000);

    expect((await bus.store.deliveries({}))[0]).toMatchObject({ state: "delivered", attempts: 1 });
  });
});

describe("emit from inside a hook", () => {
  test("is caused by the event, one hop on, in its pipeline, and reaches hooks at once", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time);
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const { bus } = openBus({
      time,
      allowUnknownTypes: true,
      hooks: [
        {
          name: "emits",
          events: "pipeline.end",
          hook: ({ emit }) => emit("dbt.run.completed", { metadata: { run: 1 } }),
        },
        { name: "next", events: "dbt.*", hook: recorder.hook },
      ],
    });

    const { event } = await bus.emit("pipeline.end", {
      pipeline: "p",
      flowgroup: "f",
      action: "a",
      runId: "r",
      traceparent,
    });
    await time.advance(0);

    expect(recorder.times()).toEqual([0]);
    expect(recorder.calls[0]?.event).toMatchObject({
      type: "dbt.run.completed",
      causedBy: event.id,
      hops: 1,
      pipeline: "p",
      flowgroup: "f",
      action: "a",
      runId: "r",
      traceparent,
      metadata: { run: 1 },
    });
  });

  test("cannot say another cause: that is what ends loops", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time);
    const { bus } = openBus({
      time,
      hooks: [
        {
          name: "emits",
          events: "pipeline.end",
          hook: ({ emit }) => emit("table.created", { hops: 0, causedBy: "nobody" }),
        },
        { name: "next", events: "table.*", hook: recorder.hook },
      ],
    });

    const { event } = await bus.emit("pipeline.end", { hops: 3 });
    await time.advance(0);

    expect(recorder.calls[0]?.event).toMatchObject({ causedBy: event.id, hops: 4 });
  });

  test("is stored with the outcome, in one settlement, and not at all when the delivery was lost meanwhile", async () => {
    const time = createVirtualTime();
    const store = createMemoryStore();
    const settled: string[][] = [];
    const watched: Store = {
      ...store,
      settle(settlements) {
        for (const { to, emitted } of settlements) {
          settled.push([to, ...(emitted ?? []).map(({ event }) => event.type)]);
        }
        return store.settle(settlements);
      },
    };
    const { bus } = openBus({
      time,
      store: watched,
      hooks: [
        {
          name: "emits",
          events: "pipeline.*",
          hook: async ({ emit, event }) => {
            emit("table.created", { table: "one" });
            emit("table.created", { table: "two" });
            if (event.type === "pipeline.end") await store.cancel({}, time.now());
          },
        },
      ],
    });

    await bus.emit("pipeline.start");
    await time.advance(0);
    await bus.emit("pipeline.end");
    await time.advance(0);

    expect(settled).toEqual([
      ["delivered", "table.created", "table.created"],
      ["delivered", "table.created", "table.created"],
    ]);
    expect(await store.events({ type: "table.created" })).toHaveLength(2);
  });

  test("stays when the attempt fails: it says what the hook learned", async () => {
    const { bus } = await deliverOne(({ emit }) => {
      emit("dbt.run.failed");
      fail(false);
    });

    expect(await bus.store.events({ type: "dbt.run.failed" })).toHaveLength(1);
  });

  test("of an invalid event throws there and then", async () => {
    const codes: unknown[] = [];

    const { row } = await deliverOne(({ emit }) => {
      try {
        emit("Not A Type");
      } catch (error) {
        codes.push((error as HookError).code);
      }
    });

    expect(codes).toEqual(["EVENT_INVALID"]);
    expect(row.state).toBe("delivered");
  });

  test("after the attempt has ended is logged, for it can no longer be stored with it", async () => {
    let late: Delivery["emit"] | undefined;

    const { bus, log } = await deliverOne(({ emit }) => {
      late = emit;
    });
    late?.("dbt.run.completed");

    expect(log).toEqual([expect.stringContaining("dbt.run.completed")]);
    expect(await bus.store.events({ type: "dbt.run.completed" })).toEqual([]);
  });

  test("ends after sixteen hops: the seventeenth is refused, and its delivery is a dead letter with EVENT_LOOP", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, ({ emit }) => emit("table.created"));
    const { bus } = openBus({
      time,
      hooks: [{ name: "loop", events: "table.created", hook: recorder.hook }],
    });

    await bus.emit("table.created");
    await time.advance(600_000);

    expect(recorder.calls.map(({ event }) => event.hops ?? 0)).toEqual(
      Array.from({ length: 17 }, (_, index) => index),
    );
    const [dead] = await bus.store.deliveries({ states: ["dead"] });
    expect(dead?.reason).toContain("Two hooks probably cause each other");
    expect(await bus.store.attempts(dead?.id as number)).toMatchObject([{ code: "EVENT_LOOP" }]);
    expect(await bus.store.deliveries({ states: ["delivered"] })).toHaveLength(16);
  });
});

describe("delivery events", () => {
  /** What listeners hear, and what a hook that subscribes to all of them gets. */
  async function observe(hook: (delivery: Delivery) => Outcome | void, forMs = 0, also = {}) {
    const time = createVirtualTime();
    const heard: PipehooksEvent[] = [];
    const taken: PipehooksEvent[] = [];
    const { bus } = openBus({
      time,
      hooks: [
        { name: "one", events: "pipeline.*", hook, ...also },
        {
          name: "observer",
          events: "pipehooks.*",
          hook: ({ event }) => void taken.push(event),
          concurrency: 1,
        },
      ],
    });
    bus.on("pipehooks.*", (event) => void heard.push(event));
    const { event, deliveries } = await bus.emit("pipeline.start", {
      pipeline: "p",
      runId: "r",
    });
    await time.advance(forMs);
    await time.advance(0);
    return { bus, time, heard, taken, event, delivery: deliveries[0]?.id };
  }
  const typesOf = (events: readonly PipehooksEvent[]) =>
    events.map(({ type }) => type.replace("pipehooks.", ""));

  test("tell listeners and subscribed hooks that a delivery was accepted, attempted and delivered", async () => {
    const { heard, taken, event, delivery } = await observe(() => delivered({ status: 202 }));

    expect(typesOf(heard)).toEqual([
      "delivery.accepted",
      "delivery.attempted",
      "delivery.delivered",
    ]);
    expect(typesOf(taken)).toEqual(typesOf(heard));
    expect(heard[2]).toMatchObject({
      subject: "one",
      pipeline: "p",
      runId: "r",
      causedBy: event.id,
      hops: 1,
      metadata: {
        delivery,
        hook: "one",
        event: event.id,
        event_type: "pipeline.start",
        attempt: 1,
        outcome: "delivered",
        status: 202,
        duration_ms: 0,
      },
    });
    expect(Object.isFrozen(heard[2]?.metadata)).toBe(true);
  });

  test("tell of retries, with the code, the reason and the time of the next, and of death", async () => {
    const { heard, time } = await observe(() => fail(true), 10_000, {
      retry: { attempts: 2, base: "5s", jitter: "none" },
    });

    expect(typesOf(heard)).toEqual([
      "delivery.accepted",
      "delivery.attempted",
      "delivery.retrying",
      "delivery.attempted",
      "delivery.dead",
    ]);
    expect(heard[2]?.metadata).toMatchObject({
      attempt: 1,
      code: "RECEIVER_FAILED",
      reason: "answered 500",
      next_at: new Date(time.now() - 5000).toISOString(),
    });
    expect(heard[4]?.metadata).toMatchObject({ attempt: 2, outcome: "dead" });
  });

  test("tell of pending and skipped", async () => {
    const { heard } = await observe(
      ({ state }) =>
        state === undefined ? pending({ state: 1, againMs: 1000 }) : skipped("nothing to do"),
      1000,
    );

    expect(typesOf(heard)).toEqual([
      "delivery.accepted",
      "delivery.attempted",
      "delivery.pending",
      "delivery.attempted",
      "delivery.skipped",
    ]);
    expect(heard[4]?.metadata).toMatchObject({ reason: "nothing to do" });
  });

  test("tell of a hook that is disabled and enabled again, and of a paused destination", async () => {
    const { bus, heard, taken, time } = await observe(
      () => {
        throw new HookError("RECEIVER_FAILED", "slow down", {
          retryable: true,
          retryAfterMs: 60_000,
        });
      },
      0,
      { breaker: { disableAfter: 1 } },
    );
    await bus.enable("one");
    await time.advance(0);

    const about = (type: string) =>
      heard.find((event) => event.type === `pipehooks.${type}`)?.metadata;
    expect(typesOf(heard).toSorted()).toEqual([
      "delivery.accepted",
      "delivery.attempted",
      "delivery.retrying",
      "destination.paused",
      "hook.disabled",
      "hook.enabled",
    ]);
    expect(typesOf(taken).toSorted()).toEqual(typesOf(heard).toSorted());
    expect(about("destination.paused")).toMatchObject({ destination: "one", because: "slow down" });
    expect(about("hook.disabled")?.because).toContain("slow down");
  });

  test("tell that what a hook emitted was accepted, too", async () => {
    const time = createVirtualTime();
    const accepted: unknown[] = [];
    const { bus } = openBus({
      time,
      hooks: [
        { name: "emits", events: "pipeline.end", hook: ({ emit }) => emit("table.created") },
        { name: "next", events: "table.*", hook: () => {} },
      ],
    });
    bus.on(
      "pipehooks.delivery.accepted",
      ({ metadata }) => void accepted.push([metadata.hook, metadata.delivery]),
    );

    await bus.emit("pipeline.end");
    await time.advance(0);

    const rows = await bus.store.deliveries({ oldestFirst: true });
    expect(accepted).toEqual(rows.map(({ hook, id }) => [hook, `dlv_${id}`]));
  });

  test("are never caused by themselves: a hook that fails on them causes no more", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, () => fail(true));
    const { bus } = openBus({
      time,
      hooks: [
        { name: "one", events: "pipeline.*", hook: () => {} },
        {
          name: "observer",
          events: "pipehooks.*",
          hook: recorder.hook,
          breaker: { failures: 1, reset: "1s" },
          retry: { attempts: 3, base: "1ms", jitter: "none" },
        },
      ],
    });

    await bus.emit("pipeline.start");
    await time.advance(600_000);

    expect(await bus.store.events({})).toHaveLength(1 + 3);
    expect(recorder.calls).toHaveLength(9);
  });

  test("a hook gets only those it names, by type and by filter; what nobody takes is not stored", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time);
    const { bus } = openBus({
      time,
      hooks: [
        { name: "dies", events: "pipeline.*", hook: () => fail(false) },
        { name: "everything", events: "*", hook: () => {} },
        {
          name: "ops",
          events: "pipehooks.delivery.dead",
          filter: { pipelines: ["prod"] },
          hook: recorder.hook,
        },
      ],
    });

    await bus.emit("pipeline.start", { pipeline: "prod" });
    await bus.emit("pipeline.start", { pipeline: "test" });
    await time.advance(0);

    expect(recorder.calls.map(({ event }) => [event.type, event.pipeline])).toEqual([
      ["pipehooks.delivery.dead", "prod"],
    ]);
    expect(await bus.store.events({})).toHaveLength(3);
  });

  test("are told of events as large as allowed", async () => {
    const time = createVirtualTime();
    const heard: string[] = [];
    const { bus } = openBus({
      time,
      maxEventBytes: 400,
      hooks: [{ name: "one", events: "*", hook: () => fail(false) }],
    });
    bus.on("pipehooks.*", ({ type }) => void heard.push(type));

    await bus.emit("pipeline.start", { pipeline: "p".repeat(150) });
    await time.advance(0);

    expect(heard).toHaveLength(3);
    expect((await bus.store.deliveries({}))[0]?.state).toBe("dead");
  });
});

describe("secrets", () => {
  test("stand in no log, reason, attempt or delivery event, in none of their forms", async () => {
    const time = createVirtualTime();
    const secret = 'top/s3cret"+x';
    const forms = [
      secret,
      JSON.stringify(secret).slice(1, -1),
      encodeURIComponent(secret),
      Buffer.from(`user:${secret}`).toString("base64"),
      "bus-wide-secret",
    ];
    const text = forms.join(" ");
    const kind = defineHook({
      name: "leaky",
      options: z.strictObject({ token: z.string() }),
      secrets: ({ token }) => [token],
      create: () => ({
        deliver({ logger, event }) {
          logger.warn(`sending with ${text}`, { headers: { authorization: forms } });
          if (event.type === "pipeline.start") return skipped(`because of ${text}`);
          throw new HookError("RECEIVER_FAILED", `failed with ${text}`, {
            retryable: event.type === "pipeline.end",
            retryAfterMs: 1000,
            answer: { status: 500, body: `you sent ${text}` },
            cause: new Error(text),
          });
        },
        check: () => Promise.reject(new Error(`cannot reach ${text}`)),
      }),
    });
    const told: string[] = [];
    const { bus, log } = openBus({
      time,
      secrets: ["bus-wide-secret"],
      hooks: [
        {
          name: "one",
          events: "pipeline.*",
          hook: kind({ token: secret }),
          breaker: { disableAfter: 3 },
          retry: { attempts: 2, base: "1s" },
        },
        {
          name: "thrower",
          events: "*",
          hook: () => {},
          when: () => {
            throw new Error(`condition knows ${text}`);
          },
        },
      ],
    });
    bus.on("pipehooks.*", (event) => void told.push(JSON.stringify(event)));
    bus.on("pipeline.start", () => {
      throw new Error(`listener knows ${text}`);
    });

    for (const type of ["pipeline.start", "pipeline.end", "pipeline.error"] as const) {
      await bus.emit(type);
      await time.advance(60_000);
    }
    const rows = await bus.store.deliveries({});
    const attempts = await Promise.all(rows.map(({ id }) => bus.store.attempts(id)));
    const checks = await bus.check();
    await bus.disable("one", `because of ${text}`);
    const health = await bus.health();

    const everything = JSON.stringify([log, told, rows, attempts, checks, health]);
    expect(told.length).toBeGreaterThan(5);
    expect(log.length).toBeGreaterThan(5);
    expect(attempts.flat().length).toBeGreaterThan(2);
    for (const form of forms) {
      expect(everything).not.toContain(JSON.stringify(form).slice(1, -1));
      expect(everything).not.toContain(form);
    }
    expect(everything).toContain("[redacted]");
  });
});
