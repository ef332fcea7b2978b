import type { DbtCloudRunOptions } from "@pipehooks/dbt";
import {
  createDbtCloudReceiver,
  type DbtCloudFault,
  type DbtCloudReceiver,
  type DbtRunPlan,
} from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { crash, createFastClock, type StoreCall } from "../../../testing/src/crash/index.ts";

const program = new URL("./children/deliver.ts", import.meta.url);
/** How many times as fast as ours time runs. */
const usualSpeed = 100;

const calls = {
  trigger: /\/jobs\/42\/run\/$/,
  look: /\/runs\/\d+\/$/,
  list: /\/runs\/\?/,
  cancel: /\/cancel\/$/,
  retry: /\/retry\/$/,
  artifact: /\/artifacts\//,
} as const;

/** A process is killed when so many of these requests have come, in all. */
interface Asked {
  readonly asked: keyof typeof calls;
  readonly number?: number;
}

interface Point {
  readonly deaths: readonly (StoreCall | Asked)[];
  readonly faults?: readonly DbtCloudFault[];
  readonly options?: Partial<DbtCloudRunOptions>;
  readonly runs?: readonly DbtRunPlan[];
  readonly emits?: readonly string[];
  readonly speed?: number;
}

/** Runs that end when nobody is to be killed any more. */
const endless: readonly DbtRunPlan[] = [{ runMs: Number.POSITIVE_INFINITY }];

/** What is left of a point: how its runs and its deliveries ended. */
async function left(point: Point) {
  const { deaths, faults = [], options, emits = ["evt_1"] } = point;
  const { runs = [{ runMs: 30_000 }], speed = usualSpeed } = point;
  const began = Date.now();
  await using dbt = await createDbtCloudReceiver({
    now: createFastClock(began, speed).now,
    jobs: [{ id: 42, runs }],
  });
  for (const fault of faults) dbt.fault(fault);
  const { deliveries, reasons } = await crash<DbtCloudRunOptions>({
    program,
    life: {
      ...{ began, speed, emits },
      options: {
        ...{ host: dbt.url, token: dbt.token, accountId: 1, job: 42 },
        poll: { first: "2s", longest: "5s" },
        ...options,
      },
    },
    deaths: deaths.map((death) => ("asked" in death ? () => hasCome(dbt, death) : death)),
    survived() {
      // Looks came before their end, however slow the machine is.
      if (runs === endless) for (const { id } of dbt.runs) dbt.finish(id, "success");
    },
  });
  return { runs: dbt.runs.map(({ status }) => status), deliveries, reasons };
}

function hasCome({ requests }: DbtCloudReceiver, { asked, number = 1 }: Asked): boolean {
  const pattern = calls[asked];
  return requests.filter(({ path }) => pattern.test(path)).length >= number;
}

const settling = (matching: string, when: StoreCall["when"], number = 1): StoreCall => ({
  ...{ call: "settle", matching, when, number },
});
const aboutToStart = '"phase":"starting"';
const going = '"phase":"running"';
const doubting = '"doubt":';
const startingAgain = '"restarts":1';
const lost: DbtCloudFault = { on: "trigger", answer: 502, effect: true, times: 1 };
const refused: DbtCloudFault = { on: "trigger", answer: 502, times: 1 };
const unanswered = (on: DbtCloudFault["on"], times = 1): DbtCloudFault => ({
  ...{ on, answer: "never", effect: true, times },
});
const unheard = (on: DbtCloudFault["on"], times = 1): DbtCloudFault => ({
  ...{ on, answer: "never", times },
});

const points: readonly [string, Point][] = [
  ["before it is claimed", { deaths: [{ call: "claim", when: "before", matching: '"load"' }] }],
  ["before the start is stored", { deaths: [settling(aboutToStart, "before")] }],
  ["when the start is stored", { deaths: [settling(aboutToStart, "after")] }],
  [
    "when the start is claimed",
    { deaths: [{ call: "claim", when: "after", matching: aboutToStart }] },
  ],
  ["when the start is asked for", { deaths: [{ asked: "trigger" }], faults: [unheard("trigger")] }],
  [
    "when the run is started, before the answer",
    { deaths: [{ asked: "trigger" }], faults: [unanswered("trigger")] },
  ],
  [
    "when two starts are asked for, one after the other",
    {
      deaths: [{ asked: "trigger" }, { asked: "trigger", number: 2 }],
      faults: [unheard("trigger"), unanswered("trigger")],
    },
  ],
  ["behind the answer, before it is stored", { deaths: [settling(going, "before")] }],
  ["when the answer is stored", { deaths: [settling(going, "after")] }],
  ["at the first look", { deaths: [{ asked: "look" }], faults: [unheard("look")] }],
  ["between two looks", { deaths: [settling('"looks":1', "after")], runs: endless }],
  [
    "at the third look",
    {
      deaths: [{ asked: "look", number: 3 }],
      faults: [{ ...unheard("look"), every: 3 }],
      runs: endless,
    },
  ],
  [
    "at a look, and the next process, too",
    {
      deaths: [{ asked: "look" }, { asked: "look", number: 2 }],
      faults: [unheard("look", 2)],
    },
  ],
  ["while results are read", { deaths: [{ asked: "artifact" }], faults: [unheard("artifact")] }],
  ["before the end is stored", { deaths: [settling("dbt.run.completed", "before")] }],
  ["when the end is stored", { deaths: [settling("dbt.run.completed", "after")] }],
  ["before a lost start is stored", { deaths: [settling(doubting, "before")], faults: [lost] }],
  ["when a lost start is stored", { deaths: [settling(doubting, "after")], faults: [lost] }],
  [
    "while a lost start is looked for, twice",
    {
      deaths: [{ asked: "list" }, { asked: "list", number: 2 }],
      faults: [lost, unheard("list", 2)],
    },
  ],
  [
    "when a lost start is found, before that is stored",
    { deaths: [settling(going, "before")], faults: [lost] },
  ],
  [
    "while a start that did not happen is looked for",
    { deaths: [settling('"asked":2', "after")], faults: [refused] },
  ],
  [
    "before it is stored that a start did not happen",
    { deaths: [settling(startingAgain, "before")], faults: [refused] },
  ],
  [
    "when it is stored that a start did not happen",
    { deaths: [settling(startingAgain, "after")], faults: [refused] },
  ],
  [
    "when what did not happen is started, before the answer",
    { deaths: [{ asked: "trigger", number: 2 }], faults: [refused, unanswered("trigger")] },
  ],
];

const once = {
  runs: [10],
  deliveries: ["chained delivered", "load delivered"],
  reasons: [],
};

describe.concurrent("a process killed", { timeout: 60_000 }, () => {
  test.for(points)("%s leaves one run, whose end is told once", async ([, point]) => {
    expect(await left(point)).toEqual(once);
  });

  const late: Point = {
    deaths: [],
    options: { deadline: "20s", onDeadline: "cancel" },
    runs: [{ runMs: Number.POSITIVE_INFINITY }],
  };

  test.for<[string, Point]>([
    [
      "when the cancel is asked for",
      { deaths: [{ asked: "cancel" }], faults: [unheard("cancel")] },
    ],
    [
      "when the run is cancelled, before the answer",
      { deaths: [{ asked: "cancel" }], faults: [unanswered("cancel")] },
    ],
    ["before the cancel is stored", { deaths: [settling('"phase":"cancelling"', "before")] }],
    ["when the cancel is stored", { deaths: [settling('"phase":"cancelling"', "after")] }],
  ])("at the deadline, %s, leaves one run that is cancelled", async ([, point]) => {
    expect(await left({ ...late, ...point })).toEqual({ ...once, runs: [30] });
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
      runs: [{ runMs: Number.POSITIVE_INFINITY }, { runMs: 30_000 }],
    });

    expect(result).toEqual({
      ...{ runs: [30, 10], reasons: [] },
      deliveries: ["chained delivered", "chained delivered", "load delivered", "load delivered"],
    });
  });

  // Without the permission to list runs nothing can be proved.
  const blind: DbtCloudFault = { on: "list", answer: 403 };
  const nobodyKnows = expect.stringMatching(/nobody can say whether a run was started.*403/);

  test.for<[string, Point, number]>([
    [
      "when the run is started, before the answer",
      { deaths: [{ asked: "trigger" }], faults: [unanswered("trigger"), blind] },
      1,
    ],
    [
      "when the start is asked for",
      { deaths: [{ asked: "trigger" }], faults: [unheard("trigger"), blind] },
      0,
    ],
    [
      "before it is stored that nobody knows",
      { deaths: [settling('"to":"dead"', "before")], faults: [lost, blind] },
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
      { deaths: [{ asked: "trigger" }], faults: [unanswered("trigger"), blind] },
      2,
    ],
    [
      "when the start is asked for",
      { deaths: [{ asked: "trigger" }], faults: [unheard("trigger"), blind] },
      1,
    ],
    [
      "before it is stored that it is started again",
      { deaths: [settling(startingAgain, "before")], faults: [lost, blind] },
      2,
    ],
  ])(
    "%s, starts another run where lists prove nothing and that is preferred",
    async ([, point, runs]) => {
      const result = await left({ ...point, options: { whenUnknown: "trigger_again" } });

      expect(result).toEqual({ ...once, runs: Array(runs).fill(10) });
    },
  );

  test.for<[string, Point]>([
    ["before that is stored", { deaths: [settling('"again":1', "before")] }],
    [
      "when it is retried, before the answer",
      { deaths: [{ asked: "retry" }], faults: [unanswered("retry")] },
    ],
    ["when the retry is asked for", { deaths: [{ asked: "retry" }], faults: [unheard("retry")] }],
  ])("%s, leaves one retry of a run that failed", async ([, point]) => {
    const result = await left({
      ...point,
      options: { retryRun: 1, retryOn: "any" },
      runs: [{ outcome: "error", runMs: 5000 }, {}],
    });

    expect(result).toEqual({ ...once, runs: [20, 10] });
  });
});

test("a process that is not killed where it was to be is told of", async () => {
  const deaths = [settling("no such thing", "before")];

  await expect(left({ deaths })).rejects.toThrow("ended before it was to die");
});
