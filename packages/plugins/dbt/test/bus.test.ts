import {
  createPipehooks,
  type HookConfig,
  type PipehooksEvent,
  silentLogger,
} from "@pipehooks/core";
import plugin, { type DbtCloudRunOptions, dbtCloudRun } from "@pipehooks/dbt";
import {
  createDbtCloudReceiver,
  createVirtualTime,
  type DbtCloudReceiverOptions,
} from "@pipehooks/testing";
import { expect, test } from "vitest";
import { createBench } from "./bench.ts";

const minute = 60_000;

/** A bus on virtual time with the hook under test, and one behind it that notes what it is told. */
async function open(
  options: Partial<DbtCloudRunOptions>,
  {
    receiver = {},
    config = {},
  }: { receiver?: DbtCloudReceiverOptions; config?: Partial<HookConfig> } = {},
) {
  const time = createVirtualTime({ restMs: 10 });
  const dbt = await createDbtCloudReceiver({ now: time.now, ...receiver });
  const told: PipehooksEvent[] = [];
  const account = { host: dbt.url, token: dbt.token, accountId: 1, job: 42 };
  const hooks = createPipehooks({
    hooks: [
      {
        name: "build",
        events: "load.completed",
        hook: dbtCloudRun({ ...account, ...options }),
        ...config,
      },
      { name: "next", events: "dbt.run.*", hook: ({ event }) => void told.push(event) },
    ],
    events: plugin.events ?? {},
    allowUnknownTypes: true,
    clock: time.clock,
    random: time.random,
    logger: silentLogger,
  });
  return {
    time,
    dbt,
    hooks,
    told,
    rows: () => hooks.store.deliveries({ hook: "build" }),
    load: (connector: string, pipeline = "loads") =>
      hooks.emit("load.completed", { pipeline, metadata: { connector } }),
    async [Symbol.asyncDispose]() {
      await hooks.close({ timeoutMs: 0 });
      await dbt[Symbol.asyncDispose]();
    },
  };
}

test("what a gate gathered is one run of the union, told once, caused by what came", async () => {
  await using bus = await open(
    { select: "source:${metadata.connector}+" },
    { config: { digest: { by: "pipeline", every: "5m" } } },
  );

  for (let index = 0; index < 40; index += 1) await bus.load(`c${index % 4}`);
  await bus.time.advance(8 * minute);

  expect(bus.dbt.runs.map(({ trigger }) => trigger.stepsOverride)).toEqual([
    ["dbt build --select source:c0+ source:c1+ source:c2+ source:c3+"],
  ]);
  expect(bus.dbt.runs[0]?.trigger.cause).toContain("load.completed of loads and 39 more");
  expect(bus.told).toMatchObject([
    {
      type: "dbt.run.completed",
      pipeline: "loads",
      hops: 1,
      causedBy: expect.any(String),
      metadata: { events: expect.any(Array), run_id: bus.dbt.runs[0]?.id },
    },
  ]);
});

test("while a run goes on nothing is held, and the delivery says what it waits for", async () => {
  await using bus = await open(
    {},
    { receiver: { jobs: [{ id: 42, runs: { runMs: 5 * minute } }] } },
  );
  await bus.load("a");

  await bus.time.advance(2 * minute);

  const [row] = await bus.rows();
  expect(row).toMatchObject({ state: "pending", attempts: 0 });
  expect(row?.reason).toContain(`dbt job 42: run ${bus.dbt.runs[0]?.id} goes on (Running)`);
  expect(row?.reason).toContain(`/runs/${bus.dbt.runs[0]?.id}/`);
});

test("a 429 without a hint holds up the account for five minutes, and nothing is lost", async () => {
  await using bus = await open({});
  bus.dbt.fault({ on: "trigger", answer: 429, times: 1 });
  for (let index = 0; index < 3; index += 1) await bus.load("a");
  await bus.time.advance(1000);
  const asked = bus.dbt.requests.length;

  await bus.time.advance(4.9 * minute);
  const meanwhile = bus.dbt.requests.length - asked;
  await bus.time.advance(5 * minute);

  expect(meanwhile).toBe(0);
  expect((await bus.rows()).map(({ state }) => state)).toEqual(Array(3).fill("delivered"));
  expect(bus.dbt.runs).toHaveLength(3);
}, 20_000);

test("a failed run is a dead letter with its reason, and replaying it starts another one", async () => {
  await using bus = await open(
    {},
    { receiver: { jobs: [{ id: 42, runs: [{ outcome: "error" }, {}] }] } },
  );
  await bus.load("a");
  await bus.time.advance(5 * minute);
  const [dead] = await bus.rows();

  await bus.hooks.store.replay({ hook: "build" }, bus.time.now());
  bus.hooks.wake();
  await bus.time.advance(5 * minute);

  expect(dead).toMatchObject({ state: "dead", reason: expect.stringContaining("Database Error") });
  expect(bus.told.map(({ type }) => type)).toEqual(["dbt.run.failed", "dbt.run.completed"]);
  expect(bus.dbt.runs).toHaveLength(2);
});

test("a burst onto a running job makes one follow-up", async () => {
  await using bus = await open(
    { onRunning: "one_follow_up" },
    { receiver: { jobs: [{ id: 42, runs: { runMs: 2 * minute } }] } },
  );
  await bus.load("a");
  await bus.time.advance(minute);

  await Promise.all(Array.from({ length: 50 }, () => bus.load("a")));
  await bus.time.advance(8 * minute);

  const states = (await bus.rows()).map(({ state }) => state);
  expect(bus.dbt.runs).toHaveLength(2);
  expect(states.filter((state) => state === "skipped")).toHaveLength(49);
  expect(bus.told.map(({ type }) => type)).toEqual(["dbt.run.completed", "dbt.run.completed"]);
}, 20_000);

test("a run whose deadline passed while no process was there is cancelled all the same", async () => {
  await using bench = await createBench(
    { deadline: "1h", onDeadline: "cancel" },
    { jobs: [{ id: 42, runs: { runMs: Number.POSITIVE_INFINITY } }] },
  );
  const before = await bench.deliver({}, 5);

  await bench.time.advance(24 * 60 * minute);
  const { outcome, delivery } = await bench.deliver({ state: before.states.at(-1) });

  expect(outcome).toMatchObject({ type: "delivered" });
  expect(bench.dbt.runs.map(({ status }) => status)).toEqual([30]);
  expect(delivery.emitted.map(({ type }) => type)).toEqual(["dbt.run.cancelled"]);
});
