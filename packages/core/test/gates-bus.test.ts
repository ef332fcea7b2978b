import {
  createMemoryStore,
  createPipehooks,
  type Delivery,
  type HookConfig,
  HookError,
  silentLogger,
  toTemplateScope,
} from "@pipehooks/core";
import { createVirtualTime } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { createRecorder, keepOpen, openBus } from "./virtual-bus.ts";

const minute = 60_000;
const hour = 60 * minute;

/** A bus with one hook under a gate. */
function openGate(gate: Omit<HookConfig, "name" | "hook">, more: readonly HookConfig[] = []) {
  const time = createVirtualTime();
  const recorder = createRecorder(time);
  const { bus, log } = openBus({
    time,
    hooks: [{ name: "gated", hook: recorder.hook, ...gate }, ...more],
  });
  const last = () => recorder.calls.at(-1)?.delivery as Delivery;
  return { time, bus, log, recorder, last };
}

/** A store in which a digest has gathered these tables, and whose bus is closed. */
async function digested(...tables: readonly string[]) {
  const time = createVirtualTime();
  const store = keepOpen(createMemoryStore());
  const bus = createPipehooks({
    store,
    clock: time.clock,
    logger: silentLogger,
    hooks: [{ name: "gated", events: "*", hook: () => {}, digest: { every: "10h" } }],
  });
  for (const table of tables) await bus.emit("table.created", { table });
  await bus.close();
  return { time, store };
}

describe("a hook with a gate", () => {
  test("gets what was gathered in one delivery, with its key, count and why", async () => {
    const { time, bus, recorder, last } = openGate({
      events: "table.created",
      debounce: { by: "pipeline", wait: "30s" },
    });

    for (const table of ["a", "b", "c"]) {
      await bus.emit("table.created", { pipeline: "orders", table });
      await time.advance(10_000);
    }
    await time.advance(minute);

    expect(recorder.times()).toEqual([50]);
    expect(last()).toMatchObject({
      key: "orders",
      count: 3,
      attempt: 1,
      gate: { reason: "quiet for 30 s", restIds: [] },
    });
    expect(last().events.map(({ table }) => table)).toEqual(["a", "b", "c"]);
    expect(last().event.table).toBe("c");
    expect(last().eventTexts.map((text) => JSON.parse(text))).toEqual(last().events);
  });

  test("an emit says which delivery its event belongs to, and what the gate did with it", async () => {
    const { bus } = openGate({ events: "*", threshold: { count: 2, within: "1h" } });

    const results = [
      await bus.emit("table.created"),
      await bus.emit("table.created"),
      await bus.emit("table.created"),
    ];

    const [first, second, third] = results.map(({ deliveries }) => deliveries[0]);
    expect(first).toMatchObject({ hook: "gated", state: "gathering" });
    expect(second).toMatchObject({ hook: "gated", id: first?.id, state: "waiting" });
    expect(third).toMatchObject({ hook: "gated", state: "skipped" });
  });

  test("delivers each group by itself, and events without the field as a common one with the key null", async () => {
    const { time, bus, recorder } = openGate({
      events: "*",
      digest: { by: "metadata.day", every: "1m" },
    });

    await bus.emit("table.created", { metadata: { day: "monday" } });
    await bus.emit("table.created");
    await bus.emit("table.created", { metadata: { day: "monday" } });
    await time.advance(2 * minute);

    const seen = recorder.calls.map(({ delivery: { key, count } }) => ({ key, count }));
    expect(seen).toEqual([
      { key: "monday", count: 2 },
      { key: null, count: 1 },
    ]);
  });

  test("carries at most maxEvents whole, and the ids of the rest", async () => {
    const { time, bus, last } = openGate({
      events: "*",
      digest: { every: "1m", maxEvents: 3 },
    });
    const ids: string[] = [];
    for (let n = 0; n < 6; n += 1) ids.push((await bus.emit("table.created")).event.id);

    await time.advance(minute);

    expect(last().count).toBe(6);
    expect(last().events.map(({ id }) => id)).toEqual([ids[0], ids[1], ids[5]]);
    expect(last().gate?.restIds).toEqual(ids.slice(2, 5));
  });

  test("keeps one idempotency key over attempts, and another one for each release", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, (_, call) => {
      if (call === 1) throw new HookError("RECEIVER_FAILED", "down", { retryable: true });
    });
    const { bus } = openBus({
      time,
      hooks: [{ name: "gated", events: "*", hook: recorder.hook, digest: { every: "1m" } }],
    });

    await bus.emit("table.created");
    await time.advance(hour);
    await bus.emit("table.created");
    await time.advance(hour);

    const keys = recorder.calls.map(({ delivery }) => delivery.idempotencyKey);
    expect(keys).toHaveLength(3);
    expect(keys[0]).toBe(keys[1]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  test("is delivered at the very time at which its gate lets go", async () => {
    const { time, bus, recorder } = openGate({ events: "*", digest: { every: "61001ms" } });
    await bus.emit("table.created");

    await time.advance(61_001);

    expect(recorder.times()).toEqual([61.001]);
  });

  test("does not need a running process between an event and its timer", async () => {
    const time = createVirtualTime();
    const store = keepOpen(createMemoryStore());
    const hooks = (hook: HookConfig["hook"]): HookConfig[] => [
      { name: "gated", events: "*", hook, digest: { every: "1h" } },
    ];
    const first = createPipehooks({
      store,
      clock: time.clock,
      logger: silentLogger,
      hooks: hooks(() => {}),
    });
    await first.emit("table.created");
    await first.close();

    await time.advance(2 * hour);
    const recorder = createRecorder(time);
    openBus({ time, store, hooks: hooks(recorder.hook) });
    await time.advance(0);

    expect(recorder.calls).toHaveLength(1);
  });

  test("is drained of what is due, and not of what its gate still gathers", async () => {
    const { time, bus, recorder } = openGate({ events: "*", digest: { every: "10m" } });
    await bus.emit("table.created");

    const now = bus.drain();
    await time.advance(0);
    const drained = [await now, recorder.calls.length];
    const later = bus.drain({ horizonMs: hour, timeoutMs: hour });
    await time.advance(hour);

    expect(drained).toEqual([true, 0]);
    expect([await later, recorder.calls.length]).toEqual([true, 1]);
  });

  test("gathers while it is switched off, and delivers when it is enabled", async () => {
    const { time, bus, recorder } = openGate({ events: "*", digest: { every: "1m" } });
    await bus.disable("gated");
    await bus.emit("table.created");
    await time.advance(10 * minute);
    const before = recorder.calls.length;

    await bus.enable("gated");
    await time.advance(minute);

    expect(before).toBe(0);
    expect(recorder.calls).toHaveLength(1);
  });

  test("lets what another kind of gate gathered through, when the configuration changes", async () => {
    const { time, store } = await digested("before");

    const recorder = createRecorder(time);
    const { bus } = openBus({
      time,
      store,
      hooks: [
        {
          name: "gated",
          events: "*",
          hook: recorder.hook,
          debounce: { wait: "1m", leading: true },
        },
      ],
    });
    await bus.emit("table.created", { table: "after" });
    await time.advance(minute);

    expect(recorder.calls.map(({ event }) => event.table)).toEqual(["before", "after"]);
    expect(recorder.calls[0]?.delivery.gate?.reason).toContain("changed to debounce");
  });

  test("lets what was gathered through, when the gate is taken out", async () => {
    const { time, store } = await digested("one", "two");

    const recorder = createRecorder(time);
    openBus({ time, store, hooks: [{ name: "gated", events: "*", hook: recorder.hook }] });
    await time.advance(minute);

    const gathered = recorder.calls.map(({ delivery }) => delivery.events.map((e) => e.table));
    expect(gathered).toEqual([["one", "two"]]);
    expect(recorder.calls[0]?.delivery.gate?.reason).toContain("taken out");
  });

  test("passes what hooks emit, too", async () => {
    const { time, bus, recorder } = openGate({ events: "table.created", digest: { every: "1m" } }, [
      {
        name: "emitting",
        events: "pipeline.end",
        hook: ({ emit }) => emit("table.created", { table: "made" }),
      },
    ]);

    await bus.emit("pipeline.end");
    await bus.emit("pipeline.end");
    await time.advance(2 * minute);

    expect(recorder.calls.map(({ delivery }) => delivery.count)).toEqual([2]);
  });
});

describe("the messages of an incident", () => {
  test("go one after the other, and those of another incident beside them", async () => {
    const time = createVirtualTime();
    const sent: string[] = [];
    const answers: ((text: string) => void)[] = [];
    const { bus } = openBus({
      time,
      hooks: [
        {
          name: "pager",
          events: "pipeline.error",
          concurrency: 10,
          alert: { by: "pipeline", resolveOn: "pipeline.end" },
          hook: async ({ key, alert }) => {
            sent.push(`${key} ${alert?.state}`);
            await new Promise((resolve) => answers.push(resolve));
          },
        },
      ],
    });

    for (const pipeline of ["a", "b"]) await bus.emit("pipeline.error", { pipeline });
    const { event } = await bus.emit("pipeline.end", { pipeline: "a" });
    await time.advance(1000);
    expect(sent).toEqual(["a opened", "b opened"]);
    expect(JSON.stringify(await bus.explain(event.id))).toContain(
      'behind dlv_1, which is running and has the same order key \\"alert:a\\"',
    );

    answers[0]?.("200");
    await time.advance(0);
    expect(sent).toEqual(["a opened", "b opened", "a resolved"]);
  });

  test("wait for one that is retried, and no longer than until it is dead", async () => {
    const time = createVirtualTime();
    const recorder = createRecorder(time, ({ alert }) => {
      if (alert?.state === "opened") throw new Error("503");
    });
    const { bus } = openBus({
      time,
      hooks: [
        {
          name: "pager",
          events: "pipeline.error",
          retry: { attempts: 2, base: "10s", jitter: "none" },
          alert: { by: "pipeline", resolveOn: "pipeline.end" },
          hook: recorder.hook,
        },
      ],
    });

    await bus.emit("pipeline.error", { pipeline: "a" });
    await bus.emit("pipeline.end", { pipeline: "a" });
    await time.advance(minute);

    expect(recorder.calls.map(({ at, delivery: { alert } }) => [at, alert?.state])).toEqual([
      [0, "opened"],
      [10, "opened"],
      [10, "resolved"],
    ]);
  });

  test("go in the order that the hook asks for, where it asks for one", async () => {
    const { bus, time } = openGate({
      events: "pipeline.error",
      orderBy: "source",
      alert: { by: "pipeline", resolveOn: "pipeline.end" },
    });

    await bus.emit("pipeline.error", { pipeline: "a", source: "/jobs" });
    await time.advance(0);

    expect(await bus.store.deliveries({})).toMatchObject([{ orderKey: "/jobs" }]);
  });
});

describe("what a hook's own events and its gate's are", () => {
  test("when is asked of the hook's own events, not of those that its gate asks for", async () => {
    const { time, bus, recorder } = openGate({
      events: "pipeline.error",
      when: 'event.error.severity == "CRITICAL"',
      alert: { by: "pipeline", resolveOn: "pipeline.end" },
    });

    const error = { message: "no disk", severity: "CRITICAL" } as const;
    await bus.emit("pipeline.error", { pipeline: "a", error });
    await bus.emit("pipeline.error", { pipeline: "b", error: { message: "late" } });
    await bus.emit("pipeline.end", { pipeline: "a" });
    await bus.emit("pipeline.end", { pipeline: "b" });
    await time.advance(0);

    expect(recorder.calls.map(({ delivery: { key, alert } }) => [key, alert?.state])).toEqual([
      ["a", "opened"],
      ["a", "resolved"],
    ]);
  });

  test("the filter is asked of all of them", async () => {
    const { time, bus, recorder } = openGate({
      events: "pipeline.error",
      filter: { pipelines: ["prod_*"] },
      alert: { resolveOn: "pipeline.end" },
    });

    await bus.emit("pipeline.error", { pipeline: "prod_a" });
    await bus.emit("pipeline.end", { pipeline: "test_a" });
    await time.advance(0);

    expect(recorder.calls).toHaveLength(1);
  });

  test("a join names its events itself", async () => {
    const { time, bus, recorder, last } = openGate({
      join: {
        allOf: [
          { name: "orders", events: "table.created", when: 'event.table == "orders"' },
          { name: "customers", events: "table.created", when: 'event.table == "customers"' },
        ],
      },
    });

    await bus.emit("table.created", { table: "orders" });
    await bus.emit("table.created", { table: "other" });
    await bus.emit("table.created", { table: "customers" });
    await time.advance(0);

    expect(recorder.calls).toHaveLength(1);
    expect(last().gate).toMatchObject({
      missing: [],
      inputs: { orders: { count: 1 }, customers: { count: 1 } },
    });
  });

  test("every other hook needs events", () => {
    const make = () =>
      createPipehooks({ hooks: [{ name: "one", hook: () => {}, digest: { every: "1m" } }] });

    expect(make).toThrow('hook "one": it has no "events"');
  });
});

describe("what a gate announces", () => {
  test("reaches hooks and listeners that ask for it by name", async () => {
    const time = createVirtualTime();
    const told = createRecorder(time);
    const heard: string[] = [];
    const gated = createRecorder(time);
    const { bus } = openBus({
      time,
      hooks: [
        {
          name: "joined",
          hook: gated.hook,
          join: {
            by: "metadata.day",
            within: "1h",
            onDeadline: "emit",
            allOf: [
              { name: "a", events: "action.end" },
              { name: "b", events: "flowgroup.end" },
            ],
          },
        },
        { name: "ops", events: "pipehooks.join.*", hook: told.hook },
      ],
    });
    bus.on("pipehooks.join.incomplete", (event) => void heard.push(event.type));

    await bus.emit("action.end", { metadata: { day: "monday" } });
    await time.advance(2 * hour);

    expect(gated.calls).toHaveLength(0);
    expect(heard).toEqual(["pipehooks.join.incomplete"]);
    expect(told.calls.map(({ at, event }) => ({ at, ...event.metadata }))).toMatchObject([
      { at: 3600, hook: "joined", key: "monday", missing: ["b"], came: ["a"] },
    ]);
  });

  test("is left alone once the bus is closed, also by a look around that was under way", async () => {
    const time = createVirtualTime();
    const store = keepOpen(createMemoryStore());
    let lookAround = () => {};
    let looks = 0;
    const { bus, log } = openBus({
      time,
      store: {
        ...store,
        watch(changed) {
          lookAround = changed;
          return store.watch(changed);
        },
        async unrouted(limit) {
          looks += 1;
          return store.unrouted(limit);
        },
      },
      hooks: [{ name: "one", events: "*", hook: () => {}, digest: { every: "1h" } }],
    });
    await time.advance(0);

    const before = looks;
    await bus.close();
    const closed = looks;
    lookAround();
    await time.advance(1000);

    expect(before).toBeGreaterThan(0);
    expect(looks).toBe(closed);
    expect(log).toEqual([]);
  });

  test("an absence is delivered to its own hook, at its time, though nothing ever came", async () => {
    const { time, bus, recorder, last } = openGate({
      absence: { expect: "pipeline.end", by: "pipeline", every: "1h", for: ["orders"] },
    });
    const late: string[] = [];
    bus.on("pipehooks.absence.*", (event) => void late.push(`${event.type} ${event.pipeline}`));

    await time.advance(2 * hour);
    const missed = last();
    await bus.emit("pipeline.end", { pipeline: "orders" });
    await time.advance(0);

    expect(recorder.times()).toEqual([3600]);
    expect(missed).toMatchObject({
      key: "orders",
      count: 1,
      event: { type: "pipehooks.absence.missed", pipeline: "orders" },
    });
    expect(late).toEqual(["pipehooks.absence.missed orders", "pipehooks.absence.resolved orders"]);
  });

  test("a gate that is full says so once, and what it cannot take is a dead letter", async () => {
    const time = createVirtualTime();
    const told = createRecorder(time);
    const { bus } = openBus({
      time,
      hooks: [
        {
          name: "gated",
          events: "table.created",
          hook: () => {},
          digest: { by: "table", every: "1h", maxKeys: 1 },
        },
        {
          name: "ops",
          events: ["pipehooks.gate.full", "pipehooks.delivery.dead"],
          hook: told.hook,
        },
      ],
    });

    for (const table of ["a", "b", "c"]) await bus.emit("table.created", { table });
    await time.advance(0);

    expect(told.calls.map(({ event }) => event.type).toSorted()).toEqual([
      "pipehooks.delivery.dead",
      "pipehooks.delivery.dead",
      "pipehooks.gate.full",
    ]);
    const dead = await bus.store.deliveries({ states: ["dead"] });
    expect(dead).toHaveLength(2);
    expect(dead[0]?.reason).toContain("max_keys");
  });
});

describe("the template scope", () => {
  test("has the group beside the fields of the last event", async () => {
    const { time, bus, last } = openGate({ events: "*", digest: { by: "table", every: "1m" } });
    await bus.emit("pipeline.error", { pipeline: "a", table: "t", error: { message: "no" } });
    await bus.emit("pipeline.end", { pipeline: "b", table: "t" });
    await time.advance(minute);

    const scope = toTemplateScope(last());

    expect(scope).toMatchObject({
      pipeline: "b",
      key: "t",
      count: 2,
      first: { pipeline: "a" },
      last: { pipeline: "b" },
      group_summary: {
        types: { "pipeline.error": 1, "pipeline.end": 1 },
        pipelines: { a: 1, b: 1 },
        severities: { ERROR: 1 },
      },
      gate: { reason: expect.any(String) },
    });
  });
});
