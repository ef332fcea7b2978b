import {
  type AbsenceSpec,
  type Gate,
  type GateOptions,
  gateShape,
  gateTextShape,
  type HookError,
  type PipehooksEvent,
  prepareGate,
} from "@pipehooks/core";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const minute = 60_000;
const common = { hook: "h", source: "/test", maxEvents: 1000, maxKeys: 100_000 };

function prepare(options: GateOptions, warnings: string[] = []): Gate {
  const warn = (why: string) => void warnings.push(why);
  const gate = prepareGate(options, { hook: "h", source: "/test", warn });
  if (gate === undefined) throw new Error("There is no gate.");
  return gate;
}

/** The message that options are refused with. */
function refusal(options: object): string {
  try {
    // What users write need not have the right types.
    prepare(options as GateOptions);
  } catch (error) {
    expect((error as HookError).code).toBe("CONFIG_INVALID");
    return (error as Error).message;
  }
  throw new Error("The options were taken.");
}

function event(type: string, fields: Partial<PipehooksEvent> = {}): PipehooksEvent {
  return { id: "1", source: "/s", type, time: "2026-01-15T12:00:00.000Z", metadata: {}, ...fields };
}

const inputs = [
  { name: "orders", events: "load.orders" },
  { name: "customers", events: "load.customers" },
];

describe("a hook", () => {
  test("has no gate unless one is given", () => {
    const warn = () => {};
    expect(prepareGate({}, { hook: "h", source: "/test", warn })).toBeUndefined();
  });

  test("has one gate at most", () => {
    const both = { debounce: { wait: 1000 }, digest: { every: "1m" } };

    expect(refusal(both)).toBe(
      "A hook has one gate at most, and this one has debounce and digest. Keep one, or make two hooks.",
    );
  });
});

describe("debounce", () => {
  test("every key takes effect", () => {
    const { spec } = prepare({
      debounce: {
        by: "pipeline",
        wait: "30s",
        maxWait: "5m",
        leading: true,
        maxEvents: 7,
        maxKeys: 8,
      },
    });

    expect(spec).toEqual({
      kind: "debounce",
      hook: "h",
      source: "/test",
      waitMs: 30_000,
      maxWaitMs: 300_000,
      leading: true,
      keyField: "pipeline",
      maxEvents: 7,
      maxKeys: 8,
    });
  });

  test("has the defaults that are documented", () => {
    const { spec, patterns, seeds, namesEvents } = prepare({ debounce: { wait: 1000 } });

    expect(spec).toEqual({ ...common, kind: "debounce", waitMs: 1000, leading: false });
    expect({ patterns, seeds, namesEvents }).toEqual({
      patterns: [],
      seeds: [],
      namesEvents: false,
    });
  });

  test("takes the hook's own events", () => {
    const { factsOf } = prepare({ debounce: { wait: 1000 } });

    expect(factsOf(event("a"), true)).toEqual({});
    expect(factsOf(event("a"), false)).toBeUndefined();
  });

  test.for([
    [{}, /wait/],
    [{ wait: "0s" }, /debounce\.wait: this duration must be at least 1ms/],
    [{ wait: "soon" }, /debounce\.wait: .*duration/],
    [{ wait: "1m", maxWait: 1000 }, /debounce\.maxWait: it is shorter than wait/],
    [{ wait: "1m", quiet: 1 }, /quiet/],
    [{ wait: "1m", by: [] }, /debounce\.by/],
    [{ wait: "1m", maxKeys: 0 }, /debounce\.maxKeys/],
    [{ wait: "1m", maxEvents: 0.5 }, /debounce\.maxEvents/],
  ] as const)("%j is refused", ([debounce, problem]) => {
    expect(refusal({ debounce })).toMatch(problem);
  });
});

describe("digest", () => {
  test("every key takes effect", () => {
    const { spec, factsOf, conditions } = prepare({
      digest: {
        cron: "0 8 * * MON-FRI",
        timeZone: "Europe/Paris",
        max: 100,
        flushWhen: 'event.type == "pipeline.error"',
        by: "event.table",
      },
    });

    expect(spec).toEqual({
      ...common,
      kind: "digest",
      every: { cron: "0 8 * * MON-FRI", timeZone: "Europe/Paris" },
      max: 100,
      keyField: "table",
    });
    expect(factsOf(event("pipeline.error"), true)).toEqual({ flush: true });
    expect(factsOf(event("pipeline.end"), true)).toEqual({ flush: false });
    expect(factsOf(event("pipeline.error"), false)).toBeUndefined();
    expect(conditions).toMatchObject([
      { name: "flushWhen", text: 'event.type == "pipeline.error"' },
    ]);
  });

  test("takes a length instead of a schedule", () => {
    expect(prepare({ digest: { every: "5m" } }).spec).toMatchObject({ every: 5 * minute });
    expect(prepare({ digest: { cron: "0 8 * * *" } }).spec).toMatchObject({
      every: { timeZone: "UTC" },
    });
  });

  test.for([
    [{}, "digest: it does not say how long a period is. Give one of every, cron"],
    [
      { every: "1m", cron: "0 8 * * *" },
      "digest.cron: every says how long a period is already. Give only one of every, cron",
    ],
    [
      { every: "1m", timeZone: "UTC" },
      "digest.timeZone: it has no effect without cron. Add that, or take it out",
    ],
    [
      { cron: "0 8 * * *", timeZone: "Paris" },
      'digest.timeZone: "Paris" is not a time zone. Write an IANA name such as "Europe/Paris"',
    ],
  ] as const)("%j is refused", ([digest, problem]) => {
    expect(refusal({ digest })).toBe(problem);
  });

  test.for(["0 8 * *", "0 8 31 2 *", "x"])("the schedule %j is refused", (cron) => {
    expect(refusal({ digest: { cron } })).toMatch(
      /^digest\.cron: Schedule ".*" in time zone "UTC"/,
    );
  });
});

describe("join", () => {
  test("every key takes effect", () => {
    const { spec, patterns, namesEvents } = prepare({
      join: {
        anyOf: inputs,
        atLeast: 2,
        by: "metadata.date",
        within: "60m",
        baseline: "ever",
        onFailedInput: "cancel",
        onDeadline: "fire_partial",
        late: "drop",
      },
    });

    expect(spec).toEqual({
      ...common,
      kind: "join",
      inputs: ["orders", "customers"],
      needed: 2,
      withinMs: 60 * minute,
      baseline: "ever",
      onFailedInput: "cancel",
      onDeadline: "fire_partial",
      late: "drop",
    });
    expect(patterns).toEqual(["load.orders", "load.customers"]);
    expect(namesEvents).toBe(true);
  });

  test("has the defaults that are documented", () => {
    const defaults = {
      ...common,
      kind: "join",
      inputs: ["orders", "customers"],
      baseline: "last_fire",
      onFailedInput: "wait",
      onDeadline: "drop",
      late: "next",
    };

    expect(prepare({ join: { allOf: inputs } }).spec).toEqual({ ...defaults, needed: 2 });
    expect(prepare({ join: { anyOf: inputs } }).spec).toEqual({ ...defaults, needed: 1 });
  });

  test("finds the inputs that an event is, by type and condition", () => {
    const { factsOf, conditions } = prepare({
      join: {
        allOf: [
          { name: "a", events: ["load.*", "!load.x"], when: "event.metadata.ok" },
          { name: "b", events: "load.{x,y}", when: ({ table }) => table === "t" },
          { name: "c", events: "load.y" },
        ],
      },
    });
    const ok = { metadata: { ok: true } };

    expect(factsOf(event("load.y", { ...ok, table: "t" }), true)?.inputs).toEqual(["a", "b", "c"]);
    expect(factsOf(event("load.y"), true)?.inputs).toEqual(["c"]);
    expect(factsOf(event("load.x", { ...ok, table: "t" }), true)?.inputs).toEqual(["b"]);
    expect(factsOf(event("load.z"), true)).toBeUndefined();
    expect(factsOf(event("load.y"), false)).toBeUndefined();
    expect(conditions.map(({ name, text }) => [name, text])).toEqual([
      ["input a", "load.*, !load.x when event.metadata.ok"],
      ["input b", "load.{x,y} when a function"],
      ["input c", "load.y"],
      ["failWhen", 'the type ends with ".error"'],
    ]);
    expect(conditions[0]?.test(event("load.y", ok))).toBe(true);
    expect(conditions[0]?.test(event("load.x", ok))).toBe(false);
  });

  test("asks for every type that an input takes, also one that another takes away", () => {
    const of = (...events: (string | string[])[]) =>
      prepare({ join: { allOf: events.map((each, i) => ({ name: `i${i}`, events: each })) } });

    expect(of(["x.*", "!x.y"], "x.y").patterns).toEqual(["x.*", "x.y"]);
    expect(of("!x.y").patterns).toEqual(["*"]);
    expect(of("x", "x").patterns).toEqual(["x"]);
  });

  test("takes an error for a failure unless fail_when says what is one", () => {
    const allOf = [{ name: "a", events: "load.*" }];
    const plain = prepare({ join: { allOf } });
    const own = prepare({ join: { allOf, failWhen: 'event.metadata.status == "FAILED"' } });
    const failed = event("load.end", { metadata: { status: "FAILED" } });

    expect(plain.factsOf(event("load.error"), true)?.failed).toBe(true);
    expect(plain.factsOf(failed, true)?.failed).toBe(false);
    expect(own.factsOf(event("load.error"), true)?.failed).toBe(false);
    expect(own.factsOf(failed, true)?.failed).toBe(true);
  });

  test.for([
    [{}, "join: it does not say its inputs. Give one of all_of, any_of"],
    [
      { allOf: inputs, anyOf: inputs },
      "join.anyOf: all_of says its inputs already. Give only one of all_of, any_of",
    ],
    [{ allOf: [] }, "join.allOf: name at least one input"],
    [
      { anyOf: [...inputs, inputs[0]] },
      'join.anyOf.2.name: another input is named "orders", too. Give each its own name',
    ],
    [
      { anyOf: inputs, atLeast: 3 },
      "join.atLeast: 3 are more than the 2 inputs. Lower it, or add inputs",
    ],
    [
      { allOf: inputs, atLeast: 1 },
      "join.atLeast: it has no effect without any_of. Add that, or take it out",
    ],
    [
      { allOf: inputs, onDeadline: "emit" },
      "join.onDeadline: it has no effect without within. Add that, or take it out",
    ],
    [
      { allOf: inputs, late: "drop" },
      "join.late: it has no effect without within. Add that, or take it out",
    ],
    [
      { allOf: [{ name: "__proto__", events: "x" }] },
      "join.allOf.0.name: a name has letters, digits, - _ and . only, at most 100",
    ],
  ] as const)("%j is refused", ([join, problem]) => {
    expect(refusal({ join })).toBe(problem);
  });

  test("tells everything that is wrong with globs and conditions at once", () => {
    const join = {
      by: "piepline",
      allOf: [
        { name: "a", events: "x{", when: "event.type ==" },
        { name: "b", events: "y" },
      ],
      failWhen: "size(event.type)",
    };

    const lines = refusal({ join }).split("\n");

    expect(lines).toHaveLength(4);
    expect(lines[0]).toBe(
      'join.by: An event has no field "piepline". Write a path such as pipeline or metadata.customer, or a CEL expression over event.',
    );
    expect(lines[1]).toMatch(/^join\.input a: "x\{" is not a glob/);
    expect(lines[2]).toMatch(/^join\.input a when: Condition "event\.type =="/);
    expect(lines[3]).toMatch(/^join\.failWhen: Condition .* must give true or false/);
  });
});

describe("threshold", () => {
  test("every key takes effect", () => {
    const { spec, patterns, factsOf, namesEvents } = prepare({
      threshold: {
        count: 3,
        within: "10m",
        by: "flowgroup",
        distinct: "metadata.host",
        resetOn: "pipeline.end",
      },
    });

    expect(spec).toEqual({
      ...common,
      kind: "threshold",
      count: 3,
      withinMs: 10 * minute,
      distinct: true,
      keyField: "flowgroup",
    });
    expect({ patterns, namesEvents }).toEqual({ patterns: ["pipeline.end"], namesEvents: false });
    const failed = event("pipeline.error", { metadata: { host: "h1" } });
    expect(factsOf(failed, true)).toEqual({ distinct: "h1" });
    expect(factsOf(failed, false)).toBeUndefined();
    expect(factsOf(event("pipeline.error"), true)).toEqual({});
    expect(factsOf(event("pipeline.end"), false)).toEqual({ reset: true });
  });

  test("counts events where nothing else is said", () => {
    const { spec, factsOf, patterns } = prepare({ threshold: { count: 2, within: 1000 } });

    expect(spec).toEqual({
      ...common,
      kind: "threshold",
      count: 2,
      withinMs: 1000,
      distinct: false,
    });
    expect(factsOf(event("a"), true)).toEqual({});
    expect(patterns).toEqual([]);
  });

  test.for([
    [{ within: "1m" }, /threshold\.count/],
    [{ count: 0, within: "1m" }, /threshold\.count/],
    [{ count: 2 }, /threshold\.within/],
  ] as const)("%j is refused", ([threshold, problem]) => {
    expect(refusal({ threshold })).toMatch(problem);
  });
});

describe("absence", () => {
  const scheduleOf = (absence: object) =>
    (prepare({ absence: { expect: "pipeline.end", ...absence } }).spec as AbsenceSpec).schedule;

  test("every key takes effect", () => {
    const { spec, patterns, seeds, factsOf, namesEvents } = prepare({
      absence: {
        expect: ["load.end", "sync.end"],
        when: "event.metadata.ok",
        by: "metadata.connector",
        after: { events: "load.start", within: "30m" },
        grace: "5m",
        for: ["orders", "customers"],
        forgetAfter: "1d",
      },
    });

    expect(spec).toEqual({
      ...common,
      kind: "absence",
      expect: "load.end, sync.end",
      schedule: { type: "after", withinMs: 30 * minute },
      graceMs: 5 * minute,
      keys: ["orders", "customers"],
      forgetAfterMs: 1440 * minute,
    });
    expect(patterns).toEqual(["load.end", "sync.end", "load.start"]);
    expect(seeds).toEqual(["orders", "customers"]);
    expect(namesEvents).toBe(true);
    const ok = { metadata: { ok: true } };
    expect(factsOf(event("load.end", ok), true)).toEqual({ expected: true, begins: false });
    expect(factsOf(event("load.end"), true)).toBeUndefined();
    expect(factsOf(event("load.start"), true)).toEqual({ expected: false, begins: true });
    expect(factsOf(event("load.start"), false)).toBeUndefined();
  });

  test("has the defaults that are documented", () => {
    expect(prepare({ absence: { expect: "x", every: "1h" } })).toMatchObject({
      spec: { graceMs: 0, keys: [""], forgetAfterMs: 7 * 1440 * minute },
      seeds: [""],
    });
    expect(prepare({ absence: { expect: "x", every: "1h", by: "table" } })).toMatchObject({
      spec: { keys: [] },
      seeds: [],
    });
  });

  test("is at a time of day, in a time zone, on days", () => {
    const at = (cron: string, timeZone = "UTC") => ({ type: "at", cron: { cron, timeZone } });

    expect(scheduleOf({ every: "2h" })).toEqual({ type: "every", everyMs: 120 * minute });
    expect(scheduleOf({ at: "06:00" })).toEqual(at("0 6 * * *"));
    expect(scheduleOf({ at: "23:59", timeZone: "Europe/Paris" })).toEqual(
      at("59 23 * * *", "Europe/Paris"),
    );
    expect(scheduleOf({ at: "06:30", days: "mon-fri" })).toEqual(at("30 6 * * 1,2,3,4,5"));
    expect(scheduleOf({ at: "06:30", days: ["sat-mon", "Thu", "mon"] })).toEqual(
      at("30 6 * * 0,1,4,6"),
    );
    expect(scheduleOf({ at: "06:30", days: "mon-sun" })).toEqual(at("30 6 * * *"));
  });

  test.for([
    [{ expect: "x" }, "absence: it does not say when it is expected. Give one of after, at, every"],
    [
      { expect: "x", at: "06:00", every: "1h" },
      "absence.every: at says when it is expected already. Give only one of after, at, every",
    ],
    [{ expect: "x", at: "6:00" }, 'absence.at: a time of day is HH:MM, such as "06:00"'],
    [{ expect: "x", at: "24:00" }, 'absence.at: a time of day is HH:MM, such as "06:00"'],
    [
      { expect: "x", at: "06:00", timeZone: "CEST/Paris" },
      'absence.timeZone: "CEST/Paris" is not a time zone. Write an IANA name such as "Europe/Paris"',
    ],
    [
      { expect: "x", at: "06:00", days: "weekdays" },
      'absence.days: "weekdays" is not a day. Write sun, mon, tue, wed, thu, fri, sat, or a range such as mon-fri.',
    ],
    [
      { expect: "x", every: "1h", days: "mon" },
      "absence.days: it has no effect without at. Add that, or take it out",
    ],
    [
      { expect: "x", every: "1h", for: ["orders"] },
      "absence.for: it has no effect without by. Add that, or take it out",
    ],
  ] as const)("%j is refused", ([absence, problem]) => {
    expect(refusal({ absence })).toBe(problem);
  });
});

describe("alert", () => {
  test("every key takes effect", () => {
    const { spec, patterns, factsOf, namesEvents } = prepare({
      alert: {
        by: "action",
        openWhen: ({ metadata }) => metadata.bad === true,
        resolveOn: ["pipeline.end", "action.end"],
        confirmFor: "5m",
        remind: ["4h", "24h"],
        maxReminders: 5,
      },
    });

    expect(spec).toEqual({
      ...common,
      kind: "alert",
      confirmForMs: 5 * minute,
      remindMs: [240 * minute, 1440 * minute],
      maxReminders: 5,
      keyField: "action",
    });
    expect(patterns).toEqual(["pipeline.end", "action.end"]);
    expect(namesEvents).toBe(false);
    expect(factsOf(event("x", { metadata: { bad: true } }), true)).toEqual({
      opens: true,
      resolves: false,
    });
  });

  test("has the defaults that are documented", () => {
    const { spec, factsOf } = prepare({ alert: { resolveOn: "pipeline.end", remind: ["4h"] } });

    expect(spec).toMatchObject({ confirmForMs: 0, maxReminders: 1 });
    expect(factsOf(event("pipeline.error"), true)).toMatchObject({ opens: true });
    expect(prepare({ alert: { resolveOn: "x" } }).spec).toMatchObject({
      remindMs: [],
      maxReminders: 0,
    });
  });

  test("events that are not the hook's own resolve, and open nothing", () => {
    const { factsOf } = prepare({ alert: { resolveOn: "pipeline.*" } });

    expect(factsOf(event("pipeline.error"), false)).toEqual({ opens: false, resolves: true });
    expect(factsOf(event("table.error"), false)).toBeUndefined();
    expect(factsOf(event("table.created"), true)).toEqual({ opens: false, resolves: false });
  });

  test.for([
    [{}, /alert\.resolveOn/],
    [{ resolveOn: "x", remind: ["4h", "4h"] }, /alert\.remind\.1: it is not later than the one/],
    [{ resolveOn: "x", maxReminders: 2 }, /alert\.maxReminders: there are no reminders without/],
    [{ resolveOn: "x", openWhen: "true ||" }, /alert\.openWhen: Condition "true \|\|"/],
  ] as const)("%j is refused", ([alert, problem]) => {
    expect(refusal({ alert })).toMatch(problem);
  });
});

describe("by", () => {
  const keyOf = (by: NonNullable<GateOptions["debounce"]>["by"], fields: Partial<PipehooksEvent>) =>
    prepare({ debounce: { wait: 1, by } }).keyOf(event("x.y", fields));

  test.for([
    ["pipeline", { pipeline: "orders" }, "orders"],
    ["event.pipeline", { pipeline: "orders" }, "orders"],
    ["metadata.business_date", { metadata: { business_date: "2026-03-28" } }, "2026-03-28"],
    ["metadata.n", { metadata: { n: 7 } }, "7"],
    ["metadata.n", { metadata: { n: { b: [1] } } }, '{"b":[1]}'],
    ["metadata.n", { metadata: { n: null } }, ""],
    ["metadata.n.m", { metadata: {} }, ""],
    ["pipeline", { pipeline: "a\0b" }, '"a\\u0000b"'],
    ['event.pipeline + "/" + event.type', { pipeline: "p" }, "p/x.y"],
    ['event.pipeline + "/" + event.table', { pipeline: "p" }, ""],
    ["size(event.type)", {}, "3"],
    ["[event.type, event.source]", {}, '["x.y","/s"]'],
    ["event.pipeline.split('_')[0]", { pipeline: "prod_orders" }, "prod"],
    [({ table }: PipehooksEvent) => table?.slice(0, 1), { table: "t1" }, "t"],
    [() => undefined, {}, ""],
    [["pipeline", "table"], { pipeline: "p", table: "t" }, '["p","t"]'],
    [["pipeline", "table"], { table: "t" }, '[null,"t"]'],
    [["pipeline", "table"], {}, ""],
    [["pipeline"], { pipeline: "p" }, "p"],
    [undefined, { pipeline: "p" }, ""],
  ] as const)("%j of %j is the key %j", ([by, fields, key]) => {
    expect(keyOf(by, fields)).toBe(key);
  });

  test("long values make short keys, which differ where the values do", () => {
    const long = "x".repeat(100_000);

    const [one, other] = [
      keyOf("table", { table: `${long}1` }),
      keyOf("table", { table: `${long}2` }),
    ];

    expect(one.length).toBeLessThan(200);
    expect(one).not.toBe(other);
    expect(one.startsWith("xxx")).toBe(true);
    expect(keyOf("table", { table: "y".repeat(500) })).toBe("y".repeat(500));
  });

  test("the field that the key is goes on with what the gate announces", () => {
    const fieldOf = (by: string) => prepare({ debounce: { wait: 1, by } }).spec.keyField;

    expect(["pipeline", "event.subject", "runId", "metadata.pipeline"].map(fieldOf)).toEqual([
      "pipeline",
      "subject",
      undefined,
      undefined,
    ]);
  });

  test("what fails is told, and counts as nothing", () => {
    const warnings: string[] = [];
    const by = () => {
      throw new Error("no table");
    };
    const thrown = prepare({ debounce: { wait: 1, by } }, warnings);
    const failed = prepare({ debounce: { wait: 1, by: "event.metadata.n + 'x'" } }, warnings);

    expect(thrown.keyOf(event("x"))).toBe("");
    expect(failed.keyOf(event("x", { metadata: { n: 1 } }))).toBe("");
    expect(warnings[0]).toBe("a function of its gate threw: no table");
    expect(warnings[1]).toMatch(/^"event\.metadata\.n \+ 'x'" of its gate failed: /);
  });

  test("a condition that fails is told with its name", () => {
    const warnings: string[] = [];
    const digest = {
      every: "1m",
      flushWhen: () => {
        throw new Error("oh");
      },
    };

    const { factsOf } = prepare({ digest }, warnings);

    expect(factsOf(event("x"), true)).toEqual({ flush: false });
    expect(warnings).toEqual(['the condition "flushWhen" of its digest threw: oh']);
  });

  test.for([
    ["event", 'An event has no field "event"'],
    ["event.type ++", 'Expression "event.type ++"'],
    ["evnt.type + 'x'", "Expression"],
  ] as const)("%j is refused", ([by, problem]) => {
    expect(refusal({ debounce: { wait: 1, by } })).toContain(problem);
  });
});

describe("the shapes", () => {
  test("in a file a duration has a unit, and there are no functions", () => {
    const file = z.strictObject(gateTextShape);
    const code = z.strictObject(gateShape);

    for (const debounce of [{ wait: 1000 }, { wait: "1s", by: () => "x" }]) {
      expect(file.safeParse({ debounce }).success).toBe(false);
      expect(code.safeParse({ debounce }).success).toBe(true);
    }
    expect(file.safeParse({ debounce: { wait: "1s", by: ["pipeline"] } }).success).toBe(true);
  });

  test("of a file have a JSON Schema with a description of every key", () => {
    const schema = z.toJSONSchema(z.strictObject(gateTextShape), { io: "input" });
    const gates = Object.values(schema.properties ?? {}) as z.core.JSONSchema.BaseSchema[];

    expect(gates).toHaveLength(6);
    for (const gate of gates) {
      expect(gate.description).toMatch(/^Gate: /);
      for (const [key, value] of Object.entries(gate.properties ?? {})) {
        expect((value as { description?: string }).description, key).toBeTruthy();
      }
    }
  });
});
