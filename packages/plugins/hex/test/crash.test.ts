import type { HexRunOptions } from "@pipehooks/hex";
import { createHexReceiver, type HexCourse, type HexOperation } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import {
  at,
  blind,
  crash,
  createFastClock,
  lost,
  type RunPoint,
  runPoints,
  unanswered,
  unheard,
} from "../../../testing/src/crash/index.ts";

const program = new URL("./children/deliver.ts", import.meta.url);
/** How many times as fast as ours time runs. */
const usualSpeed = 100;

interface Point extends RunPoint<HexOperation> {
  readonly options?: Partial<HexRunOptions>;
  readonly course?: (index: number) => HexCourse;
}

const usual = (): HexCourse => ({ runMs: 30_000 });
const endless = (): HexCourse => ({ runMs: 3_600_000 });

/** What is left of a point: how its runs and its deliveries ended. */
async function left(point: Point) {
  const { deaths, faults = [], options, emits = ["evt_1"] } = point;
  const { course = point.endless ? endless : usual, speed = usualSpeed } = point;
  const began = Date.now();
  await using hex = await createHexReceiver({
    now: createFastClock(began, speed).now,
    course: (_run, index) => course(index),
    listLagMs: 3000,
  });
  for (const fault of faults) hex.fault(fault);
  const { deliveries, reasons } = await crash<HexRunOptions>({
    program,
    life: {
      ...{ began, speed, emits },
      options: {
        ...{ host: hex.url, allowHttp: true, token: hex.token },
        project: hex.projectIds[0] ?? "",
        poll: { first: "2s", longest: "5s" },
        ...options,
      },
    },
    deaths: deaths.map((death) =>
      "asked" in death ? () => hex.count(death.asked) >= (death.number ?? 1) : death,
    ),
    survived() {
      // Looks came before their end, however slow the machine is.
      if (point.endless) for (const { runId } of hex.runs) hex.end(runId);
    },
  });
  return { runs: hex.runs.map((run) => hex.status(run)), deliveries, reasons };
}

const points = runPoints({
  start: "start",
  completed: "hex.run.completed",
  cancelling: '"asked":true',
});
const places = "shared:.* running";
const owners = "shared:\\S+ [\\da-f-]{36}";
const starts = "budget:.* starts";

const once = {
  runs: ["COMPLETED"],
  deliveries: ["chained delivered", "load delivered"],
  reasons: [],
};
const twice = {
  runs: ["COMPLETED", "COMPLETED"],
  deliveries: ["chained delivered", "chained delivered", "load delivered", "load delivered"],
  reasons: [],
};

describe.concurrent("a process killed", { timeout: 60_000 }, () => {
  test.for<readonly [string, Point]>([
    ...points.ofOneRun,
    ["when it has a place", { deaths: [at("update", "after", places)] }],
    ["when it has a start of the budget", { deaths: [at("update", "after", starts)] }],
    ["before it is stored whose run it is", { deaths: [at("update", "before", owners)] }],
    ["when it is stored whose run it is", { deaths: [at("update", "after", owners)] }],
  ])("%s leaves one run, whose end is told once", async ([, point]) => {
    expect(await left(point)).toEqual(once);
  });

  test.for<[string, Point]>([
    [
      "when both are started, before the answers",
      { deaths: [{ asked: "start", number: 2 }], faults: [unanswered("start", 2)] },
    ],
    [
      "when one is started and the other is asked for",
      {
        deaths: [{ asked: "start", number: 2 }],
        faults: [unanswered("start"), unheard("start")],
      },
    ],
    [
      "when one waits for the budget",
      { deaths: [at("settle", "after", '"waitingSince"')], options: { startRate: ["1/1m"] } },
    ],
    [
      "when one waits for the place of the other",
      { deaths: [at("settle", "after", '"waitingSince"')], options: { maxRunning: 1 } },
    ],
  ])("%s, leaves one run for each of two events", async ([, point]) => {
    expect(await left({ ...point, emits: ["evt_1", "evt_2"] })).toEqual(twice);
  });

  test.for(points.atTheDeadline)(
    "at the deadline, %s, leaves one run that is cancelled",
    async ([, point]) => {
      const result = await left({
        ...point,
        options: { deadline: "20s", onDeadline: "cancel" },
        course: endless,
      });

      expect(result).toEqual({ ...once, runs: ["KILLED"] });
    },
  );

  test.for(points.whereRunsAreReplaced)(
    "where runs are replaced, %s, leaves one cancelled run and one other",
    async ([, point]) => {
      const result = await left({
        ...point,
        emits: ["evt_1", "evt_2"],
        options: { onRunning: "cancel_and_replace" },
        course: (index) => ({ runMs: index === 0 ? 3_600_000 : 30_000 }),
      });

      expect(result).toEqual({ ...twice, runs: ["KILLED", "COMPLETED"] });
    },
  );

  const nobodyKnows = expect.stringMatching(/nobody can say whether a run was started.*403/);

  test.for<[string, Point, number]>([
    [
      "when the run is started, before the answer",
      { deaths: [{ asked: "start" }], faults: [unanswered("start"), blind] },
      1,
    ],
    [
      "when the start is asked for",
      { deaths: [{ asked: "start" }], faults: [unheard("start"), blind] },
      0,
    ],
    [
      "before it is stored that nobody knows",
      { deaths: [at("settle", "before", '"to":"dead"')], faults: [lost("start"), blind] },
      1,
    ],
  ])("%s, starts no other run where lists prove nothing, and says so", async ([, point, runs]) => {
    const { deliveries, reasons, ...rest } = await left(point);

    expect(deliveries).toEqual(["load dead"]);
    expect(reasons).toEqual([nobodyKnows]);
    expect(rest.runs).toHaveLength(runs);
  });

  test.for<[string, Point, number]>([
    [
      "when the run is started, before the answer",
      { deaths: [{ asked: "start" }], faults: [unanswered("start"), blind] },
      2,
    ],
    [
      "when the start is asked for",
      { deaths: [{ asked: "start" }], faults: [unheard("start"), blind] },
      1,
    ],
  ])(
    "%s, starts another run where lists prove nothing and that is preferred",
    async ([, point, runs]) => {
      const result = await left({ ...point, options: { whenUnknown: "trigger_again" } });

      expect(result).toEqual({ ...once, runs: Array(runs).fill("COMPLETED") });
    },
  );

  test.for<[string, Point]>([
    ["before that is stored", { deaths: [at("settle", "before", '"again":1')] }],
    [
      "when the other one is started, before the answer",
      { deaths: [{ asked: "start", number: 2 }], faults: [{ ...unanswered("start"), every: 2 }] },
    ],
  ])("%s, leaves one other run where the first one had no kernel", async ([, point]) => {
    const result = await left({
      ...point,
      options: { retryRun: 1 },
      course: (index) => (index === 0 ? { end: "UNABLE_TO_ALLOCATE_KERNEL" } : { runMs: 5000 }),
    });

    expect(result).toEqual({ ...once, runs: ["UNABLE_TO_ALLOCATE_KERNEL", "COMPLETED"] });
  });
});
