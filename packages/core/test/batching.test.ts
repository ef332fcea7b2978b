import {
  type BatchCall,
  type BatchLimits,
  type BatchRecord,
  createBatchHook,
  createMemoryStore,
  type Delivery,
  defineHook,
  delivered,
  HookError,
  type PipehooksEvent,
  type RecordOutcome,
  type Store,
  skipped,
} from "@pipehooks/core";
import { createTestDelivery, createVirtualTime, type VirtualTime } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { createGate, keepOpen, openBus, untilAborted } from "./virtual-bus.ts";

type Answer = (
  records: readonly BatchRecord<PipehooksEvent>[],
  call: BatchCall & { readonly number: number },
) => Promise<readonly RecordOutcome[] | void> | readonly RecordOutcome[] | void;

interface Sent {
  readonly at: number;
  /** The `n` of each event's metadata. */
  readonly numbers: readonly unknown[];
  readonly bytes: number;
}

/** A hook that sends events in calls, 100 bytes a record, and notes them; `at` in seconds since the start. */
function createLogKind(
  time: VirtualTime,
  limits: Partial<BatchLimits> = {},
  answer: Answer = () => {},
  toRecord: (delivery: Delivery) => Partial<Omit<BatchRecord, "value">> = () => ({}),
) {
  const start = time.now();
  const calls: Sent[] = [];
  const hook = defineHook({
    name: "log",
    options: z.strictObject({}),
    batch: { maxCount: 1000, maxBytes: 1_000_000, ...limits },
    policy: { concurrency: 1, retry: { jitter: "none", base: "1s", factor: 2 } },
    create: () =>
      createBatchHook<PipehooksEvent>({
        record: (delivery) => ({ value: delivery.event, bytes: 100, ...toRecord(delivery) }),
        async send(records, call) {
          const bytes = records.reduce((sum, record) => sum + record.bytes, 0);
          const at = (time.now() - start) / 1000;
          calls.push({ at, numbers: records.map(({ value }) => value.metadata.n), bytes });
          return answer(records, { ...call, number: calls.length });
        },
      }),
  })({});
  return { hook, calls };
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

function openLog(
  time: VirtualTime,
  kind: ReturnType<typeof createLogKind>,
  more: Partial<Parameters<typeof openBus>[0]> & { readonly policy?: object } = {},
) {
  const { policy, store = createMemoryStore(), ...options } = more;
  const opened = openBus({
    time,
    ...options,
    store,
    hooks: [{ name: "log", events: "pipeline.*", hook: kind.hook, ...policy }],
  });
  const emit = (wanted: readonly number[]) =>
    Promise.all(wanted.map((n) => opened.bus.emit("pipeline.start", { metadata: { n } })));
  return { ...opened, emit, store };
}

const down = new HookError("RECEIVER_FAILED", "answered 500", { retryable: true });

describe("what goes in one call", () => {
  test("what comes within the linger goes together, in the order of acceptance", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(time, { lingerMs: 5000 });
    const { emit } = openLog(time, kind);

    await emit([1, 2]);
    await time.advance(3000);
    await emit([3]);
    await time.advance(1999);
    expect(kind.calls).toEqual([]);
    await time.advance(1);

    expect(kind.calls).toMatchObject([{ at: 5, numbers: [1, 2, 3] }]);
  });

  test("one second is waited for company unless the kind says otherwise", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(time);
    const { emit } = openLog(time, kind);

    await emit([1]);
    await time.advance(60_000);

    expect(kind.calls).toMatchObject([{ at: 1 }]);
  });

  test("a call that is full by count does not wait", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(time, { maxCount: 10, lingerMs: 60_000 });
    const { emit } = openLog(time, kind);

    await emit(numbers(0, 25));
    await time.advance(0);

    expect(kind.calls.map((call) => call.numbers)).toEqual([numbers(0, 10), numbers(10, 20)]);
    await time.advance(60_000);
    expect(kind.calls.at(-1)).toMatchObject({ at: 60, numbers: numbers(20, 25) });
  });

  test("a call is full by bytes, overheads counted", async () => {
    const time = createVirtualTime();
    const limits = { maxBytes: 1000, recordOverhead: 26, callOverhead: 118, lingerMs: 60_000 };
    const kind = createLogKind(time, limits);
    const { emit } = openLog(time, kind);

    await emit(numbers(0, 15));
    await time.advance(0);

    // 118 + 7 x 126 = 1000.
    expect(kind.calls.map((call) => call.numbers.length)).toEqual([7, 7]);
  });

  test("a call spans no longer time than the receiver takes, and its oldest record comes first", async () => {
    const time = createVirtualTime();
    const start = time.now();
    const hour = 3_600_000;
    const kind = createLogKind(
      time,
      { maxSpanMs: 24 * hour },
      () => {},
      ({ event }) => ({ time: start + Number(event.metadata.n) * hour }),
    );
    const { emit } = openLog(time, kind);

    await emit([2, 1, 24, 25, 26, 30]);
    await time.advance(1000);

    expect(kind.calls.map((call) => call.numbers)).toEqual([
      [1, 2, 24, 25],
      [26, 30],
    ]);
  });

  test("a lane that has more in the store fills its calls from there", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(time, { maxCount: 500 });
    const { emit } = openLog(time, kind, { policy: { concurrency: 1 } });

    await emit(numbers(0, 2100));
    await time.advance(1000);

    expect(kind.calls.map((call) => call.numbers.length)).toEqual([500, 500, 500, 500, 100]);
    expect(kind.calls.flatMap((call) => call.numbers)).toEqual(numbers(0, 2100));
  });

  test("no more is held than fills two calls, however much waits", async () => {
    const time = createVirtualTime();
    const gate = createGate();
    const inner = createMemoryStore({ maxEvents: 20_000 });
    let leased = 0;
    const store: Store = {
      ...inner,
      async claim(request) {
        const claims = await inner.claim(request);
        leased += claims.reduce((sum, { deliveries }) => sum + deliveries.length, 0);
        return claims;
      },
    };
    const kind = createLogKind(time, { maxBytes: 100_000 }, () => gate.opened);
    const { emit } = openLog(time, kind, { store });

    await emit(numbers(0, 8000));
    await time.advance(20_000);

    expect(kind.calls).toMatchObject([{ bytes: 100_000 }]);
    expect(leased).toBeGreaterThan(1000);
    expect(leased).toBeLessThanOrEqual(2 * 1000 + 200);
    gate.open();
    await time.advance(20_000);
    expect(kind.calls.flatMap((call) => call.numbers)).toHaveLength(8000);
  });

  test("as many calls run at a time as the policy's concurrency", async () => {
    const time = createVirtualTime();
    const gate = createGate();
    const kind = createLogKind(time, { maxCount: 10 }, () => gate.opened);
    const { emit } = openLog(time, kind, { policy: { concurrency: 3 } });

    await emit(numbers(0, 100));
    await time.advance(0);

    expect(kind.calls).toHaveLength(3);
    gate.open();
    await time.advance(1000);
    expect(kind.calls).toHaveLength(10);
  });

  test("a call takes one from the budget of rates", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(time, { maxCount: 10 });
    const { emit } = openLog(time, kind, { policy: { rateLimit: ["2/1m"] } });

    await emit(numbers(0, 45));
    await time.advance(180_000);

    // A minute is counted in whole seconds, and never too short.
    expect(kind.calls.map(({ at, numbers }) => [at, numbers.length])).toEqual([
      [0, 10],
      [0, 10],
      [61, 10],
      [61, 10],
      [122, 5],
    ]);
  });
});

test("what is gathered and waits for the budget alone goes as soon as there is some", async () => {
  const time = createVirtualTime();
  const start = time.now();
  const kind = createLogKind(
    time,
    { maxSpanMs: 1000 },
    () => {},
    ({ event }) => ({ time: start + Number(event.metadata.n) * 10_000 }),
  );
  const { emit } = openLog(time, kind, { policy: { rateLimit: ["1/2s"] } });

  await emit([1, 2]);
  await time.advance(60_000);

  expect(kind.calls).toMatchObject([{ at: 0, numbers: [1] }, { numbers: [2] }]);
  // Two seconds are counted in steps of 34 ms, and never too short.
  expect(kind.calls[1]?.at).toBeGreaterThanOrEqual(2);
  expect(kind.calls[1]?.at).toBeLessThan(2.1);
});

describe("records that can never go", () => {
  test("one that is too large is a dead letter, with its size, and the others go", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(
      time,
      { maxBytes: 1000, callOverhead: 2, recordOverhead: 1 },
      () => {},
      ({ event }) => ({ bytes: event.metadata.n === 2 ? 998 : 100 }),
    );
    const { emit, store } = openLog(time, kind);

    await emit([1, 2, 3]);
    await time.advance(1000);

    expect(kind.calls.map((call) => call.numbers)).toEqual([[1, 3]]);
    expect(await store.deliveries({ states: ["dead"] })).toMatchObject([
      { attempts: 1, reason: expect.stringContaining("998 bytes, and the receiver takes 997") },
    ]);
  });

  test("the receiver may take less of one record than of a call", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(time, { maxRecordBytes: 99 });
    const { emit, store } = openLog(time, kind);

    await emit([1]);
    await time.advance(1000);

    expect(await store.deliveries({ states: ["dead"] })).toHaveLength(1);
    expect(kind.calls).toEqual([]);
  });

  test("neither what is too old nor what lies too far ahead is sent", async () => {
    const time = createVirtualTime();
    const start = time.now();
    const kind = createLogKind(
      time,
      { maxAgeMs: 5000, maxAheadMs: 2000 },
      () => {},
      ({ event }) => ({ time: start + Number(event.metadata.n) * 1000 }),
    );
    const { emit, store } = openLog(time, kind);

    await emit([-6, -5, 2, 3]);
    await time.advance(1000);

    expect(kind.calls.map((call) => call.numbers)).toEqual([[-5, 2]]);
    const dead = await store.deliveries({ states: ["dead"], oldestFirst: true });
    expect(dead.map(({ reason }) => reason)).toEqual([
      expect.stringContaining("nothing older than 5000 ms"),
      expect.stringContaining("nothing more than 2000 ms ahead"),
    ]);
  });

  test("one of which no record can be made ends by itself", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(
      time,
      {},
      () => {},
      ({ event }) => {
        if (event.metadata.n === 1) throw new HookError("TEMPLATE_FIELD_MISSING", "no such field");
        return {};
      },
    );
    const { emit, store } = openLog(time, kind);

    await emit([0, 1, 2]);
    await time.advance(1000);

    expect(kind.calls.map((call) => call.numbers)).toEqual([[0, 2]]);
    expect(await store.deliveries({ states: ["dead"] })).toMatchObject([
      { reason: "no such field" },
    ]);
  });

  test("limits in which no record fits are refused", () => {
    const time = createVirtualTime();
    const kind = createLogKind(time, { maxBytes: 10, callOverhead: 10 });

    expect(() => openLog(time, kind)).toThrow(/has room for none/);
  });
});

describe("what becomes of each record", () => {
  test("a call that answers nothing has delivered all", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(time);
    const { emit, store } = openLog(time, kind);

    await emit([1, 2, 3]);
    await time.advance(1000);

    expect(await store.deliveries({ states: ["delivered"] })).toHaveLength(3);
  });

  test("each has an outcome of its own: delivered, skipped, rejected, and tried again", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(time, {}, (_, { number }) =>
      number > 1
        ? undefined
        : [
            undefined,
            delivered({ status: 207 }),
            skipped("there already"),
            new HookError("RECEIVER_REFUSED", "too old"),
            down,
          ],
    );
    const { emit, store } = openLog(time, kind);

    await emit([0, 1, 2, 3, 4]);
    await time.advance(1000);
    expect(kind.calls).toHaveLength(1);
    const states = (await store.deliveries({ oldestFirst: true })).map(({ state, reason }) => ({
      state,
      reason,
    }));
    expect(states).toEqual([
      { state: "delivered", reason: undefined },
      { state: "delivered", reason: undefined },
      { state: "skipped", reason: "there already" },
      { state: "dead", reason: "too old" },
      { state: "retrying", reason: "answered 500" },
    ]);

    await time.advance(2000);
    expect(kind.calls.map((call) => call.numbers)).toEqual([[0, 1, 2, 3, 4], [4]]);
    const [row] = await store.deliveries({ oldestFirst: true });
    expect(await store.attempts(row?.id ?? 0)).toMatchObject([{ outcome: "delivered", number: 1 }]);
  });

  test("what failed together is tried again together, at one time", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(time, { maxCount: 100, lingerMs: 10 }, (_, { number }) => {
      if (number === 1) throw down;
    });
    const policy = { retry: { jitter: "full", base: "10s" } };
    const { emit } = openLog(time, kind, { policy });

    await emit(numbers(0, 100));
    await time.advance(30_000);

    expect(kind.calls.map((call) => call.numbers)).toEqual([numbers(0, 100), numbers(0, 100)]);
  });

  test("a failing call counts once for the hook and its destination, not once a record", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(time, {}, () => {
      throw down;
    });
    const policy = { breaker: { failures: 3, reset: "1h", disableAfter: 4 } };
    const { emit, bus } = openLog(time, kind, { policy });

    await emit(numbers(0, 50));
    await time.advance(1000);

    const health = await bus.health();
    expect(health.hooks[0]).toMatchObject({ status: "on", breaker: "closed" });
    expect(health.destinations[0]).toMatchObject({ failuresInARow: 1 });
  });

  test("a call in which something was delivered is good news of the destination", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(time, {}, (records) =>
      records.map((_, index) => (index > 0 ? down : undefined)),
    );
    const { emit, bus } = openLog(time, kind);

    await emit(numbers(0, 5));
    await time.advance(1000);

    expect((await bus.health()).destinations[0]).toMatchObject({ failuresInARow: 0 });
  });

  test("a pause that a receiver asks for holds every call, and what was gathered goes after it", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(time, { maxCount: 10 }, (_, { number }) => {
      const options = { retryable: true, scope: "destination", retryAfterMs: 30_000 } as const;
      if (number === 1) throw new HookError("RECEIVER_FAILED", "slow down", options);
    });
    const { emit } = openLog(time, kind, { random: () => 0 });

    await emit(numbers(0, 40));
    await time.advance(29_999);
    expect(kind.calls).toHaveLength(1);
    await time.advance(10_001);

    expect(kind.calls.slice(1).every(({ at }) => at >= 30)).toBe(true);
    expect(
      kind.calls
        .slice(1)
        .flatMap((call) => call.numbers)
        .toSorted(),
    ).toEqual(numbers(0, 40).toSorted());
  });

  test("a refusal that may be about some records is narrowed down in halves", async () => {
    const time = createVirtualTime();
    const bad = new Set<unknown>([3, 12]);
    const kind = createLogKind(time, {}, (records) => {
      if (!records.some(({ value }) => bad.has(value.metadata.n))) return;
      throw new HookError("RECEIVER_REFUSED", "bad payload", { divisible: true });
    });
    const { emit, store } = openLog(time, kind);

    await emit(numbers(0, 16));
    await time.advance(1000);

    const dead = await store.deliveries({ states: ["dead"], oldestFirst: true });
    const events = (await store.events({ oldestFirst: true })).map(
      ({ body }) => JSON.parse(body) as PipehooksEvent,
    );
    const deadNumbers = dead.map(
      ({ eventId }) => events.find(({ id }) => id === eventId)?.metadata.n,
    );
    expect(deadNumbers).toEqual([3, 12]);
    expect(await store.deliveries({ states: ["delivered"] })).toHaveLength(14);
    expect(dead.map(({ attempts }) => attempts)).toEqual([1, 1]);
  });

  test("an answer that is not one for each record fails the call for good", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(time, {}, () => [undefined]);
    const { emit, store } = openLog(time, kind);

    await emit([1, 2]);
    await time.advance(1000);

    expect(await store.deliveries({ states: ["dead"] })).toMatchObject([
      { reason: expect.stringContaining("send() answered 1 outcomes for 2 records") },
      {},
    ]);
  });

  test.for([
    ["bytes", { bytes: Number.NaN }],
    ["bytes", { bytes: -1 }],
    ["bytes", { bytes: "5" as never }],
    ["time", { bytes: 1, time: Number.NaN }],
  ] as const)(
    "a record whose %s is no number is dead, and the others go",
    async ([name, wrong]) => {
      const time = createVirtualTime();
      const kind = createLogKind(time, {}, undefined, ({ event }) =>
        event.metadata.n === 2 ? (wrong as { bytes: number }) : {},
      );
      const { emit, store } = openLog(time, kind);

      await emit([1, 2, 3]);
      await time.advance(5000);

      expect(await store.deliveries({ states: ["dead"] })).toMatchObject([
        { reason: expect.stringContaining(`${name} ${String(wrong[name as "bytes"])}`) },
      ]);
      expect(await store.deliveries({ states: ["delivered"] })).toHaveLength(2);
    },
  );

  test("what is no outcome fails its record alone", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(time, {}, () => [undefined, "fine" as never]);
    const { emit, store } = openLog(time, kind);

    await emit([1, 2]);
    await time.advance(1000);

    expect(await store.deliveries({ states: ["dead"] })).toMatchObject([
      { reason: expect.stringContaining("send() answered fine, which is no outcome") },
    ]);
  });

  test("a call that hangs ends at the time-out, and its records are tried again", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(time, {}, (_, { signal, number }) =>
      number === 1 ? untilAborted({ signal }) : undefined,
    );
    const { emit, store } = openLog(time, kind, { policy: { timeout: "10s" } });

    await emit([1, 2]);
    await time.advance(20_000);

    expect(kind.calls.map((call) => call.numbers)).toEqual([
      [1, 2],
      [1, 2],
    ]);
    const [row] = await store.deliveries({});
    expect(await store.attempts(row?.id ?? 0)).toMatchObject([{ code: "TIMEOUT" }, {}]);
  });

  test("what the hook emits for a record is stored with its outcome", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(
      time,
      {},
      () => {},
      (delivery) => {
        delivery.emit("custom.logged", { metadata: { n: delivery.event.metadata.n ?? null } });
        return {};
      },
    );
    const { emit, store } = openLog(time, kind, { allowUnknownTypes: true });

    await emit([1, 2]);
    await time.advance(1000);

    const events = await store.events({ type: "custom.logged", oldestFirst: true });
    expect(events.map(({ body }) => JSON.parse(body).metadata.n)).toEqual([1, 2]);
  });
});

describe("the hook", () => {
  test("that cannot be made fails what waits for it, and is made again", async () => {
    const time = createVirtualTime();
    let made = 0;
    const sent: unknown[] = [];
    const hook = defineHook({
      name: "log",
      options: z.strictObject({}),
      batch: { maxCount: 10, maxBytes: 1000 },
      policy: { retry: { jitter: "none", base: "1s" } },
      create() {
        made += 1;
        if (made === 1) throw new HookError("RECEIVER_UNREACHABLE", "no", { retryable: true });
        return createBatchHook({
          record: () => ({ value: 0, bytes: 1 }),
          send: async (records) => void sent.push(records.length),
        });
      },
    })({});
    const store = createMemoryStore();
    const { bus } = openBus({ time, store, hooks: [{ name: "log", events: "*", hook }] });

    await bus.emit("pipeline.start");
    await time.advance(0);
    expect(await store.deliveries({})).toMatchObject([{ state: "retrying", reason: "no" }]);
    await time.advance(3000);

    expect(sent).toEqual([1]);
    expect(await store.deliveries({})).toMatchObject([{ state: "delivered", attempts: 2 }]);
  });

  test("whose kind batches and which does not says so", async () => {
    const time = createVirtualTime();
    const hook = defineHook({
      name: "log",
      options: z.strictObject({}),
      batch: { maxCount: 10, maxBytes: 1000 },
      create: () => ({ deliver() {} }),
    })({});
    const store = createMemoryStore();
    const { bus } = openBus({ time, store, hooks: [{ name: "log", events: "*", hook }] });

    await bus.emit("pipeline.start");
    await time.advance(0);

    expect(await store.deliveries({})).toMatchObject([
      { state: "dead", reason: expect.stringContaining("createBatchHook()") },
    ]);
  });

  test("is given its limits by its options", async () => {
    const time = createVirtualTime();
    const sent: number[] = [];
    const log = defineHook({
      name: "log",
      options: z.strictObject({ most: z.number() }),
      batch: ({ most }) => ({ maxCount: most, maxBytes: 1000, lingerMs: 100 }),
      create: () =>
        createBatchHook({
          record: () => ({ value: 0, bytes: 1 }),
          send: async (records) => void sent.push(records.length),
        }),
    });
    const { bus } = openBus({
      time,
      hooks: [{ name: "log", events: "*", hook: log({ most: 2 }) }],
    });

    await Promise.all([1, 2, 3, 4].map(() => bus.emit("pipeline.start")));
    await time.advance(100);

    expect(sent).toEqual([2, 2]);
  });

  test("delivers a single one where it is asked to", async () => {
    const refused = new HookError("RECEIVER_REFUSED", "no");
    const answers: readonly (readonly RecordOutcome[] | undefined)[] = [
      undefined,
      [delivered({ status: 204 })],
      [refused],
    ];
    const hooks = answers.map((answer) =>
      createBatchHook({
        record: ({ event }) => ({ value: event.type, bytes: 1 }),
        async send(records) {
          expect(records).toEqual([{ value: "pipeline.end", bytes: 1 }]);
          return answer;
        },
      }),
    );

    expect(await hooks[0]?.deliver(createTestDelivery())).toBeUndefined();
    expect(await hooks[1]?.deliver(createTestDelivery())).toEqual(delivered({ status: 204 }));
    await expect(hooks[2]?.deliver(createTestDelivery())).rejects.toBe(refused);
  });
});

describe("the end", () => {
  test("drain does not wait for company", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(time, { maxCount: 40, lingerMs: 3_600_000 });
    const { emit, bus } = openLog(time, kind);

    await emit(numbers(0, 90));
    const drained = bus.drain({ timeoutMs: 1000 });
    await time.advance(1000);

    expect(await drained).toBe(true);
    expect(kind.calls.map((call) => call.numbers.length)).toEqual([40, 40, 10]);
  });

  test("close delivers what is gathered", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(time, { lingerMs: 3_600_000 });
    const { emit, bus } = openLog(time, kind);

    await emit([1, 2]);
    await time.advance(10);
    const closed = bus.close();
    await time.advance(1000);
    await closed;

    expect(kind.calls).toMatchObject([{ at: 0.01, numbers: [1, 2] }]);
  });

  test("what cannot be sent before the deadline is given back to the store at once", async () => {
    const time = createVirtualTime();
    const store = createMemoryStore();
    const first = createLogKind(time, { maxCount: 10, lingerMs: 3_600_000 }, (_, { signal }) =>
      untilAborted({ signal }),
    );
    const { emit, bus } = openLog(time, first, { store: keepOpen(store) });
    await emit(numbers(0, 35));
    await time.advance(0);
    const closed = bus.close({ timeoutMs: 2000 });
    await time.advance(2000);
    await closed;

    const second = createLogKind(time, { maxCount: 100 });
    openLog(time, second, { store });
    await time.advance(2000);

    expect(first.calls).toHaveLength(1);
    expect(second.calls.flatMap((call) => call.numbers).toSorted()).toEqual(
      numbers(0, 35).toSorted(),
    );
  });

  test("drain does not wait for a destination that is closed for longer", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(time, { maxCount: 10 }, () => {
      const options = { retryable: true, scope: "destination", retryAfterMs: 600_000 } as const;
      throw new HookError("RECEIVER_FAILED", "slow down", options);
    });
    const { emit, bus } = openLog(time, kind);

    await emit(numbers(0, 40));
    await time.advance(1000);
    const drained = bus.drain({ timeoutMs: 60_000 });
    await time.advance(1000);

    expect(await drained).toBe(true);
  });

  test("leases are kept while records wait for company and while their call goes on", async () => {
    const time = createVirtualTime();
    const store = createMemoryStore();
    const gate = createGate();
    const kind = createLogKind(time, { lingerMs: 60_000 }, () => gate.opened);
    const { emit } = openLog(time, kind, {
      store: keepOpen(store),
      leaseMs: 3000,
      policy: { timeout: "1h" },
    });
    const other = createLogKind(time);
    await emit([1, 2]);
    await time.advance(10);
    openLog(time, other, { store: keepOpen(store), leaseMs: 3000 });

    await time.advance(120_000);
    gate.open();
    await time.advance(10_000);

    expect(kind.calls).toHaveLength(1);
    expect(other.calls).toEqual([]);
  });

  test("a delivery that is cancelled while it waits for company does not go", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(time, { lingerMs: 60_000 });
    const { emit, store } = openLog(time, kind, { leaseMs: 3000 });
    await emit([1, 2, 3]);
    await time.advance(10);

    const [, second] = await store.deliveries({ oldestFirst: true });
    await store.cancel({ ids: [second?.id ?? 0] }, time.now());
    await time.advance(60_000);

    expect(kind.calls.map((call) => call.numbers)).toEqual([[1, 3]]);
  });

  test("a hook that is switched off gives back what it holds", async () => {
    const time = createVirtualTime();
    const kind = createLogKind(time, { maxCount: 2 }, () => {
      throw new HookError("RECEIVER_GONE", "gone", { scope: "gone" });
    });
    const { emit, store } = openLog(time, kind);

    await emit(numbers(0, 7));
    await time.advance(10_000);

    expect(kind.calls).toHaveLength(1);
    const waiting = await store.deliveries({ states: ["waiting"] });
    expect(waiting).toHaveLength(5);
  });
});
