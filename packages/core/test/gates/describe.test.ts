import { describeGate, type GateFacts, type GateSpec } from "@pipehooks/core";
import { describe, expect, test } from "vitest";
import { commonSpec, createGateModel, modelStart } from "./gate-model.ts";

const minute = 60_000;
const hour = 60 * minute;
const common = { ...commonSpec, hook: "h" };
const after = (ms: number) => new Date(modelStart + ms).toISOString();

/** What is said of a gate after some events, each with the time before it. */
function described(spec: GateSpec, ...steps: readonly (GateFacts | number)[]) {
  const model = createGateModel(spec);
  for (const step of steps) {
    if (typeof step === "number") model.wait(step);
    else model.emit({ facts: step });
  }
  const description = describeGate(spec, "", model.memory(), model.now);
  expect(JSON.parse(JSON.stringify(description.detail))).toEqual(description.detail);
  return description;
}

describe("a debounce", () => {
  const spec: GateSpec = {
    ...common,
    kind: "debounce",
    waitMs: 30_000,
    maxWaitMs: 40_000,
    leading: false,
  };

  test("tells when it releases what it has", () => {
    expect(described(spec, {}, 5000, {})).toMatchObject({
      summary: `releases 2 events at ${after(35_000)}`,
      waitsFor: ["no event for 30 s"],
      until: modelStart + 35_000,
      detail: { gathered: 2, first: after(0), last: after(5000) },
    });
  });

  test("tells that its first event is gone already", () => {
    expect(described({ ...spec, leading: true }, {})).toMatchObject({
      summary: `gathers what comes in this burst; forgotten at ${after(30_000)}`,
      detail: { gathered: 0 },
    });
  });

  test("has nothing to tell without an event", () => {
    const { summary, waitsFor, until } = described(spec);

    expect({ summary, waitsFor, until }).toEqual({
      summary: "waits for a first event",
      waitsFor: [],
      until: undefined,
    });
  });
});

describe("a digest", () => {
  test("tells when its period ends, and how many events would end it", () => {
    const spec: GateSpec = { ...common, kind: "digest", every: 5 * minute, max: 3 };

    expect(described(spec, {})).toMatchObject({
      summary: `releases 1 event at ${after(5 * minute)}`,
      waitsFor: ["the end of the period (5 m)", "2 events more, of 3"],
      detail: { gathered: 1, first: after(0) },
    });
    expect(described(spec)).toMatchObject({ summary: "waits for a first event", waitsFor: [] });
  });

  test("tells its schedule", () => {
    const every = { cron: "0 18 * * *", timeZone: "UTC" };
    const spec: GateSpec = { ...common, kind: "digest", every, max: undefined };

    expect(described(spec, {})).toMatchObject({
      summary: `releases 1 event at ${after(6 * hour)}`,
      waitsFor: ['the end of the period ("0 18 * * *")'],
    });
  });
});

describe("a join", () => {
  const spec = {
    ...common,
    kind: "join",
    inputs: ["orders", "customers", "events"],
    needed: 3,
    withinMs: hour,
    baseline: "last_fire",
    onFailedInput: "wait",
    onDeadline: "drop",
    late: "next",
  } as const satisfies GateSpec;

  test("tells which inputs are missing, and what happens at its deadline", () => {
    expect(described(spec, { inputs: ["orders"] }, minute, { inputs: ["orders"] })).toMatchObject({
      summary: `gives up at ${after(hour)}: missing customers, events`,
      waitsFor: ["customers", "events"],
      until: modelStart + hour,
      detail: {
        gathered: 2,
        came: { orders: { count: 2, firstAt: after(0), lastAt: after(minute) } },
        missing: ["customers", "events"],
        since: after(0),
        deadline: after(hour),
      },
    });
  });

  test.for([
    ["fire_partial", `releases 1 event at ${after(hour)}, without customers, events`],
    ["emit", `gives up at ${after(hour)}: missing customers, events, and reports it`],
  ] as const)("with %s it tells that", ([onDeadline, summary]) => {
    expect(described({ ...spec, onDeadline }, { inputs: ["orders"] }).summary).toBe(summary);
  });

  test("without a deadline it tells that it waits as long as it takes", () => {
    const { summary, until } = described({ ...spec, withinMs: undefined }, { inputs: ["orders"] });

    expect(summary).toBe("waits for customers, events, for as long as it takes");
    expect(until).toBeUndefined();
  });

  test("tells how many are needed where not all are", () => {
    const some = { ...spec, needed: 2, withinMs: undefined };

    expect(described(some)).toMatchObject({
      summary: "waits for 2 of 3 inputs; not come yet: orders, customers, events",
      waitsFor: ["orders", "customers", "events"],
    });
  });

  test("tells of which inputs late events are skipped", () => {
    expect(described({ ...spec, late: "drop" }, { inputs: ["orders"] }, hour)).toMatchObject({
      summary: `waits for orders, customers, events; forgotten at ${after(2 * hour)}`,
      detail: { late: ["customers", "events"] },
    });
  });
});

describe("a threshold", () => {
  const spec: GateSpec = {
    ...common,
    kind: "threshold",
    count: 3,
    withinMs: 10 * minute,
    distinct: false,
  };

  test("tells how many are left", () => {
    expect(described(spec, {}, minute, {})).toMatchObject({
      summary: `drops 2 events at ${after(11 * minute)}: 2 of 3 within 10 m`,
      waitsFor: ["1 event more"],
      detail: { seen: 2, count: 3 },
    });
    expect(described(spec)).toMatchObject({ summary: "has 0 of 3", waitsFor: ["3 events"] });
  });

  test("tells how many different values are left", () => {
    expect(described({ ...spec, distinct: true }, { distinct: "a" }).waitsFor).toEqual([
      "2 different values more",
    ]);
  });

  test("tells that it has fired", () => {
    expect(described(spec, {}, {}, {})).toMatchObject({
      summary: `fired at ${after(0)} and stays quiet; forgotten at ${after(10 * minute)}`,
      waitsFor: ["no event for 10 m"],
      detail: { firedAt: after(0) },
    });
  });
});

describe("an absence", () => {
  const spec = {
    ...common,
    kind: "absence",
    expect: "load@prod.end",
    schedule: { type: "after", withinMs: hour },
    graceMs: 5 * minute,
    keys: [""],
    forgetAfterMs: 24 * hour,
  } as const satisfies GateSpec;

  test("tells when it will be reported", () => {
    expect(described(spec, { begins: true })).toMatchObject({
      summary: `reports the absence of load@prod.end at ${after(65 * minute)}`,
      waitsFor: ["load@prod.end"],
      until: modelStart + 65 * minute,
      detail: { deadline: after(hour), last: null, missedAt: null },
    });
  });

  test("tells that it does not wait", () => {
    expect(described(spec, { begins: true }, { expected: true })).toMatchObject({
      summary: "does not wait for load@prod.end",
      waitsFor: [],
      detail: { last: after(0) },
    });
    expect(described(spec).summary).toBe("knows no such key yet");
  });

  test("tells that it has been reported", () => {
    const every = { ...spec, schedule: { type: "every", everyMs: hour } } as const;

    expect(described(every, { expected: true }, 2 * hour)).toMatchObject({
      summary: `has reported the absence of load@prod.end, expected by ${after(hour)}`,
      waitsFor: ["load@prod.end"],
      detail: { missedAt: after(hour) },
    });
  });

  test("tells when a key will be forgotten", () => {
    const every = { ...spec, keys: [], schedule: { type: "every", everyMs: hour } } as const;

    expect(described(every, { expected: true }, 2 * hour).summary).toBe(
      `has reported the absence of load@prod.end, expected by ${after(hour)}; forgotten at ${after(25 * hour)}`,
    );
  });

  test("looks behind a time that something came for", () => {
    const cron = { cron: "0 18 * * *", timeZone: "UTC" };
    const at = { ...spec, schedule: { type: "at", cron } } as const;

    expect(described(at, { expected: true })).toMatchObject({
      summary: `reports the absence of load@prod.end at ${after(30 * hour + 5 * minute)}`,
      detail: { came: true, deadline: after(6 * hour) },
    });
  });
});

describe("an alert", () => {
  const spec = {
    ...common,
    kind: "alert",
    confirmForMs: 5 * minute,
    remindMs: [4 * hour],
    maxReminders: 2,
  } as const satisfies GateSpec;
  const failure = { opens: true };

  test("tells when the incident is opened", () => {
    expect(described(spec, failure)).toMatchObject({
      summary: `opens the incident at ${after(5 * minute)}`,
      waitsFor: ["a success"],
      detail: { state: "confirming", count: 1 },
    });
  });

  test("tells which reminder comes when", () => {
    const opened = modelStart + 5 * minute;
    const reminder = (number: number, ms: number) =>
      `reminds (${number} of 2) at ${new Date(opened + ms).toISOString()}`;

    expect(described(spec, failure, hour).summary).toBe(reminder(1, 4 * hour));
    expect(described(spec, failure, hour, failure).summary).toBe(reminder(1, 4 * hour));
    expect(described(spec, failure, 5 * hour).summary).toBe(reminder(2, 8 * hour));
  });

  test("tells that there are no more", () => {
    const { summary, until } = described(spec, failure, 100 * hour);

    expect(summary).toBe(`open since ${after(0)}; no more reminders`);
    expect(until).toBeUndefined();
  });

  test("tells that all is well", () => {
    expect(described(spec)).toMatchObject({ summary: "no incident is open", waitsFor: [] });
  });
});

test("what is overdue happens now", () => {
  const spec: GateSpec = { ...common, kind: "digest", every: minute, max: undefined };
  const model = createGateModel(spec);
  model.emit();
  model.jump(hour);

  expect(describeGate(spec, "", model.memory(), model.now)).toMatchObject({
    summary: `releases 1 event at ${after(hour)}`,
    until: modelStart + hour,
  });
});

test("a gate of another kind lets go what it finds", () => {
  const digest: GateSpec = { ...common, kind: "digest", every: minute, max: undefined };
  const alert: GateSpec = {
    ...common,
    kind: "alert",
    confirmForMs: 0,
    remindMs: [],
    maxReminders: 0,
  };
  const model = createGateModel(digest);
  model.emit();

  expect(describeGate(alert, "", model.memory(), model.now).summary).toBe(
    `releases 1 event at ${after(minute)}`,
  );
});
