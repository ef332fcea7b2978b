import type { HexRunOptions } from "@pipehooks/hex";
import {
  createHexReceiver,
  type HexCourse,
  type HexFault,
  type HexOperation,
} from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { crash, createFastClock, type StoreCall } from "../../../testing/src/crash/index.ts";

const program = new URL("./children/deliver.ts", import.meta.url);
/** How many times as fast as ours time runs. */
const usualSpeed = 100;

/** A process is killed when so many of these requests have come, in all. */
interface Asked {
  readonly asked: HexOperation;
  readonly number?: number;
}

interface Point {
  readonly deaths: readonly (StoreCall | Asked)[];
  readonly faults?: readonly HexFault[];
  readonly options?: Partial<HexRunOptions>;
  readonly course?: (index: number) => HexCourse;
  readonly emits?: readonly string[];
  readonly speed?: number;
}

/** Runs that end when nobody is to be killed any more. */
const endless = (): HexCourse => ({ runMs: 3_600_000 });

/** What is left of a point: how its runs and its deliveries ended. */
async function left(point: Point) {
  const { deaths, faults = [], options, emits = ["evt_1"] } = point;
  const { course = () => ({ runMs: 30_000 }), speed = usualSpeed } = point;
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
      if (course === endless) for (const { runId } of hex.runs) hex.end(runId);
    },
  });
  return { runs: hex.runs.map((run) => hex.status(run)), deliveries, reasons };
}

const at = (call: StoreCall["call"], when: StoreCall["when"], matching: string): StoreCall => ({
  ...{ call, when, matching },
});
const aboutToStart = '"phase":"starting"';
const going = '"phase":"running"';
const doubting = '"doubt":';
const startingAgain = '"restarts":1';
const places = "shared:.* running";
const owners = "shared:\\S+ [\\da-f-]{36}";
const starts = "budget:.* starts";
const lost: HexFault = { on: "start", answer: 502, times: 1 };
const refused: HexFault = { on: "start", answer: 502, effect: false, times: 1 };
const unanswered = (on: HexOperation, times = 1): HexFault => ({ on, answer: "never", times });
const unheard = (on: HexOperation, times = 1): HexFault => ({
  ...{ on, answer: "never", effect: false, times },
});

const points: readonly [string, Point][] = [
  ["before it is claimed", { deaths: [at("claim", "before", '"load"')] }],
  ["before the start is stored", { deaths: [at("settle", "before", aboutToStart)] }],
  ["when the start is stored", { deaths: [at("settle", "after", aboutToStart)] }],
  ["when the start is claimed", { deaths: [at("claim", "after", aboutToStart)] }],
  ["when it has a place", { deaths: [at("update", "after", places)] }],
  ["when it has a start of the budget", { deaths: [at("update", "after", starts)] }],
  ["when the start is asked for", { deaths: [{ asked: "start" }], faults: [unheard("start")] }],
  [
    "when the run is started, before the answer",
    { deaths: [{ asked: "start" }], faults: [unanswered("start")] },
  ],
  [
    "when two starts are asked for, one after the other",
    {
      deaths: [{ asked: "start" }, { asked: "start", number: 2 }],
      faults: [unheard("start"), unanswered("start")],
    },
  ],
  ["before it is stored whose run it is", { deaths: [at("update", "before", owners)] }],
  ["when it is stored whose run it is", { deaths: [at("update", "after", owners)] }],
  ["behind the answer, before it is stored", { deaths: [at("settle", "before", going)] }],
  ["when the answer is stored", { deaths: [at("settle", "after", going)] }],
  ["at the first look", { deaths: [{ asked: "look" }], faults: [unheard("look")] }],
  ["between two looks", { deaths: [at("settle", "after", '"looks":1')], course: endless }],
  [
    "at the third look",
    {
      deaths: [{ asked: "look", number: 3 }],
      faults: [{ ...unheard("look"), every: 3 }],
      course: endless,
    },
  ],
  [
    "at a look, and the next process, too",
    { deaths: [{ asked: "look" }, { asked: "look", number: 2 }], faults: [unheard("look", 2)] },
  ],
  ["before the end is stored", { deaths: [at("settle", "before", "hex.run.completed")] }],
  ["when the end is stored", { deaths: [at("settle", "after", "hex.run.completed")] }],
  ["before a lost start is stored", { deaths: [at("settle", "before", doubting)], faults: [lost] }],
  ["when a lost start is stored", { deaths: [at("settle", "after", doubting)], faults: [lost] }],
  [
    "while a lost start is looked for, twice",
    {
      deaths: [{ asked: "list" }, { asked: "list", number: 2 }],
      faults: [lost, unheard("list", 2)],
    },
  ],
  [
    "when a lost start is found, before that is stored",
    { deaths: [at("settle", "before", going)], faults: [lost] },
  ],
  [
    "while a start that did not happen is looked for",
    { deaths: [at("settle", "after", '"asked":2')], faults: [refused] },
  ],
  [
    "before it is stored that a start did not happen",
    { deaths: [at("settle", "before", startingAgain)], faults: [refused] },
  ],
  [
    "when it is stored that a start did not happen",
    { deaths: [at("settle", "after", startingAgain)], faults: [refused] },
  ],
  [
    "when what did not happen is started, before the answer",
    { deaths: [{ asked: "start", number: 2 }], faults: [refused, unanswered("start")] },
  ],
];

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
  test.for(points)("%s leaves one run, whose end is told once", async ([, point]) => {
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

  test.for<[string, Point]>([
    [
      "when the cancel is asked for",
      { deaths: [{ asked: "cancel" }], faults: [unheard("cancel")] },
    ],
    [
      "when the run is cancelled, before the answer",
      { deaths: [{ asked: "cancel" }], faults: [unanswered("cancel")] },
    ],
    ["before the cancel is stored", { deaths: [at("settle", "before", '"asked":true')] }],
    ["when the cancel is stored", { deaths: [at("settle", "after", '"asked":true')] }],
  ])("at the deadline, %s, leaves one run that is cancelled", async ([, point]) => {
    const result = await left({
      ...point,
      options: { deadline: "20s", onDeadline: "cancel" },
      course: () => ({ runMs: 3_600_000 }),
    });

    expect(result).toEqual({ ...once, runs: ["KILLED"] });
  });

  test.for<[string, Point]>([
    [
      "when it is asked to cancel the first one",
      { deaths: [{ asked: "cancel" }], faults: [unheard("cancel")] },
    ],
    [
      "when the first one is cancelled, before the other one is started",
      // Not so fast: a run that was replaced waits for a few minutes only to see by which.
      { deaths: [{ asked: "cancel" }], faults: [unanswered("cancel")], speed: 20 },
    ],
  ])("where runs are replaced, %s, leaves one cancelled run and one other", async ([, point]) => {
    const result = await left({
      ...point,
      emits: ["evt_1", "evt_2"],
      options: { onRunning: "cancel_and_replace" },
      course: (index) => ({ runMs: index === 0 ? 3_600_000 : 30_000 }),
    });

    expect(result).toEqual({ ...twice, runs: ["KILLED", "COMPLETED"] });
  });

  // Where the list cannot be had nothing can be proved.
  const blind: HexFault = { on: "list", answer: 403 };
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
      { deaths: [at("settle", "before", '"to":"dead"')], faults: [lost, blind] },
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
