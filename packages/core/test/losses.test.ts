import {
  createMemoryStore,
  createPipehooks,
  type DeliverFunction,
  type PolicyInput,
  type Store,
  silentLogger,
} from "@pipehooks/core";
import { createVirtualTime } from "@pipehooks/testing";
import { expect, test } from "vitest";
import { createGate, createRecorder, keepOpen, openBus } from "./virtual-bus.ts";

const time = () => createVirtualTime();
type Time = ReturnType<typeof time>;

/** A store with so many events for the hook `one`, emitted by a process that delivers nothing. */
async function stored(clock: Time, count: number): Promise<Store> {
  const store = keepOpen(createMemoryStore());
  const bus = createPipehooks({
    store,
    clock: clock.clock,
    logger: silentLogger,
    deliver: false,
    hooks: [{ name: "one", events: "*", hook: () => {} }],
  });
  for (let n = 1; n <= count; n += 1) await bus.emit("pipeline.end", { id: `e${n}` });
  await bus.close();
  return store;
}

/** What a process leaves behind that takes everything and is killed. */
async function killProcess(store: Store, { now }: Time): Promise<void> {
  const lanes = [{ hook: "one", keys: [], limit: 100 }];
  await store.claim({ lanes, owner: `killed at ${now()}`, now: now(), leaseMs: 1 });
}

async function killProcesses(store: Store, clock: Time, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    await killProcess(store, clock);
    await clock.advance(1);
  }
}

/** A process that delivers. */
function deliverTo(
  hook: DeliverFunction,
  store: Store,
  clock: Time,
  policy: Pick<PolicyInput, "retry"> = {},
) {
  return openBus({ store, time: clock, hooks: [{ name: "one", events: "*", hook, ...policy }] });
}

/** A hook that takes a second for each delivery, and how many it had at a time. */
function createCounter(time: Time) {
  let [running, most] = [0, 0];
  const recorder = createRecorder(time, async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise<void>((resolve) => void time.clock.timer(1000, resolve));
    running -= 1;
  });
  return { recorder, most: () => most };
}

const attemptsOf = async (store: Store, id: number) =>
  (await store.attempts(id)).map(({ number, outcome, code }) => [number, outcome, code]);

test("an attempt whose process was killed is on record, and the next one begins at once", async () => {
  const clock = time();
  const store = await stored(clock, 1);
  await killProcesses(store, clock, 1);
  const recorder = createRecorder(clock);
  const { bus } = deliverTo(recorder.hook, store, clock);
  const told: unknown[] = [];
  bus.on("pipehooks.delivery.*", ({ type, metadata }) => {
    told.push([type, metadata.attempt, metadata.code]);
  });
  await clock.advance(0);

  expect(recorder.calls.map(({ at, delivery }) => [at, delivery.attempt])).toEqual([[0, 2]]);
  expect(await attemptsOf(store, 1)).toEqual([
    [1, "retry", "ATTEMPT_LOST"],
    [2, "delivered", undefined],
  ]);
  expect(told).toEqual([
    ["pipehooks.delivery.attempted", 1, "ATTEMPT_LOST"],
    ["pipehooks.delivery.retrying", 1, "ATTEMPT_LOST"],
    ["pipehooks.delivery.attempted", 2, undefined],
    ["pipehooks.delivery.delivered", 2, undefined],
  ]);
});

test("also where one attempt is all that the policy allows", async () => {
  const clock = time();
  const store = await stored(clock, 1);
  await killProcesses(store, clock, 1);
  const recorder = createRecorder(clock);
  const retry = { attempts: 1 };
  deliverTo(recorder.hook, store, clock, { retry });
  await clock.advance(0);

  expect(recorder.calls).toHaveLength(1);
});

test("what was lost twice in a row waits as after a failure, and goes alone; what comes new does not wait for it", async () => {
  const clock = time();
  const store = await stored(clock, 4);
  await killProcesses(store, clock, 2);
  const ends = createGate();
  const recorder = createRecorder(clock, ({ event }) =>
    event.id.startsWith("e") ? ends.opened : undefined,
  );
  const { bus } = openBus({
    store,
    time: clock,
    hooks: [
      {
        name: "one",
        events: "*",
        hook: recorder.hook,
        retry: { base: "10s", factor: 2, jitter: "none" },
        timeout: "1h",
      },
    ],
  });
  const suspects = () => recorder.calls.filter(({ event }) => event.id.startsWith("e"));
  await clock.advance(19_000);
  await bus.emit("pipeline.end", { id: "new" });
  await clock.advance(0);
  expect(recorder.calls.map(({ event }) => event.id)).toEqual(["new"]);

  await clock.advance(10_000);
  expect(suspects()).toHaveLength(1);
  await bus.emit("pipeline.end", { id: "newer" });
  await clock.advance(0);
  expect(recorder.calls.map(({ event }) => event.id)).toContain("newer");

  ends.open();
  await clock.advance(1000);
  expect(new Set(suspects().map(({ event }) => event.id)).size).toBe(4);
  expect(suspects()).toHaveLength(4);
  expect(await store.counts()).toEqual([{ hook: "one", state: "delivered", count: 6 }]);
});

test("with each that comes through one more goes at a time", async () => {
  const clock = time();
  const store = await stored(clock, 50);
  await killProcesses(store, clock, 2);
  const { recorder, most } = createCounter(clock);
  const retry = { base: "1s", factor: 1 };
  deliverTo(recorder.hook, store, clock, { retry });
  await clock.advance(15_000);

  expect(recorder.calls).toHaveLength(50);
  expect(most()).toBe(10);
  const began = (n: number) => Math.floor(recorder.times()[n] ?? 0);
  expect(began(1)).toBeGreaterThan(began(0));
});

test("one that would be given up next goes with none of the others", async () => {
  const clock = time();
  const store = await stored(clock, 8);
  await killProcesses(store, clock, 4);
  const { recorder, most } = createCounter(clock);
  const retry = { base: "1s", factor: 1 };
  deliverTo(recorder.hook, store, clock, { retry });
  await clock.advance(30_000);

  expect(recorder.calls).toHaveLength(8);
  expect(most()).toBe(1);
});

test("while one of them is tried this process holds none of the others, which would be lost with it", async () => {
  const clock = time();
  const store = await stored(clock, 8);
  await killProcesses(store, clock, 2);
  const held: number[] = [];
  const recorder = createRecorder(clock, async () => {
    held.push((await store.deliveries({ states: ["running"] })).length);
  });
  // Due at one time, so that they are claimed together.
  const retry = { base: "1s", factor: 1, jitter: "none" } as const;
  deliverTo(recorder.hook, store, clock, { retry });
  await clock.advance(30_000);

  expect(held).toHaveLength(8);
  expect(held[0]).toBe(1);
});

test("those that wait for their turn are not left until somebody looks around", async () => {
  const clock = time();
  const store = await stored(clock, 30);
  await killProcesses(store, clock, 2);
  const recorder = createRecorder(clock);
  const retry = { base: "10ms", factor: 1, jitter: "none" } as const;
  deliverTo(recorder.hook, store, clock, { retry });
  await clock.advance(1000);

  expect(recorder.calls).toHaveLength(30);
});

test("what ends every process that tries it is given up after five of them", async () => {
  const clock = time();
  const store = await stored(clock, 1);
  const recorder = createRecorder(clock);
  await killProcesses(store, clock, 5);
  deliverTo(recorder.hook, store, clock);
  await clock.advance(0);

  expect(recorder.calls).toEqual([]);
  const [row] = await store.deliveries({});
  expect(row).toMatchObject({ state: "dead", attempts: 5 });
  expect(row?.reason).toMatch(/^one: the process that held it ended.* after 5 times in a row/);
  expect(await attemptsOf(store, 1)).toEqual([[5, "dead", "ATTEMPT_LOST"]]);
});

test("a failure in between ends the row of them", async () => {
  const clock = time();
  const store = await stored(clock, 1);
  await killProcesses(store, clock, 4);
  const recorder = createRecorder(clock, (_, call) => {
    if (call === 1) throw new Error("once");
  });
  const retry = { base: "1s", cap: "1s", jitter: "none" } as const;
  const one = { name: "one", events: "*", hook: recorder.hook, retry };
  const first = openBus({ store, time: clock, hooks: [one] });
  await clock.advance(1500);
  await first.bus.close();
  expect(recorder.calls).toHaveLength(1);
  await clock.advance(1000);
  await killProcesses(store, clock, 1);
  openBus({ store, time: clock, hooks: [one] });
  await clock.advance(0);

  expect(recorder.calls).toHaveLength(2);
  expect(await store.counts()).toEqual([{ hook: "one", state: "delivered", count: 1 }]);
});

test("a remote run that goes on is looked at again, with its state", async () => {
  const clock = time();
  const store = await stored(clock, 1);
  const lanes = [{ hook: "one", keys: [], limit: 1 }];
  await store.claim({ lanes, owner: "me", now: clock.now(), leaseMs: 1000 });
  const now = clock.now();
  const state = { run: 7 };
  await store.settle([{ id: 1, owner: "me", now, to: "pending", dueAt: now, attempts: 0, state }]);
  await killProcesses(store, clock, 1);
  const recorder = createRecorder(clock);
  deliverTo(recorder.hook, store, clock);
  await clock.advance(0);

  expect(recorder.calls.map(({ delivery }) => delivery.state)).toEqual([state]);
});

test("while one is tried for the last time nothing is claimed that could be lost with it", async () => {
  const clock = time();
  const inner = await stored(clock, 2);
  await killProcesses(inner, clock, 4);
  let claims = 0;
  const store: Store = {
    ...inner,
    claim(request) {
      claims += 1;
      return inner.claim(request);
    },
  };
  const counter = createCounter(clock);
  const { bus } = deliverTo(counter.recorder.hook, store, clock, { retry: { base: "1ms" } });
  await clock.advance(500);

  const before = claims;
  await clock.advance(400);
  const during = claims;
  await clock.advance(60_000);

  expect(before).toBeGreaterThan(0);
  expect(during).toBe(before);
  expect(await bus.store.counts()).toEqual([{ hook: "one", state: "delivered", count: 2 }]);
});
