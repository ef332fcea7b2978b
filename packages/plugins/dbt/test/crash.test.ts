import type { DbtCloudRunOptions } from "@pipehooks/dbt";
import { createDbtCloudReceiver, type DbtCloudReceiver, type DbtRunPlan } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import {
  at,
  blind,
  crash,
  createFastClock,
  lost,
  type RunPoint,
  runPoints,
  startingAgain,
  unanswered,
  unheard,
} from "../../../testing/src/crash/index.ts";

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

type Request = keyof typeof calls;

interface Point extends RunPoint<Request> {
  readonly options?: Partial<DbtCloudRunOptions>;
  readonly runs?: readonly DbtRunPlan[];
}

const endless: readonly DbtRunPlan[] = [{ runMs: Number.POSITIVE_INFINITY }];

/** What is left of a point: how its runs and its deliveries ended. */
async function left(point: Point) {
  const { deaths, faults = [], options, emits = ["evt_1"] } = point;
  const { runs = point.endless ? endless : [{ runMs: 30_000 }], speed = usualSpeed } = point;
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
    deaths: deaths.map((death) =>
      "asked" in death ? () => count(dbt, death.asked) >= (death.number ?? 1) : death,
    ),
    survived() {
      // Looks came before their end, however slow the machine is.
      if (point.endless) for (const { id } of dbt.runs) dbt.finish(id, "success");
    },
  });
  return { runs: dbt.runs.map(({ status }) => status), deliveries, reasons };
}

function count({ requests }: DbtCloudReceiver, request: Request): number {
  return requests.filter(({ path }) => calls[request].test(path)).length;
}

const points = runPoints({
  start: "trigger",
  completed: "dbt.run.completed",
  cancelling: '"phase":"cancelling"',
});

const once = {
  runs: [10],
  deliveries: ["chained delivered", "load delivered"],
  reasons: [],
};

describe.concurrent("a process killed", { timeout: 60_000 }, () => {
  test.for<readonly [string, Point]>([
    ...points.ofOneRun,
    ["while results are read", { deaths: [{ asked: "artifact" }], faults: [unheard("artifact")] }],
  ])("%s leaves one run, whose end is told once", async ([, point]) => {
    expect(await left(point)).toEqual(once);
  });

  test.for(points.atTheDeadline)(
    "at the deadline, %s, leaves one run that is cancelled",
    async ([, point]) => {
      const result = await left({
        ...point,
        options: { deadline: "20s", onDeadline: "cancel" },
        runs: endless,
      });

      expect(result).toEqual({ ...once, runs: [30] });
    },
  );

  test.for(points.whereRunsAreReplaced)(
    "where runs are replaced, %s, leaves one cancelled run and one other",
    async ([, point]) => {
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
    },
  );

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
      { deaths: [at("settle", "before", '"to":"dead"')], faults: [lost("trigger"), blind] },
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
      { deaths: [at("settle", "before", startingAgain)], faults: [lost("trigger"), blind] },
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
    ["before that is stored", { deaths: [at("settle", "before", '"again":1')] }],
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
  const deaths = [at("settle", "before", "no such thing")];

  await expect(left({ deaths })).rejects.toThrow("ended before it was to die");
});
