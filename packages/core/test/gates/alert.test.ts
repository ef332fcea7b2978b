import type { AlertSpec, GateFacts } from "@pipehooks/core/gates";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { commonSpec, createGateModel, type GateModel, modelStart } from "./gate-model.ts";
import { compareWithLists, type ListModel, runScript, scripts } from "./gate-script.ts";

const minute = 60_000;
const hour = 60 * minute;
const spec: AlertSpec = {
  ...commonSpec,
  kind: "alert",
  confirmForMs: 0,
  remindMs: [4 * hour, 24 * hour],
  maxReminders: 5,
};
const confirmed: AlertSpec = { ...spec, confirmForMs: 5 * minute };
const failure = { facts: { opens: true } };
const success = { facts: { resolves: true } };
const since = "2026-01-15T12:00:00.000Z";

const alerts = (gate: GateModel) => gate.released().map(({ release }) => release?.alert);
const hours = (gate: GateModel) => gate.released().map(({ at = 0 }) => (at - modelStart) / hour);

describe("alert", () => {
  test("the first failure opens an incident, the next success resolves it", () => {
    const gate = createGateModel(spec);

    gate.emit({ ...failure, key: "orders" });
    gate.wait(minute);
    gate.emit({ ...success, key: "orders" });

    const [opened, resolved] = gate.released();
    expect(opened).toMatchObject({
      refs: [1],
      release: { reason: "the first failure", alert: { state: "opened", count: 1, key: "orders" } },
    });
    expect(resolved).toMatchObject({
      refs: [2],
      release: { reason: "a success after the failures", alert: { state: "resolved", since } },
    });
    expect(opened?.release?.alert).toMatchObject({
      since,
      incident: resolved?.release?.alert?.incident,
    });
    expect(gate.memory("orders")).toBeUndefined();
  });

  test("the common group has no key", () => {
    const gate = createGateModel(spec);

    gate.emit(failure);

    expect(alerts(gate)).toMatchObject([{ key: null }]);
  });

  test("is opened only when failures have lasted for confirm_for", () => {
    const gate = createGateModel(confirmed);

    gate.emit(failure);
    gate.wait(2 * minute);
    gate.emit(failure);
    gate.wait(3 * minute - 1);
    expect(gate.released()).toEqual([]);
    gate.wait(1);

    expect(gate.released()).toMatchObject([
      {
        refs: [1, 2],
        at: modelStart + 5 * minute,
        release: { reason: "no success for 5 m", alert: { state: "opened", since, count: 2 } },
      },
    ]);
  });

  test("what recovers before confirm_for is over wakes nobody", () => {
    const gate = createGateModel(confirmed);

    gate.emit(failure);
    gate.wait(minute);
    gate.emit(success);
    gate.wait(24 * hour);

    expect(gate.released()).toEqual([]);
    expect(gate.skipped()).toMatchObject([
      { refs: [1], reason: "recovered within 5 m, before it was reported" },
      { refs: [2], reason: "recovered before confirm_for was over" },
    ]);
  });

  test("a success after confirm_for resolves, though nobody looked in between", () => {
    const gate = createGateModel(confirmed);

    gate.emit(failure);
    gate.jump(5 * minute);
    gate.emit(success);

    expect(alerts(gate)).toMatchObject([{ state: "opened" }, { state: "resolved" }]);
  });

  test("further failures wait for the next message and are counted", () => {
    const gate = createGateModel(spec);

    for (let n = 0; n < 3; n++) gate.emit(failure);
    expect(gate.released()).toHaveLength(1);
    gate.emit(success);

    expect(gate.released()[1]).toMatchObject({
      refs: [2, 3, 4],
      release: { alert: { state: "resolved", count: 3 } },
    });
  });

  test("reminds at the times counted from the opening, then evenly, until there were enough", () => {
    const gate = createGateModel(spec);

    gate.emit(failure);
    gate.wait(1000 * hour);

    expect(hours(gate)).toEqual([0, 4, 24, 48, 72, 96]);
    expect(gate.released()[1]?.release?.reason).toBe("open for 4 h");
    expect(gate.memory()?.wakeAt).toBeUndefined();
  });

  test("counts the times of reminders from the opening, not from the first failure", () => {
    const gate = createGateModel({ ...spec, confirmForMs: hour });

    gate.emit(failure);
    gate.wait(25 * hour);

    expect(hours(gate)).toEqual([1, 5, 25]);
  });

  test.for([
    ["no times", { remindMs: [] }],
    ["a maximum of 0", { maxReminders: 0 }],
  ] as const)("reminds never with %s", ([, options]) => {
    const gate = createGateModel({ ...spec, ...options });

    gate.emit(failure);
    gate.wait(1000 * hour);

    expect(hours(gate)).toEqual([0]);
  });

  test("a reminder has the failures since the last message, or repeats the newest one", () => {
    const gate = createGateModel(spec);

    gate.emit(failure);
    gate.emit(failure);
    gate.emit(failure);
    gate.wait(24 * hour);

    expect(gate.released().slice(1)).toMatchObject([
      { refs: [2, 3], release: { alert: { state: "reminder", count: 3 } } },
      { refs: [3], again: true, release: { alert: { state: "reminder", count: 3 } } },
    ]);
  });

  test("of reminders that are overdue together one is sent", () => {
    const gate = createGateModel(spec);

    gate.emit(failure);
    gate.jump(30 * hour);
    gate.look();
    gate.wait(24 * hour);

    expect(hours(gate)).toEqual([0, 30, 54]);
  });

  test("tags tell apart the messages of an incident, and of the next one", () => {
    const gate = createGateModel(spec);

    gate.emit(failure);
    gate.wait(24 * hour);
    gate.emit(success);
    gate.emit(failure);

    const tags = gate.released().map(({ release }) => release?.tag);
    expect(tags.map((tag) => tag?.replace(/_[a-z0-9]+_[a-z0-9]+$/, ""))).toEqual([
      "opened",
      "reminder_1",
      "reminder_2",
      "resolved",
      "opened",
    ]);
    expect(new Set(tags).size).toBe(5);
    const incidents = alerts(gate).map((alert) => alert?.incident);
    expect(new Set(incidents.slice(0, 4)).size).toBe(1);
    expect(incidents[4]).not.toBe(incidents[0]);
  });

  test("events that are neither or come without an incident are left out", () => {
    const gate = createGateModel(spec);

    gate.emit();
    gate.emit(success);
    gate.emit(failure);
    gate.emit();
    gate.wait(4 * hour);

    expect(gate.skipped()).toMatchObject([
      { refs: [1], reason: "neither opens nor resolves" },
      { refs: [2], reason: "no incident is open" },
      { refs: [4], reason: "neither opens nor resolves" },
    ]);
    expect(alerts(gate)).toMatchObject([{ state: "opened" }, { state: "reminder", count: 1 }]);
  });

  test("an event that both opens and resolves opens", () => {
    const gate = createGateModel(spec);

    gate.emit({ facts: { opens: true, resolves: true } });

    expect(alerts(gate)).toMatchObject([{ state: "opened" }]);
  });

  test("a clock that is set back makes neither confirming nor reminders later, and changes no incident", () => {
    const gate = createGateModel(confirmed);

    gate.emit(failure);
    gate.jump(-100 * hour);
    gate.look();
    gate.wait(5 * minute);
    expect(alerts(gate)).toMatchObject([{ state: "opened", since }]);
    gate.jump(-100 * hour);
    gate.look();
    gate.wait(4 * hour);

    expect(alerts(gate)).toMatchObject([{ since }, { state: "reminder", since }]);
    expect(new Set(alerts(gate).map((alert) => alert?.incident)).size).toBe(1);
  });

  const specs = fc.record({
    confirmForMs: fc.constantFrom(0, 500),
    remindMs: fc.constantFrom([], [1000], [400, 1000]),
    maxReminders: fc.integer({ min: 0, max: 4 }),
  });
  const facts: fc.Arbitrary<GateFacts> = fc.oneof(
    { weight: 6, arbitrary: fc.constant({ opens: true }) },
    { weight: 2, arbitrary: fc.constant({ resolves: true }) },
    { weight: 1, arbitrary: fc.constant({}) },
  );
  const script = fc.oneof(scripts(facts, 1000), scripts(facts, 300));

  test("tells what lists of events say, whatever happens", () => {
    const property = fc.property(specs, script, (options, steps) => {
      const given = { ...spec, ...options };
      compareWithLists(given, steps, () => listOf(given));
    });

    fc.assert(property, { numRuns: 200 });
  });

  test("loses and doubles nothing while the clock jumps, and each incident is opened and resolved once", () => {
    const property = fc.property(specs, script, (options, steps) => {
      const gate = createGateModel({ ...spec, ...options }, { maxMemory: 300 });
      runScript(gate, steps);
      gate.wait(500);
      for (const key of ["", "a", "b"]) gate.emit({ ...success, key });

      const told = new Map<string, string[]>();
      for (const alert of alerts(gate)) {
        const states = told.get(alert?.incident ?? "") ?? [];
        told.set(alert?.incident ?? "", [...states, alert?.state ?? ""]);
      }
      for (const states of told.values()) {
        expect(states.at(0)).toBe("opened");
        expect(states.at(-1)).toBe("resolved");
        expect(states.slice(1, -1).every((state) => state === "reminder")).toBe(true);
        expect(states.length - 2).toBeLessThanOrEqual(options.maxReminders);
      }
      for (const key of ["", "a", "b"]) expect(gate.memory(key)).toBeUndefined();
    });

    fc.assert(property, { numRuns: 200 });
  });
});

/** Keeps the failures of the incident and what was told of it, with the times. */
function listOf({ confirmForMs, remindMs, maxReminders }: AlertSpec): ListModel {
  let failures: { ref: number; at: number }[] = [];
  let told: { at: number; refs: readonly number[] }[] = [];
  let passed = 0;
  const released: { refs: readonly number[]; at: number; alert: string }[] = [];
  const skipped: number[] = [];
  const untold = () => {
    const refs = told.flatMap((message) => message.refs);
    return failures.map(({ ref }) => ref).filter((ref) => !refs.includes(ref));
  };
  const tell = (alert: string, at: number, refs: readonly number[]) => {
    told.push({ at, refs });
    released.push({ refs, at, alert });
  };
  const planned = () => remindMs.map((ms) => (told[0]?.at ?? 0) + ms);
  const reminder = () =>
    planned()[passed] ?? (told.at(-1)?.at ?? 0) + (remindMs.at(-1) ?? Infinity);
  return {
    released,
    skipped,
    dueAt() {
      if (failures.length === 0) return undefined;
      if (told.length === 0) return Math.min(...failures.map(({ at }) => at)) + confirmForMs;
      return told.length > maxReminders ? undefined : reminder();
    },
    timeCame(now) {
      if (told.length === 0) tell("opened", now, untold());
      else {
        const newest = failures.slice(-1).map(({ ref }) => ref);
        passed = Math.max(passed + 1, planned().filter((at) => at <= now).length);
        tell("reminder", now, untold().length > 0 ? untold() : newest);
      }
    },
    event(ref, { opens, resolves }, now) {
      if (opens === true) {
        failures.push({ ref, at: now });
        if (confirmForMs === 0 && told.length === 0) this.timeCame(now);
        return;
      }
      if (resolves === true && told.length > 0) tell("resolved", now, [...untold(), ref]);
      else skipped.push(...(resolves === true ? untold() : []), ref);
      if (resolves !== true) return;
      failures = [];
      told = [];
      passed = 0;
    },
    lower(now) {
      failures = failures.map((each) => ({ ...each, at: Math.min(each.at, now) }));
      told = told.map((each) => ({ ...each, at: Math.min(each.at, now) }));
    },
  };
}
