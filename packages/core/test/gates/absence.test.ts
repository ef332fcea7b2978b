import { type AbsenceSpec, type GateFacts, passGate } from "@pipehooks/core/gates";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { commonSpec, createGateModel, modelStart } from "./gate-model.ts";
import { runScript, scripts } from "./gate-script.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const spec: AbsenceSpec = {
  ...commonSpec,
  hook: "freshness",
  kind: "absence",
  expect: "pipeline.end",
  schedule: { type: "every", everyMs: hour },
  graceMs: 0,
  keys: [""],
  forgetAfterMs: 7 * day,
};

function open(changes: Partial<AbsenceSpec> = {}, start: string | number = modelStart) {
  const absence = { ...spec, ...changes };
  const model = createGateModel(absence, { start: Date.parse(isoOf(start)) });
  return {
    model,
    expected: (key = "") => model.emit({ key, facts: { expected: true } }),
    begins: (key = "") => model.emit({ key, facts: { begins: true } }),
    waitUntil: (time: string) => model.wait(Date.parse(time) - model.now),
    /** When each absence was reported, and the deadline it was about. */
    missed: () =>
      model.announced
        .filter(({ event }) => event.type === "pipehooks.absence.missed")
        .map(({ at, event }) => [isoOf(at), event.metadata.deadline]),
    resolved: () =>
      model.announced
        .filter(({ event }) => event.type === "pipehooks.absence.resolved")
        .map(({ event }) => event.metadata),
    reasons: () => model.skipped().map(({ reason }) => reason),
  };
}

function isoOf(time: string | number): string {
  return new Date(time).toISOString();
}

function after(ms: number): string {
  return isoOf(modelStart + ms);
}

describe("an absence `after` something", () => {
  const schedule = { type: "after", withinMs: hour } as const;

  test("is reported when what is expected has not come in time", () => {
    const { model, begins } = open({ schedule });

    begins();
    model.wait(hour);

    expect(model.announced).toEqual([
      {
        key: "",
        at: modelStart + hour,
        event: {
          type: "pipehooks.absence.missed",
          metadata: {
            hook: "freshness",
            key: null,
            expect: "pipeline.end",
            since: after(0),
            deadline: after(hour),
            last: null,
            missed: 1,
          },
        },
      },
    ]);
    expect(model.released().map(({ release, announced }) => [release, announced?.type])).toEqual([
      [{ reason: `pipeline.end did not come by ${after(hour)}` }, "pipehooks.absence.missed"],
    ]);
  });

  test("is none when it comes in time, and both events say what they were", () => {
    const { model, begins, expected, reasons } = open({ schedule });

    begins();
    model.wait(hour - 1);
    expected();
    model.wait(day);

    expect(model.announced).toEqual([]);
    expect(reasons()).toEqual([
      `starts the wait for pipeline.end until ${after(hour)}`,
      "came in time",
    ]);
  });

  test("an event at the very deadline is late", () => {
    const { model, begins, expected, resolved } = open({ schedule });

    begins();
    model.jump(hour);
    expected();

    expect(resolved()).toHaveLength(1);
  });

  test("grace lets it come later", () => {
    const { model, begins, expected, missed } = open({ schedule, graceMs: 10 * minute });

    begins();
    model.wait(hour + 9 * minute);
    expected();
    begins();
    model.wait(day);

    const second = modelStart + hour + 9 * minute;
    expect(missed()).toEqual([[isoOf(second + 70 * minute), isoOf(second + hour)]]);
  });

  test("another beginning while it is waited for does not start the wait anew", () => {
    const { model, begins, reasons, missed } = open({ schedule });

    begins();
    model.wait(30 * minute);
    begins();
    model.wait(day);

    expect(reasons()[1]).toBe(`the wait for pipeline.end until ${after(hour)} goes on`);
    expect(missed()).toEqual([[after(hour), after(hour)]]);
  });

  test("what was not waited for is skipped, and makes no key known", () => {
    const { model, expected, reasons } = open({ schedule, keys: [] });

    expected("a");

    expect(reasons()).toEqual(["was not waited for"]);
    expect(model.memory("a")).toBeUndefined();
  });

  test("what comes late resolves it, once", () => {
    const { model, begins, expected, resolved, reasons } = open({ schedule });

    begins();
    model.wait(2 * hour);
    expected();
    expected();

    expect(resolved()).toEqual([
      {
        hook: "freshness",
        key: null,
        expect: "pipeline.end",
        missed_at: after(hour),
        came: after(2 * hour),
      },
    ]);
    expect(reasons().slice(1)).toEqual([
      `came late: it was expected by ${after(hour)}`,
      "was not waited for",
    ]);
  });

  test("what comes in time after a new beginning resolves the earlier absence, too", () => {
    const { model, begins, expected, resolved, missed } = open({ schedule });

    begins();
    model.wait(2 * hour);
    begins();
    model.wait(minute);
    expected();
    model.wait(day);

    expect(resolved()).toHaveLength(1);
    expect(missed()).toHaveLength(1);
  });

  test("one event may end a wait and begin the next", () => {
    const { model, missed, reasons } = open({ schedule });
    const both = { facts: { begins: true, expected: true } };

    model.emit(both);
    model.wait(30 * minute);
    model.emit(both);
    model.wait(day);

    expect(reasons()).toEqual([
      `starts the wait for pipeline.end until ${after(hour)}`,
      `came in time; starts the wait for pipeline.end until ${after(90 * minute)}`,
    ]);
    expect(missed()).toEqual([[after(90 * minute), after(90 * minute)]]);
  });

  test("a key is forgotten when nothing came for the time given", () => {
    const { model, begins, expected } = open({ schedule, keys: [], forgetAfterMs: day });

    begins("run-1");
    expected("run-1");
    model.wait(day - 1);
    expect(model.memory("run-1")).toBeDefined();
    model.wait(1);

    expect(model.memory("run-1")).toBeUndefined();
  });

  test("and not before, counted from the last event of any kind", () => {
    const { model, begins, expected } = open({ schedule, keys: [], forgetAfterMs: day });

    for (const event of [begins, expected, begins, expected]) {
      event("a");
      model.wait(30 * minute);
    }
    model.wait(day - 30 * minute - 1);
    expect(model.memory("a")).toBeDefined();
    model.wait(1);

    expect(model.memory("a")).toBeUndefined();
  });

  test("a wait that is longer than that is waited for all the same", () => {
    const { model, begins, missed } = open({ schedule, keys: [], forgetAfterMs: minute });

    begins("a");
    model.wait(day);

    expect(missed()).toEqual([[after(hour), after(hour)]]);
    expect(model.memory("a")).toBeUndefined();
  });
});

describe("an absence of something that comes `every` so often", () => {
  test("is reported once, until it comes again", () => {
    const { model, expected, missed, resolved, reasons } = open();

    expected();
    model.wait(5 * hour);
    expected();
    model.wait(5 * hour);

    expect(missed()).toEqual([
      [after(hour), after(hour)],
      [after(6 * hour), after(6 * hour)],
    ]);
    expect(resolved()).toMatchObject([{ missed_at: after(hour), came: after(5 * hour) }]);
    expect(reasons()).toEqual([
      `came in time; next expected by ${after(hour)}`,
      `came late: it was expected by ${after(hour)}; next expected by ${after(6 * hour)}`,
    ]);
  });

  test("a key that is listed is expected from the beginning", () => {
    const { model, missed } = open({ keys: ["orders", "customers"] });

    model.seed("orders");
    model.wait(minute);
    model.seed("orders");
    model.wait(day);

    expect(missed()).toEqual([[after(hour), after(hour)]]);
    expect(model.announced[0]?.event.metadata).toMatchObject({ key: "orders", last: null });
  });

  test("does not drift: the deadline is counted from the last event, whenever somebody looks", () => {
    const { model, expected, missed } = open({ graceMs: minute });

    expected();
    model.jump(100 * minute);
    model.look();

    expect(missed()).toEqual([[after(100 * minute), after(hour)]]);
    expect(model.announced[0]?.event.metadata).toMatchObject({ last: after(0), since: after(0) });
  });

  test("nothing is expected of a key that is not listed, where keys are", () => {
    const { model, expected, reasons, missed } = open({ keys: ["orders"] });

    expected("scratch");
    model.wait(day);

    expect(reasons()).toEqual(['nothing is expected of "scratch": it is not listed under "for"']);
    expect(model.memory("scratch")).toBeUndefined();
    expect(missed()).toEqual([]);
  });

  test("a key from history is forgotten so long after its absence was reported", () => {
    const { model, expected, missed } = open({ keys: [], forgetAfterMs: 2 * hour });

    expected("a");
    model.wait(3 * hour - 1);
    expect(model.memory("a")).toBeDefined();
    model.wait(1);

    expect(missed()).toHaveLength(1);
    expect(model.memory("a")).toBeUndefined();
  });

  test("a listed key is never forgotten", () => {
    const { model, expected } = open({ keys: ["a"], forgetAfterMs: 2 * hour });

    expected("a");
    model.wait(100 * day);

    expect(model.memory("a")).toBeDefined();
  });

  test("a clock that is set back makes no deadline later than counted from then", () => {
    const { model, expected, missed } = open();

    expected();
    model.jump(-10 * day);
    model.wait(2 * hour);

    expect(missed()).toEqual([[after(hour - 10 * day), after(hour - 10 * day)]]);
  });
});

describe("an absence of something that is expected `at` a time", () => {
  const daily = (cron: string, timeZone = "Europe/Paris") =>
    ({ schedule: { type: "at", cron: { cron, timeZone } } }) as const;
  const atSix = daily("0 6 * * *");

  test("is reported at that time, of each day for which nothing came", () => {
    const { model, expected, waitUntil, missed } = open(atSix, "2026-01-14T12:00:00Z");

    model.seed("");
    waitUntil("2026-01-15T04:00:00Z");
    expected();
    waitUntil("2026-01-17T12:00:00Z");

    expect(missed()).toEqual([
      ["2026-01-16T05:00:00.000Z", "2026-01-16T05:00:00.000Z"],
      ["2026-01-17T05:00:00.000Z", "2026-01-17T05:00:00.000Z"],
    ]);
    expect(model.announced[0]?.event.metadata).toMatchObject({
      since: "2026-01-15T05:00:00.000Z",
      last: "2026-01-15T04:00:00.000Z",
    });
  });

  test("what comes in time says when the next one is expected by", () => {
    const { expected, reasons } = open(atSix, "2026-01-15T04:00:00Z");

    expected();
    expected();

    const reason = "came in time; next expected by 2026-01-16T05:00:00.000Z";
    expect(reasons()).toEqual([reason, reason]);
  });

  test.for([
    ["begins", "2026-03-27", ["2026-03-28T05:00", "2026-03-29T04:00", "2026-03-30T04:00"]],
    ["ends", "2026-10-23", ["2026-10-24T04:00", "2026-10-25T05:00", "2026-10-26T05:00"]],
  ] as const)("06:00 in Paris is right when daylight saving %s", ([, from, deadlines]) => {
    const { model, missed } = open(atSix, `${from}T12:00:00Z`);

    model.seed("");
    model.wait(3 * day);

    expect(missed()).toEqual(deadlines.map((time) => [`${time}:00.000Z`, `${time}:00.000Z`]));
  });

  test("a load at 05:59 in Paris is in time on both days", () => {
    const { waitUntil, expected, missed } = open(atSix, "2026-03-28T12:00:00Z");

    expected();
    for (const time of ["2026-03-29T03:59:00Z", "2026-03-30T03:59:00Z"]) {
      waitUntil(time);
      expected();
    }
    waitUntil("2026-10-24T12:00:00Z");
    expected();
    const before = missed().length;
    waitUntil("2026-10-25T04:59:00Z");
    expected();
    waitUntil("2026-10-26T04:59:00Z");

    expect(missed()[0]?.[1]).toBe("2026-03-31T04:00:00.000Z");
    expect(missed().length).toBe(before);
  });

  test("02:30 is the end of the gap on the day that has no 02:30", () => {
    const { model, missed } = open(daily("30 2 * * *"), "2026-03-28T12:00:00Z");

    model.seed("");
    model.wait(2 * day);

    expect(missed().map(([at]) => at)).toEqual([
      "2026-03-29T01:00:00.000Z",
      "2026-03-30T00:30:00.000Z",
    ]);
  });

  test("02:30 is the first of the two on the day that has it twice", () => {
    const { model, missed } = open(daily("30 2 * * *"), "2026-10-24T12:00:00Z");

    model.seed("");
    model.wait(2 * day);

    expect(missed().map(([at]) => at)).toEqual([
      "2026-10-25T00:30:00.000Z",
      "2026-10-26T01:30:00.000Z",
    ]);
  });

  test("days and the end of the month are those of the calendar", () => {
    const { model, missed } = open(daily("0 6 * * 1,2,3,4,5", "UTC"), "2026-02-26T12:00:00Z");

    model.seed("");
    model.wait(5 * day);

    expect(missed().map(([at]) => at)).toEqual([
      "2026-02-27T06:00:00.000Z",
      "2026-03-02T06:00:00.000Z",
      "2026-03-03T06:00:00.000Z",
    ]);
  });

  describe("with grace", () => {
    const graced = { ...daily("0 6 * * *", "UTC"), graceMs: 15 * minute };

    test("is reported after it, with the time that was missed", () => {
      const { model, missed } = open(graced, "2026-01-14T12:00:00Z");

      model.seed("");
      model.wait(day);

      expect(missed()).toEqual([["2026-01-15T06:15:00.000Z", "2026-01-15T06:00:00.000Z"]]);
    });

    test("what comes in it counts for the time before, if that has none yet", () => {
      const { model, expected, waitUntil, missed } = open(graced, "2026-01-14T12:00:00Z");

      model.seed("");
      waitUntil("2026-01-15T06:10:00Z");
      expected();
      waitUntil("2026-01-16T12:00:00Z");

      expect(missed().map(([, deadline]) => deadline)).toEqual(["2026-01-16T06:00:00.000Z"]);
    });

    test("and for the next one otherwise", () => {
      const { expected, waitUntil, missed, reasons } = open(graced, "2026-01-15T05:00:00Z");

      expected();
      waitUntil("2026-01-15T06:10:00Z");
      expected();
      waitUntil("2026-01-17T12:00:00Z");

      expect(reasons()[1]).toBe("came in time; next expected by 2026-01-17T06:00:00.000Z");
      expect(missed().map(([, deadline]) => deadline)).toEqual(["2026-01-17T06:00:00.000Z"]);
    });

    test("the first event of a key counts for the time before, too", () => {
      const { expected, waitUntil, missed } = open({ ...graced, keys: [] }, "2026-01-15T06:05:00Z");

      expected("a");
      waitUntil("2026-01-16T12:00:00Z");

      expect(missed().map(([, deadline]) => deadline)).toEqual(["2026-01-16T06:00:00.000Z"]);
    });
  });

  describe("what comes late", () => {
    test("resolves, and does not stand for the time after it", () => {
      const { model, expected, waitUntil, missed, resolved, reasons } = open(
        daily("0 6 * * *", "UTC"),
        "2026-01-14T12:00:00Z",
      );

      model.seed("");
      waitUntil("2026-01-15T08:00:00Z");
      expected();
      waitUntil("2026-01-16T12:00:00Z");

      expect(resolved()).toMatchObject([
        { missed_at: "2026-01-15T06:00:00.000Z", came: "2026-01-15T08:00:00.000Z" },
      ]);
      expect(reasons()).toEqual([
        "came late: it was expected by 2026-01-15T06:00:00.000Z; next expected by 2026-01-16T06:00:00.000Z",
      ]);
      expect(missed().map(([, deadline]) => deadline)).toEqual([
        "2026-01-15T06:00:00.000Z",
        "2026-01-16T06:00:00.000Z",
      ]);
    });

    test("does stand for it when it is nearer to it: one that never came makes no other late", () => {
      const { model, expected, waitUntil, missed, resolved } = open(
        daily("0 6 * * *", "UTC"),
        "2026-01-14T12:00:00Z",
      );

      model.seed("");
      for (const date of [16, 17, 18]) {
        waitUntil(`2026-01-${date}T05:50:00Z`);
        expected();
      }
      waitUntil("2026-01-18T12:00:00Z");

      expect(missed().map(([, deadline]) => deadline)).toEqual(["2026-01-15T06:00:00.000Z"]);
      expect(resolved()).toHaveLength(1);
    });

    test("counts for its own time when it comes a second time", () => {
      const { model, expected, waitUntil, missed } = open(
        daily("0 6 * * *", "UTC"),
        "2026-01-14T12:00:00Z",
      );

      model.seed("");
      waitUntil("2026-01-15T08:00:00Z");
      expected();
      expected();
      waitUntil("2026-01-16T12:00:00Z");

      expect(missed()).toHaveLength(1);
    });
  });

  test("several times that nobody looked at are one report, of the latest", () => {
    const { model, missed, waitUntil } = open(daily("0 6 * * *", "UTC"), "2026-01-14T12:00:00Z");

    model.seed("");
    model.jump(4 * day);
    model.look();
    waitUntil("2026-01-19T12:00:00Z");

    expect(missed()).toEqual([
      ["2026-01-18T12:00:00.000Z", "2026-01-18T06:00:00.000Z"],
      ["2026-01-19T06:00:00.000Z", "2026-01-19T06:00:00.000Z"],
    ]);
    expect(model.announced.map(({ event }) => event.metadata.missed)).toEqual([4, 1]);
    expect(model.released()[0]?.reason).toBe(
      "pipeline.end did not come by 2026-01-18T06:00:00.000Z, 4 times in a row",
    );
  });

  test("years of minutes that nobody looked at are gone over in no time", () => {
    const { model, missed } = open(daily("* * * * *", "UTC"), "2020-01-14T12:00:30Z");

    model.seed("");
    model.jump(6 * 365 * day);
    const startedAt = performance.now();
    model.look();

    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(missed().map(([, deadline]) => deadline)).toEqual([
      isoOf(Math.floor(model.now / minute) * minute),
    ]);
    expect(model.announced[0]?.event.metadata.missed).toBe(366);
  });

  test("is not reported a second time when the clock is set back over it", () => {
    const { model, missed, waitUntil } = open(daily("0 6 * * *", "UTC"), "2026-01-14T12:00:00Z");

    model.seed("");
    waitUntil("2026-01-15T06:00:01Z");
    model.jump(-2000);
    model.look();
    waitUntil("2026-01-15T12:00:00Z");

    expect(missed()).toEqual([["2026-01-15T06:00:00.000Z", "2026-01-15T06:00:00.000Z"]]);
  });

  test("what comes again after the clock was set back over it does not stand for the next one", () => {
    const { model, expected, waitUntil, missed, reasons } = open(
      daily("0 6 * * *", "UTC"),
      "2026-01-15T05:50:00Z",
    );

    expected();
    waitUntil("2026-01-15T06:10:00Z");
    model.jump(-30 * minute);
    expected();
    waitUntil("2026-01-16T12:00:00Z");

    expect(reasons()[1]).toBe(
      "came for a time that is over; next expected by 2026-01-16T06:00:00.000Z",
    );
    expect(missed().map(([, deadline]) => deadline)).toEqual(["2026-01-16T06:00:00.000Z"]);
  });

  test("a clock that was far ahead does not keep it quiet for as long", () => {
    const { model, missed, expected, waitUntil } = open(
      daily("0 6 * * *", "UTC"),
      "2030-01-14T12:00:00Z",
    );

    expected();
    model.jump(Date.parse("2026-01-14T12:00:00Z") - model.now);
    model.look();
    waitUntil("2026-01-16T12:00:00Z");

    expect(missed().map(([, deadline]) => deadline)).toEqual(["2026-01-16T06:00:00.000Z"]);
  });

  test("a key from history is not forgotten before its absence was reported", () => {
    const weekly = { ...daily("0 6 * * 1", "UTC"), keys: [], forgetAfterMs: day };
    const { model, expected, waitUntil, missed } = open(weekly, "2026-01-05T05:00:00Z");

    expected("a");
    waitUntil("2026-01-12T06:00:00Z");
    expect(missed()).toHaveLength(1);
    expect(model.memory("a")).toBeDefined();
    waitUntil("2026-01-13T06:00:00Z");

    expect(model.memory("a")).toBeUndefined();
  });

  test("a key that stays away is reported until it is forgotten, and no more when nobody looked", () => {
    const seven = { ...daily("0 6 * * *", "UTC"), keys: [], forgetAfterMs: 3 * day };
    const looked = open(seven, "2026-01-14T05:00:00Z");
    const alone = open(seven, "2026-01-14T05:00:00Z");

    looked.expected("a");
    looked.model.wait(30 * day);
    alone.expected("a");
    alone.model.jump(30 * day);
    alone.model.look();

    expect(looked.missed().map(([, deadline]) => deadline)).toEqual(
      [15, 16, 17].map((date) => `2026-01-${date}T06:00:00.000Z`),
    );
    expect(alone.missed().map(([, deadline]) => deadline)).toEqual(["2026-01-17T06:00:00.000Z"]);
    expect(alone.model.announced[0]?.event.metadata.missed).toBe(3);
    expect(alone.model.memory("a")).toBeUndefined();
  });
});

test("with another schedule the waiting begins anew", () => {
  const first = open({ schedule: { type: "every", everyMs: hour } });
  first.expected();
  const memory = first.model.memory();
  const input = { type: "timer" } as const;

  const at = { type: "at", cron: { cron: "0 6 * * *", timeZone: "UTC" } } as const;
  const step = passGate({ ...spec, schedule: at }, "", memory, input, modelStart + 2 * day);

  expect(step.actions).toEqual([]);
  expect(isoOf(step.wakeAt ?? 0)).toBe("2026-01-18T06:00:00.000Z");
});

interface Came {
  readonly at: number;
  readonly facts: GateFacts;
}

/** Minutes between two times of "every ten minutes". */
const ten = 10 * minute;

/** What the absences of one key must be by what came, worked out from the list of all events; clocks go forward only. */
function expectedReports(
  type: "after" | "every" | "at",
  { seededAt, until, events }: { seededAt: number; until: number; events: readonly Came[] },
): { readonly deadlines: readonly number[]; readonly resolved: number } {
  const deadlines: number[] = [];
  let resolved = 0;
  if (type === "every") {
    let last = seededAt;
    for (const { at } of [...events, { at: until }]) {
      const isMissed = last + ten <= at;
      if (isMissed) deadlines.push(last + ten);
      if (isMissed && at !== until) resolved += 1;
      last = at;
    }
    return { deadlines, resolved };
  }
  if (type === "after") {
    let since: number | undefined;
    let isOpen = false;
    for (const { at, facts } of [...events, { at: until, facts: {} }]) {
      if (since !== undefined && since + ten <= at) {
        deadlines.push(since + ten);
        since = undefined;
        isOpen = true;
      }
      if (facts.expected === true) {
        if (isOpen) resolved += 1;
        isOpen = false;
        since = undefined;
      }
      if (facts.begins === true) since ??= at;
    }
    return { deadlines, resolved };
  }
  let isOpen = false;
  for (let due = Math.floor(seededAt / ten + 1) * ten; ; due += ten) {
    const inPeriod = events.filter(({ at }) => at >= due - ten && at < due);
    // Of what comes after a time that was missed, the first only counts when it is nearer to this one.
    const counting = inPeriod.filter(
      ({ at }, index) => index > 0 || !isOpen || at >= due - ten / 2,
    );
    if (inPeriod.length > 0 && isOpen) {
      resolved += 1;
      isOpen = false;
    }
    if (due > until) return { deadlines, resolved };
    if (counting.length > 0) continue;
    deadlines.push(due);
    isOpen = true;
  }
}

describe("whatever comes in whatever order, with restarts", () => {
  const facts: fc.Arbitrary<GateFacts> = fc.record({
    expected: fc.boolean(),
    begins: fc.boolean(),
  });
  const schedules = {
    after: { type: "after", withinMs: ten },
    every: { type: "every", everyMs: ten },
    at: { type: "at", cron: { cron: "*/10 * * * *", timeZone: "UTC" } },
  } as const;

  test.for(["after", "every", "at"] as const)(
    "an absence `%s` is what the list of all events says",
    (type) => {
      const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 * ten }), facts), {
        maxLength: 25,
      });
      fc.assert(
        fc.property(steps, fc.integer({ min: 0, max: 3 * ten }), (script, rest) => {
          const { model, missed, resolved } = open({ schedule: schedules[type], keys: ["a"] });
          const came: Came[] = [];
          model.seed("a");
          for (const [ms, fact] of script) {
            model.wait(ms);
            const given = type === "after" ? fact : { expected: true };
            model.emit({ key: "a", facts: given });
            came.push({ at: model.now, facts: given });
          }
          model.wait(rest + 1);

          const reports = expectedReports(type, {
            seededAt: modelStart,
            until: model.now,
            events: came,
          });
          expect(missed().map(([, deadline]) => deadline)).toEqual(reports.deadlines.map(isoOf));
          expect(missed().every(([at, deadline]) => at === deadline)).toBe(true);
          expect(resolved()).toHaveLength(reports.resolved);
          expect(model.skipped()).toHaveLength(came.length);
        }),
        { numRuns: 200 },
      );
    },
  );

  test.for(["after", "every", "at"] as const)(
    "with clock jumps, and nobody looking, an absence `%s` reports no deadline twice and every event has its place",
    (type) => {
      fc.assert(
        fc.property(scripts(facts, ten), fc.constantFrom(0, 3 * minute), (script, graceMs) => {
          const forward = script.map((step) =>
            step.do === "jump" ? { ...step, ms: Math.max(step.ms, -ten) } : step,
          );
          const { model } = open({
            schedule: schedules[type],
            keys: [],
            graceMs,
            forgetAfterMs: day,
          });
          let backs = 0;
          for (const step of forward) {
            if (step.do === "jump" && step.ms < 0) backs += 1;
            // One setting back by no more than a period: beyond that the calendar itself repeats.
            if (backs > 1 && step.do === "jump" && step.ms < 0) continue;
            runScript(model, [step]);
          }
          model.wait(hour);

          const reports = model.announced
            .filter(({ event }) => event.type === "pipehooks.absence.missed")
            .map(({ key, event }) => `${key} ${event.metadata.deadline}`);
          if (type === "at") expect(new Set(reports).size).toBe(reports.length);
          const placed = model.skipped().flatMap(({ refs }) => refs);
          expect(placed.sort((a, b) => a - b)).toEqual(model.refs());
          for (const key of ["", "a", "b"]) expectAlternating(model.announced, key, type);
        }),
        { numRuns: 200 },
      );
    },
  );

  /** Something is resolved only after it was reported; `every` reports again only after that. */
  function expectAlternating(
    announced: ReturnType<typeof createGateModel>["announced"],
    key: string,
    type: string,
  ): void {
    let isOpen = false;
    for (const each of announced.filter((one) => one.key === key)) {
      const isMissed = each.event.type === "pipehooks.absence.missed";
      if (!isMissed) expect(isOpen).toBe(true);
      if (isMissed && type === "every") expect(isOpen).toBe(false);
      isOpen = isMissed;
    }
  }
});
