import {
  type Budget,
  createMemoryStore,
  createPipehooks,
  defineHook,
  endlessBudget,
  pending,
  type Store,
  silentLogger,
} from "@pipehooks/core";
import { createVirtualTime, type VirtualTime } from "@pipehooks/testing";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { keepOpen, slowToUpdate } from "./virtual-bus.ts";

/** A process with one hook, which hands out what its context has. */
async function openContext(
  time: VirtualTime,
  store: Store,
): Promise<(name: string, windows: readonly string[]) => Budget> {
  let make: ((name: string, windows: readonly string[]) => Budget) | undefined;
  const kind = defineHook({
    name: "kind",
    options: z.strictObject({}),
    create({ ...options }, context) {
      make = context.budget;
      return { deliver: () => void options };
    },
  });
  const bus = createPipehooks({
    clock: time.clock,
    store: keepOpen(store),
    hooks: [{ name: "nightly", events: "pipeline.end", hook: kind({}) }],
  });
  onTestFinished(() => bus.close());
  await bus.emit("pipeline.end");
  await time.advance(1);
  if (make === undefined) throw new Error("no hook was made");
  return make;
}

async function takeMany(budget: Budget, count: number): Promise<number> {
  let granted = 0;
  for (let n = 0; n < count; n += 1) if ((await budget.take()).granted) granted += 1;
  return granted;
}

test("a budget grants as many as each of its windows allows", async () => {
  const time = createVirtualTime();
  const budget = (await openContext(time, createMemoryStore()))("starts", ["20/1m", "60/1h"]);

  const granted: number[] = [];
  for (let minute = 0; minute < 6; minute += 1) {
    granted.push(await takeMany(budget, 30));
    await time.advance(62_000);
  }

  expect(granted).toEqual([20, 20, 20, 0, 0, 0]);
});

test("a budget holds over all processes and all hooks that name it, and no others", async () => {
  const time = createVirtualTime();
  const store = createMemoryStore();
  const [here, there] = [await openContext(time, store), await openContext(time, store)];

  const granted = [
    await takeMany(here("starts", ["3/1m"]), 2),
    await takeMany(there("starts", ["3/1m"]), 2),
    await takeMany(here("starts", ["3/1m"]), 2),
    await takeMany(here("others", ["3/1m"]), 5),
  ];

  expect(granted).toEqual([2, 1, 0, 3]);
});

test("of different windows under one name the strictest holds, and what was taken counts", async () => {
  const time = createVirtualTime();
  const make = await openContext(time, createMemoryStore());

  const granted = [
    await takeMany(make("starts", ["2/1m"]), 1),
    await takeMany(make("starts", ["5/1m", "3/1h"]), 5),
  ];
  await time.advance(62_000);
  granted.push(await takeMany(make("starts", ["2/1m"]), 5));

  expect(granted).toEqual([1, 1, 2]);
});

test("those who are refused are told times at which there is room for each of them", async () => {
  const time = createVirtualTime();
  const budget = (await openContext(time, createMemoryStore()))("starts", ["2/1m"]);
  await takeMany(budget, 2);

  const answers = await Promise.all(
    Array.from({ length: 6 }, () => budget.take({ waited: false })),
  );
  const times = answers.map(({ againAt = 0 }) => againAt - time.now());
  let granted = 0;
  for (const { againAt = 0 } of answers) {
    await time.advance(againAt - time.now());
    if ((await budget.take({ waited: true })).granted) granted += 1;
  }

  expect(answers.every((answer) => !answer.granted)).toBe(true);
  expect(times.map((ms) => Math.floor(ms / 60_000))).toEqual([1, 1, 2, 2, 3, 3]);
  expect(granted).toBe(6);
});

test("who has not waited goes behind those who do", async () => {
  const time = createVirtualTime();
  const budget = (await openContext(time, createMemoryStore()))("starts", ["1/1m"]);
  await takeMany(budget, 1);
  const first = await budget.take({ waited: false });
  await time.advance((first.againAt ?? 0) - time.now());

  const late = await budget.take({ waited: false });
  const waited = await budget.take({ waited: true });

  expect(late.granted).toBe(false);
  expect(late.againAt).toBeGreaterThan(first.againAt ?? 0);
  expect(waited).toEqual({ granted: true });
});

test("where the store takes its time to grant, no window follows too soon", async () => {
  const time = createVirtualTime();
  const store = slowToUpdate(createMemoryStore(), time, 900);
  const budget = (await openContext(time, store))("starts", ["1/1s"]);

  const first = budget.take();
  await time.advance(900);
  const granted = [(await first).granted];
  await time.advance(200);
  granted.push((await budget.take()).granted);
  await time.advance(820);
  granted.push((await budget.take()).granted);

  expect(granted).toEqual([true, false, true]);
});

test("a budget that is wrong is refused by name of the rate", async () => {
  const make = await openContext(createVirtualTime(), createMemoryStore());

  expect(() => make("starts", ["often"])).toThrow("often");
});

test("the endless budget grants everything", async () => {
  expect(await takeMany(endlessBudget("starts", ["1/1d"]), 50)).toBe(50);
});

test("an attempt that says it sent nothing leaves the destination's rate limit as it was", async () => {
  const time = createVirtualTime();
  const store = createMemoryStore();
  const sent: number[] = [];
  const bus = createPipehooks({
    clock: time.clock,
    store: keepOpen(store),
    hooks: [
      {
        name: "nightly",
        events: "pipeline.end",
        rateLimit: ["2/1m"],
        hook({ state }) {
          if (state === undefined) {
            return pending({ state: 1, againMs: 0, sent: false, record: false, reason: "soon" });
          }
          sent.push(time.now());
          return undefined;
        },
      },
    ],
  });
  onTestFinished(() => bus.close());
  const start = time.now();

  for (let n = 0; n < 6; n += 1) await bus.emit("pipeline.end");
  await time.advance(200_000);

  const minutes = sent.map((at) => Math.floor((at - start) / 60_000));
  expect(minutes).toEqual([0, 0, 1, 1, 2, 2]);
  const attempts = await store.attempts(1);
  expect(attempts.map(({ outcome }) => outcome)).toEqual(["delivered"]);
});

test("an attempt that sent nothing gives back no more than it took", async () => {
  const time = createVirtualTime();
  const sent: number[] = [];
  const bus = createPipehooks({
    clock: time.clock,
    logger: silentLogger,
    hooks: [
      {
        name: "nightly",
        events: "pipeline.end",
        rateLimit: ["3/1m"],
        hook({ state, event }) {
          if (state === undefined && event.metadata.waits === true) {
            return pending({ state: 1, againMs: 3_600_000, sent: false });
          }
          sent.push(time.now());
          return undefined;
        },
      },
    ],
  });
  onTestFinished(() => bus.close());

  for (const waits of [false, false, true, false, false]) {
    await bus.emit("pipeline.end", { metadata: { waits } });
    await time.advance(10);
  }

  expect(sent).toHaveLength(3);
});
