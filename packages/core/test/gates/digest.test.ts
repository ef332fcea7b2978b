import type { DigestSpec } from "@pipehooks/core/gates";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { commonSpec, createGateModel, modelStart } from "./gate-model.ts";
import { compareWithLists, type ListModel, runScript, scripts } from "./gate-script.ts";

const minute = 60_000;
const spec: DigestSpec = { ...commonSpec, kind: "digest", every: 5 * minute, max: undefined };
const paris = (cron: string): DigestSpec => ({
  ...spec,
  every: { cron, timeZone: "Europe/Paris" },
});
const at = (text: string) => Date.parse(text);

describe("digest", () => {
  test("events of a period are let through together, the period begins with its first event", () => {
    const gate = createGateModel(spec);

    gate.wait(minute);
    gate.emit();
    gate.wait(4 * minute);
    gate.emit();
    gate.wait(minute);
    gate.emit();

    expect(gate.released()).toMatchObject([
      {
        refs: [1, 2],
        release: { reason: "5 m since the first event" },
        at: modelStart + 6 * minute,
      },
    ]);
    expect(gate.gathering()).toEqual([3]);
  });

  test("a key without events is not remembered", () => {
    const gate = createGateModel(spec);

    gate.emit();
    gate.wait(5 * minute);

    expect(gate.memory()).toBeUndefined();
  });

  test("the event that makes the maximum lets all go, and the next begins another period", () => {
    const gate = createGateModel({ ...spec, max: 3 });

    for (let n = 0; n < 3; n++) gate.emit();
    gate.wait(minute);
    gate.emit();
    gate.wait(5 * minute);

    expect(gate.released()).toMatchObject([
      { refs: [1, 2, 3], release: { reason: "3 events" }, at: modelStart },
      { refs: [4], at: modelStart + 6 * minute },
    ]);
  });

  test("an event for which flush_when holds lets all go, itself included", () => {
    const gate = createGateModel(spec);

    gate.emit();
    gate.emit({ facts: { flush: false } });
    gate.emit({ facts: { flush: true } });

    expect(gate.released()).toMatchObject([
      { refs: [1, 2, 3], release: { reason: "flush_when holds" } },
    ]);
  });

  test("keys have their own periods and their own maximum", () => {
    const gate = createGateModel({ ...spec, max: 2 });

    gate.emit({ key: "a" });
    gate.wait(minute);
    gate.emit({ key: "b" });
    gate.wait(4 * minute);

    expect(gate.released()).toMatchObject([{ key: "a", refs: [1] }]);
    expect(gate.gathering("b")).toEqual([2]);
  });

  test.for([
    ["the day on which daylight saving begins", "2026-03-28T12:00Z", "2026-03-29T04:00Z"],
    ["the day on which it ends", "2026-10-24T12:00Z", "2026-10-25T05:00Z"],
  ] as const)("with a schedule it comes at the local time on %s", ([, from, until]) => {
    const gate = createGateModel(paris("0 6 * * *"), { start: at(from) });

    gate.emit();
    gate.wait(at(until) - at(from) - 1);
    expect(gate.released()).toEqual([]);
    gate.wait(1);

    expect(gate.released()).toMatchObject([
      {
        refs: [1],
        at: at(until),
        release: {
          reason: `"0 6 * * *" in Europe/Paris: the period until ${new Date(until).toISOString()}`,
        },
      },
    ]);
  });

  test("with a schedule the period after an early flush ends at the next time of the schedule", () => {
    const gate = createGateModel(paris("0 6 * * *"), { start: at("2026-06-01T12:00Z") });

    gate.emit({ facts: { flush: true } });
    gate.wait(minute);
    gate.emit();
    gate.wait(86_400_000);

    expect(gate.released()).toMatchObject([
      { refs: [1], at: at("2026-06-01T12:00Z") },
      { refs: [2], at: at("2026-06-02T04:00Z") },
    ]);
  });

  test("an event at the scheduled time belongs to the next period", () => {
    const gate = createGateModel(paris("0 6 * * *"), { start: at("2026-06-01T03:59Z") });

    gate.emit();
    gate.jump(minute);
    gate.emit();

    expect(gate.released()).toMatchObject([{ refs: [1] }]);
    expect(gate.memory()?.wakeAt).toBe(at("2026-06-02T04:00Z"));
  });

  test("a clock that is set back makes no period longer than configured", () => {
    const gate = createGateModel(spec);

    gate.emit();
    gate.jump(-86_400_000);
    gate.look();
    gate.wait(5 * minute);

    expect(gate.released()).toMatchObject([{ refs: [1] }]);
  });

  test("with a schedule a clock that is set back brings the earlier scheduled time", () => {
    const gate = createGateModel(paris("0 6 * * *"), { start: at("2026-06-02T12:00Z") });

    gate.emit();
    gate.jump(-86_400_000);
    gate.look();

    expect(gate.memory()?.wakeAt).toBe(at("2026-06-02T04:00Z"));
  });

  const specs = fc.record({
    every: fc.constantFrom(1000, { cron: "* * * * *", timeZone: "Europe/Paris" } as const),
    max: fc.constantFrom(undefined, 1, 4),
  });
  const facts = fc.oneof(
    { weight: 9, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.constant({ flush: true }) },
  );
  const script = fc.oneof(scripts(facts, 1000), scripts(facts, 40_000));

  test("lets through what lists of events say, whatever happens", () => {
    const property = fc.property(specs, script, (options, steps) => {
      const given = { ...spec, ...options };
      compareWithLists(given, steps, () => listOf(given));
    });

    fc.assert(property, { numRuns: 200 });
  });

  test("loses and doubles nothing while the clock jumps, and all goes in the end", () => {
    const property = fc.property(specs, script, (options, steps) => {
      const gate = createGateModel({ ...spec, ...options }, { maxMemory: 100 });
      runScript(gate, steps);
      gate.wait(minute);

      expect(gate.released().flatMap(({ refs }) => refs)).toHaveLength(gate.refs().length);
      for (const key of ["", "a", "b"]) expect(gate.memory(key)).toBeUndefined();
    });

    fc.assert(property, { numRuns: 200 });
  });
});

function listOf({ every, max = Infinity }: DigestSpec): ListModel {
  let period: { ref: number; at: number }[] = [];
  const released: { refs: number[]; at: number }[] = [];
  const release = (now: number) => {
    released.push({ refs: period.map(({ ref }) => ref), at: now });
    period = [];
  };
  return {
    released,
    skipped: [],
    dueAt() {
      if (period.length === 0) return undefined;
      const first = Math.min(...period.map(({ at: time }) => time));
      // The schedule of the property is each whole minute.
      return typeof every === "number" ? first + every : (Math.floor(first / minute) + 1) * minute;
    },
    timeCame: release,
    event(ref, { flush }, now) {
      period.push({ ref, at: now });
      if (flush === true || period.length >= max) release(now);
    },
    lower(now) {
      period = period.map((event) => ({ ...event, at: Math.min(event.at, now) }));
    },
  };
}
