import {
  type ActiveRun,
  createMemoryStore,
  defineEvents,
  type EventTypes,
  type PipehooksEvent,
  type RemoteRunClient,
  type RemoteRunOptions,
  type RunReport,
  remoteRunEvents,
} from "@pipehooks/core";
import { createVirtualTime } from "@pipehooks/testing";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { createElsewhere, type Script, toKind } from "./scripted-runs.ts";
import { keepOpen, openBus } from "./virtual-bus.ts";

// What authors of kinds write may be other than its types say.

function open(
  script: Script,
  options: RemoteRunOptions = {},
  events: EventTypes = remoteRunEvents("elsewhere"),
) {
  const time = createVirtualTime();
  const store = createMemoryStore();
  const elsewhere = createElsewhere(time, script);
  const heard: PipehooksEvent[] = [];
  const { bus, log } = openBus({
    time,
    store: keepOpen(store),
    events,
    hooks: [{ name: "nightly", events: "pipeline.end", hook: toKind(elsewhere.client, options) }],
  });
  bus.on("elsewhere.*.*", (event) => void heard.push(event));
  const run = async (seconds = 120) => {
    await bus.emit("pipeline.end");
    await time.advance(seconds * 1000);
    const [delivery] = await store.deliveries({ hook: "nightly" });
    return delivery;
  };
  return { ...elsewhere, bus, time, run, heard, log };
}

/** A client whose looks answer one after the other, the last one for ever. */
function looksLike(...answers: readonly unknown[]): Script {
  let looks = 0;
  const look = async () => {
    const answer = answers[Math.min(looks, answers.length - 1)];
    looks += 1;
    return answer as RunReport;
  };
  return { change: (client) => ({ ...client, look }) };
}

const failed = { state: "failed", label: "FAILED" };

describe("a state that there is not", () => {
  test.for([
    ["none, for a label that is new", undefined, "nothing"],
    ["the receiver's own word", "SUCCESS", '"SUCCESS"'],
    ["a property of every object", "constructor", '"constructor"'],
    ["a number", 4, "4"],
  ] as const)("(%s) ends nothing: the run is looked at again", async ([, state, said]) => {
    const { run, heard, log } = open(
      looksLike(
        { state: "running", label: "RUNNING" },
        { state, label: "PAUSED" },
        { state: "running", label: "RUNNING" },
        failed,
      ),
    );

    const delivery = await run();

    expect(delivery).toMatchObject({ state: "dead" });
    expect(heard).toMatchObject([{ type: "elsewhere.run.failed" }]);
    expect(log).toContain(
      "warn: nightly: job 42: run 1 could not be looked at: " +
        `it is "PAUSED", which is not known: its client says ${said} of its state`,
    );
  });

  test("shows with the delivery, for as long as it lasts", async () => {
    const { run, heard } = open(looksLike({ state: undefined, label: "PAUSED" }));

    const delivery = await run();

    expect(delivery).toMatchObject({
      state: "pending",
      reason: expect.stringContaining('The last look told nothing: it is "PAUSED"'),
    });
    expect(heard).toEqual([]);
  });

  test.for([undefined, null, "failed"])("nor does the answer %j", async (answer) => {
    const { run, heard } = open(looksLike(answer, { state: "succeeded", label: "OK" }));

    expect(await run()).toMatchObject({ state: "delivered" });
    expect(heard).toMatchObject([{ type: "elsewhere.run.completed" }]);
  });
});

describe("an id", () => {
  const withIds = (toId: (id: string) => unknown): NonNullable<Script["change"]> => {
    const change = <Run extends { id: string }>(run: Run): Run => ({
      ...run,
      id: toId(run.id) as string,
    });
    return (client): RemoteRunClient => ({
      ...client,
      start: async (trigger) => change(await client.start(trigger)),
      find: async (trigger) => {
        const run = await client.find?.(trigger);
        return run && change(run);
      },
      active: async (delivery) => ((await client.active?.(delivery)) ?? []).map(change),
    });
  };

  test.for([
    ["a number", Number],
    ["a BigInt", BigInt],
  ] as const)("that is %s is text from there on", async ([, toId]) => {
    const { run, heard, times } = open({ change: withIds(toId) });

    expect(await run()).toMatchObject({ state: "delivered" });
    expect(times("look 1")).not.toEqual([]);
    expect(heard[0]?.metadata).toMatchObject({ run_id: "1" });
  });

  test("that is a number is found as such, too", async () => {
    const { run, heard, runs } = open({
      change: withIds(Number),
      fault(call, when, n) {
        if (call === "start" && when === "after" && n === 0) throw new Error("cut");
      },
    });

    expect(await run()).toMatchObject({ state: "delivered" });
    expect(runs).toHaveLength(1);
    expect(heard[0]?.metadata).toMatchObject({ run_id: "1" });
  });

  test("that is a number is asked to end as text, and once", async () => {
    const { bus, time, times, heard } = open(
      { takesMs: 60_000, change: withIds(Number) },
      { onRunning: "cancel_and_replace" },
    );

    await bus.emit("pipeline.end");
    await time.advance(5000);
    await bus.emit("pipeline.end");
    await time.advance(600_000);

    expect(times("cancel 1")).toHaveLength(1);
    expect(heard).toMatchObject([
      { type: "elsewhere.run.cancelled", metadata: { run_id: "1" } },
      { type: "elsewhere.run.completed", metadata: { run_id: "2" } },
    ]);
  });

  test("that is a number is told from those of others that go on", async () => {
    const listed: ActiveRun[] = [];
    const { run, heard } = open(
      {
        change: (client) => ({
          ...client,
          start: async () => {
            listed.push({ id: 1 as never, queued: false });
            return { id: 1 as never };
          },
          look: async () => ({ state: "cancelled", label: "CANCELLED" }),
          // Lists lag behind.
          active: async () => listed,
        }),
      },
      { onRunning: "cancel_and_replace" },
    );

    expect(await run(600)).toMatchObject({ state: "dead" });
    expect(heard).toMatchObject([{ type: "elsewhere.run.cancelled" }]);
  });

  test.for([undefined, null, "", Number.NaN, {}])(
    "that is none (%j) leaves it unknown whether there is a run",
    async (id) => {
      const { run, runs } = open({
        change: (client) => ({
          ...client,
          find: undefined as never,
          start: async (trigger) => ({ ...(await client.start(trigger)), id: id as never }),
        }),
      });

      expect(await run()).toMatchObject({
        state: "dead",
        reason: expect.stringMatching(
          /nobody can say whether a run was started: the client answered a run with .* as its id/,
        ),
      });
      expect(runs).toHaveLength(1);
    },
  );

  test("comes with a start that is no time: it counts as started when it was found", async () => {
    const { run } = open({
      change: (client) => ({
        ...client,
        start: async (trigger) => ({ ...(await client.start(trigger)), startedAt: Number.NaN }),
      }),
    });

    expect(await run()).toMatchObject({ state: "delivered" });
  });
});

describe("the end of a run", () => {
  test("is told without the details that no JSON can carry, which are logged", async () => {
    const detail = { rows: 10n, ratio: Number.NaN, models: 12, at: new Date(0) } as never;
    const { run, heard, log } = open({ ends: () => ({ detail }) });

    await run();

    expect(heard).toMatchObject([
      {
        type: "elsewhere.run.completed",
        metadata: { run_id: "1", models: 12, at: "1970-01-01T00:00:00.000Z" },
      },
    ]);
    expect(heard[0]?.metadata).not.toHaveProperty("rows");
    expect(log).toContain(
      'warn: nightly: job 42: run 1: no JSON can carry its detail "rows", "ratio".',
    );
  });

  test("is told also where it failed with such details and is started again", async () => {
    const { run, runs, heard } = open(
      {
        ends: (n) =>
          n > 0 ? {} : { state: "failed", detail: { rows: 1n } as never, worthAnotherRun: true },
      },
      { retryRun: 1 },
    );

    expect(await run(600)).toMatchObject({ state: "delivered" });
    expect(runs).toHaveLength(2);
    expect(heard).toMatchObject([{ type: "elsewhere.run.completed" }]);
  });

  test("is told in brief where its details do not fit its type", async () => {
    const { run, heard, log } = open({ ends: () => ({ detail: { url: 5, models: 12 } }) });

    await run();

    expect(heard[0]?.metadata).toMatchObject({
      run_id: "1",
      url: "https://runs.example/1",
      truncated: true,
    });
    expect(log.join("\n")).toContain("goes without its details");
  });

  test("is told with the beginning of a message that is too long for an event", async () => {
    const message = "\u0001".repeat(300_000);
    const { run, heard } = open({ ends: () => ({ ...failed, state: "failed", message }) });

    await run();

    expect(heard).toMatchObject([{ type: "elsewhere.run.failed" }]);
    expect(heard[0]?.error?.message).toContain("\u0001".repeat(8000));
  });

  test("that is no text in its words is told all the same", async () => {
    const words = { label: 7, message: { code: 4 }, url: new URL("https://runs.example/7") };
    const { run, heard } = open(looksLike({ state: "failed", ...words }));

    await run();

    expect(heard[0]?.metadata).toMatchObject({ label: "7", url: "https://runs.example/7" });
  });

  test("that no type is defined for says which line to add, and where", async () => {
    const { run, log } = open({}, {}, {});

    expect(await run()).toMatchObject({ state: "delivered" });
    const told = log.find((line) => line.includes("elsewhere.run.completed was not emitted"));
    expect(told).toContain('`events: remoteRunEvents("elsewhere")` in createPipehooks');
  });
});

test("the types of outcome events are exact by their prefix", async () => {
  const events = { ...remoteRunEvents("builds"), ...defineEvents({ "my.own": z.object({}) }) };
  const { bus } = openBus({ events });
  const metadata = { run_id: "1", hook: "build", event: "e" };

  expectTypeOf<keyof typeof events>().toEqualTypeOf<
    "builds.run.completed" | "builds.run.failed" | "builds.run.cancelled" | "my.own"
  >();
  bus.on("builds.run.failed", ({ metadata: { run_id, label } }) => {
    expectTypeOf(run_id).toEqualTypeOf<string>();
    expectTypeOf(label).toEqualTypeOf<string | undefined>();
  });
  await bus.emit("builds.run.completed", { metadata });

  // @ts-expect-error no such type
  await expect(bus.emit("builds.run.ended", { metadata })).rejects.toMatchObject({
    code: "EVENT_TYPE_UNKNOWN",
  });
  // @ts-expect-error no such type
  await expect(bus.emit("pipeline.ended")).rejects.toMatchObject({ code: "EVENT_TYPE_UNKNOWN" });
});
