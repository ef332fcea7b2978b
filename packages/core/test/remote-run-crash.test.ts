import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  createMemoryStore,
  createPipehooks,
  type RemoteRunClient,
  type RemoteRunOptions,
  remoteRunEvents,
  type Store,
  silentLogger,
} from "@pipehooks/core";
import { createVirtualTime, type VirtualTime } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import {
  createElsewhere,
  createMortal,
  type Mortal,
  type Script,
  toKind,
  unreachable,
} from "./scripted-runs.ts";
import { openBus } from "./virtual-bus.ts";

const events = remoteRunEvents("elsewhere");
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const immortal = Number.POSITIVE_INFINITY;

/** The client as a process has it: its calls are steps at which the process may die, before and after they had effect. */
function clientOf(process: Mortal, client: RemoteRunClient): RemoteRunClient {
  const through =
    <Given extends unknown[], Result>(call: (...given: Given) => Promise<Result>) =>
    async (...given: Given): Promise<Result> => {
      await process.step();
      const result = await call(...given);
      await process.step();
      return result;
    };
  const { find, active, startAgain } = client;
  return {
    ...client,
    start: through(client.start),
    look: through(client.look),
    cancel: through(client.cancel),
    ...(find !== undefined && { find: through(find) }),
    ...(active !== undefined && { active: through(active) }),
    ...(startAgain !== undefined && { startAgain: through(startAgain) }),
  };
}

/** A process that delivers from a store which outlives it. */
function openProcess(parts: {
  readonly store: Store;
  readonly time: VirtualTime;
  readonly client: RemoteRunClient;
  readonly options: RemoteRunOptions;
  readonly diesAt: number;
}): Mortal {
  const { store, time, options } = parts;
  const process = createMortal(parts.diesAt);
  // Never closed: nobody tidies up behind a process that died.
  createPipehooks({
    clock: time.clock,
    random: time.random,
    logger: silentLogger,
    store: process.wrap(store),
    events,
    hooks: [
      {
        name: "nightly",
        events: "pipeline.end",
        hook: toKind(clientOf(process, parts.client), options),
      },
    ],
  });
  return process;
}

/** One event, one process that dies at a step of its, and one that comes after it. */
async function crash(script: Script, options: RemoteRunOptions, diesAt: number) {
  const time = createVirtualTime();
  const store = createMemoryStore();
  const elsewhere = createElsewhere(time, script);
  const parts = { store, time, client: elsewhere.client, options };
  const { bus } = openBus({
    time,
    deliver: false,
    store: createMortal(immortal).wrap(store),
    hooks: [{ name: "nightly", events: "pipeline.end", hook: () => {} }],
  });
  await bus.emit("pipeline.end");

  const first = openProcess({ ...parts, diesAt });
  await time.advance(60_000);
  const died = first.dead;
  openProcess({ ...parts, diesAt: immortal });
  await time.advance(3_600_000);

  const [delivery] = await store.deliveries({ hook: "nightly" });
  const ends = await store.events({ type: "elsewhere.run.completed" });
  return { died, runs: elsewhere.runs.length, state: delivery?.state, ends: ends.length };
}

/** Dies at each step there is. */
async function crashEverywhere(script: Script, options: RemoteRunOptions = {}) {
  const results = [];
  for (let diesAt = 1; ; diesAt += 1) {
    const result = await crash(script, options, diesAt);
    if (!result.died) return results;
    results.push(result);
  }
}

describe("a process that dies at any step of a run", () => {
  test.for([
    ["where the receiver knows the marker", { idempotent: true }, {}],
    ["where lists prove whether there is a run", { findProves: true }, {}],
    ["where lists prove it, and lag", { findProves: true, lagMs: 12_000 }, {}],
    [
      "where the receiver knows the marker and other runs count",
      { idempotent: true },
      { onRunning: "skip" },
    ],
    [
      "where the first start ends in 502 after its effect",
      {
        findProves: true,
        fault(call, when, n) {
          if (call === "start" && when === "after" && n === 0) throw unreachable("502");
        },
      },
      {},
    ],
    [
      "where the first start ends in 502 before its effect",
      {
        findProves: true,
        fault(call, when, n) {
          if (call === "start" && when === "before" && n === 0) throw unreachable("502");
        },
      },
      {},
    ],
  ] as [string, Script, RemoteRunOptions][])(
    "leaves one run, one delivery and one event, %s",
    async ([, script, options]) => {
      const results = await crashEverywhere(script, options);

      expect(results.length).toBeGreaterThanOrEqual(20);
      for (const [index, result] of results.entries()) {
        expect({ step: index + 1, ...result }).toEqual({
          ...{ step: index + 1, died: true, runs: 1, state: "delivered", ends: 1 },
        });
      }
    },
  );

  test("leaves at most one run where nothing proves that there is none", async () => {
    const results = await crashEverywhere({});

    for (const { runs, state, ends } of results) {
      expect([runs, state, ends]).toEqual(runs === 1 ? [1, "delivered", 1] : [0, "dead", 0]);
    }
    expect(results.filter(({ runs }) => runs === 0).length).toBeLessThan(results.length / 3);
  });

  test("leaves a run at least where the user prefers two to none", async () => {
    const results = await crashEverywhere(
      { change: ({ find: _, ...client }) => client },
      { whenUnknown: "trigger_again" },
    );

    for (const { runs, state } of results) {
      expect(runs).toBeGreaterThanOrEqual(1);
      expect(runs).toBeLessThanOrEqual(2);
      expect(state).toBe("delivered");
    }
  });

  test("leaves one run more where one that failed is started again", async () => {
    const results = await crashEverywhere(
      {
        findProves: true,
        ends: (n) => (n === 0 ? { state: "failed", worthAnotherRun: true } : {}),
      },
      { retryRun: 1, poll: { longest: "5s" } },
    );

    for (const { runs, state, ends } of results) {
      expect([runs, state, ends]).toEqual([2, "delivered", 1]);
    }
  });
});

test("a run of two hours of which every third look fails, over a restart, ends in one event", async () => {
  const time = createVirtualTime();
  const store = createMemoryStore();
  const elsewhere = createElsewhere(time, {
    takesMs: 7_200_000,
    fault(call) {
      if (call === "look" && time.random() < 0.3) throw unreachable("502");
    },
  });
  const parts = { store, time, client: elsewhere.client, options: {} };
  const { bus } = openBus({
    time,
    deliver: false,
    store: createMortal(immortal).wrap(store),
    hooks: [{ name: "nightly", events: "pipeline.end", hook: () => {} }],
  });
  await bus.emit("pipeline.end");

  openProcess({ ...parts, diesAt: 150 });
  await time.advance(3_600_000);
  openProcess({ ...parts, diesAt: immortal });
  await time.advance(7_200_000);

  expect(elsewhere.runs).toHaveLength(1);
  expect((await store.deliveries({}))[0]).toMatchObject({ state: "delivered" });
  expect(await store.events({ type: "elsewhere.run.completed" })).toHaveLength(1);
});

test("5,000 runs that go on take up little memory", async () => {
  const time = createVirtualTime();
  const measure = async (starts: boolean): Promise<number> => {
    const store = createMemoryStore();
    const elsewhere = createElsewhere(time, { takesMs: 86_400_000, idempotent: true });
    // The service and its log are not ours: their memory is not counted.
    const runs = new Map<string, number>();
    const client: RemoteRunClient = {
      ...elsewhere.client,
      start: async ({ marker }) => ({ id: marker, url: `https://runs.example/${runs.size}` }),
      look: async () => ({ state: "running", label: "RUNNING" }),
    };
    const hook = starts ? toKind(client) : () => new Promise<void>(() => {});
    const { bus } = openBus({
      time,
      store,
      events,
      hooks: [
        {
          name: "nightly",
          events: "pipeline.end",
          hook,
          concurrency: starts ? 100 : 1,
          timeout: "1d",
        },
      ],
    });
    for (let n = 0; n < 5000; n += 1) await bus.emit("pipeline.end", { metadata: { n } });
    await time.advance(starts ? 600_000 : 1000);
    const counts = await store.counts();
    if (starts) expect(counts).toMatchObject([{ state: "pending", count: 5000 }]);
    collect();
    const used = process.memoryUsage().heapUsed;
    await bus.close({ timeoutMs: 0 });
    return used;
  };

  const without = await measure(false);
  const having = await measure(true);

  expect((having - without) / 1024 / 1024).toBeLessThan(50);
}, 120_000);
