import type { GateFacts, ThresholdSpec } from "@pipehooks/core/gates";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { commonSpec, createGateModel, modelStart } from "./gate-model.ts";
import { compareWithLists, type ListModel, runScript, scripts } from "./gate-script.ts";

const minute = 60_000;
const spec: ThresholdSpec = {
  ...commonSpec,
  kind: "threshold",
  count: 3,
  withinMs: 10 * minute,
  distinct: false,
};

describe("threshold", () => {
  test("fires with the event that makes the count within the window", () => {
    const gate = createGateModel(spec);

    gate.emit();
    gate.wait(4 * minute);
    gate.emit();
    gate.wait(6 * minute - 1);
    expect(gate.released()).toEqual([]);
    gate.emit();

    expect(gate.released()).toMatchObject([
      { refs: [1, 2, 3], release: { reason: "3 in 10 m" }, at: gate.now },
    ]);
  });

  test("an event that has left the window does not count, and says so", () => {
    const gate = createGateModel(spec);

    gate.emit();
    gate.wait(4 * minute);
    gate.emit();
    gate.wait(6 * minute);
    gate.emit();

    expect(gate.released()).toEqual([]);
    expect(gate.skipped()).toMatchObject([{ refs: [1], reason: "2 of 3 within 10 m" }]);
    expect(gate.gathering()).toEqual([2, 3]);
  });

  test("too few events are given up once the window has emptied", () => {
    const gate = createGateModel(spec);

    gate.emit();
    gate.wait(minute);
    gate.emit();
    gate.wait(10 * minute);

    expect(gate.skipped()).toMatchObject([
      { refs: [1, 2], reason: "2 of 3 within 10 m", at: modelStart + 11 * minute },
    ]);
    expect(gate.memory()).toBeUndefined();
  });

  test("having fired, it does not fire again until the window has emptied", () => {
    const gate = createGateModel(spec);

    for (let n = 0; n < 3; n++) gate.emit();
    for (let n = 0; n < 6; n++) {
      gate.wait(9 * minute);
      gate.emit();
    }
    expect(gate.released()).toHaveLength(1);
    expect(gate.skipped().at(-1)?.reason).toBe(
      "fired at 2026-01-15T12:00:00.000Z, not again until it is reset or 10 m bring no event",
    );
    gate.wait(10 * minute);
    expect(gate.memory()).toBeUndefined();
    for (let n = 0; n < 3; n++) gate.emit();

    expect(gate.released()).toMatchObject([{ refs: [1, 2, 3] }, { refs: [10, 11, 12] }]);
  });

  test("an event of reset_on lets it fire again at once", () => {
    const gate = createGateModel(spec);

    for (let n = 0; n < 3; n++) gate.emit();
    gate.emit({ facts: { reset: true } });
    for (let n = 0; n < 3; n++) gate.emit();

    expect(gate.skipped()).toMatchObject([{ refs: [4], reason: "resets the gate" }]);
    expect(gate.released()).toMatchObject([{ refs: [1, 2, 3] }, { refs: [5, 6, 7] }]);
  });

  test("an event of reset_on takes the count back to nothing", () => {
    const gate = createGateModel(spec);

    gate.emit();
    gate.emit();
    gate.emit({ facts: { reset: true } });
    gate.emit();

    expect(gate.released()).toEqual([]);
    expect(gate.skipped()).toMatchObject([
      { refs: [1, 2], reason: "reset before there were enough" },
      { refs: [3], reason: "resets the gate" },
    ]);
    expect(gate.gathering()).toEqual([4]);
  });

  test("with distinct equal values count once, and the delivery has the repeated ones too", () => {
    const gate = createGateModel({ ...spec, distinct: true });

    for (const distinct of ["a", "a", "b", "a", "b", "c"]) gate.emit({ facts: { distinct } });

    expect(gate.released()).toMatchObject([
      { refs: [1, 2, 3, 4, 5, 6], release: { reason: "3 different in 10 m" } },
    ]);
  });

  test("with distinct a value that comes again stays in the window for longer", () => {
    const gate = createGateModel({ ...spec, distinct: true });

    for (const distinct of ["a", "b", "a"]) {
      gate.emit({ facts: { distinct } });
      gate.wait(4 * minute);
    }
    gate.wait(2 * minute);
    gate.emit({ facts: { distinct: "c" } });
    expect(gate.skipped()).toMatchObject([
      { refs: [1, 2], reason: "2 of 3 different within 10 m" },
    ]);
    gate.emit({ facts: { distinct: "d" } });

    expect(gate.released()).toMatchObject([{ refs: [3, 4, 5] }]);
  });

  test("with distinct an event without the value is left out", () => {
    const gate = createGateModel({ ...spec, distinct: true });

    gate.emit({ facts: { distinct: "a" } });
    gate.emit();

    expect(gate.skipped()).toMatchObject([
      { refs: [2], reason: "it lacks the value of which different ones are counted" },
    ]);
  });

  test("long values are told apart without being remembered whole", () => {
    const gate = createGateModel({ ...spec, distinct: true }, { maxMemory: 400 });
    const long = "x".repeat(100_000);

    for (const end of ["1", "2", "1", "3"]) gate.emit({ facts: { distinct: long + end } });

    expect(gate.released()).toMatchObject([{ refs: [1, 2, 3, 4] }]);
  });

  test("keys are counted apart", () => {
    const gate = createGateModel(spec);

    for (const key of ["a", "b", "a", "b", "a"]) gate.emit({ key });

    expect(gate.released()).toMatchObject([{ key: "a", refs: [1, 3, 5] }]);
  });

  test("a clock that is set back keeps nothing in the window for longer than configured", () => {
    const counting = createGateModel(spec);
    const fired = createGateModel(spec);

    counting.emit();
    for (let n = 0; n < 3; n++) fired.emit();
    for (const gate of [counting, fired]) {
      gate.jump(-86_400_000);
      gate.look();
      gate.wait(10 * minute);
    }

    expect(counting.skipped()).toMatchObject([{ refs: [1], reason: "1 of 3 within 10 m" }]);
    expect(fired.memory()).toBeUndefined();
  });

  const specs = fc.record({
    count: fc.integer({ min: 1, max: 4 }),
    withinMs: fc.constant(1000),
    distinct: fc.boolean(),
  });
  const facts: fc.Arbitrary<GateFacts> = fc.oneof(
    {
      weight: 9,
      arbitrary: fc.record({ distinct: fc.constantFrom("a", "b", "c", "d", undefined) }),
    },
    { weight: 1, arbitrary: fc.constant({ reset: true }) },
  );
  const script = fc.oneof(scripts(facts, 1000), scripts(facts, 200));

  test("lets through what lists of events say, whatever happens", () => {
    const property = fc.property(specs, script, (options, steps) => {
      const given = { ...spec, ...options };
      compareWithLists(given, steps, () => listOf(given));
    });

    fc.assert(property, { numRuns: 200 });
  });

  test("loses and doubles nothing while the clock jumps, and is quiet in the end", () => {
    const property = fc.property(specs, script, (options, steps) => {
      const gate = createGateModel({ ...spec, ...options }, { maxMemory: 200 });
      runScript(gate, steps);
      gate.wait(1000);

      for (const key of ["", "a", "b"]) {
        expect(gate.memory(key)).toBeUndefined();
        expect(gate.gathering(key)).toEqual([]);
      }
    });

    fc.assert(property, { numRuns: 200 });
  });
});

/** Keeps all that came since it was last quiet, and looks at the whole window each time. */
function listOf({ count, withinMs, distinct }: ThresholdSpec): ListModel {
  let came: { ref: number; at: number; value: string | undefined; held: boolean }[] = [];
  let fired = false;
  const released: { refs: number[]; at: number }[] = [];
  const skipped: number[] = [];
  const giveUp = (which: typeof came) => {
    skipped.push(...which.filter(({ held }) => held).map(({ ref }) => ref));
    came = came.filter((event) => !which.includes(event));
  };
  return {
    released,
    skipped,
    dueAt() {
      if (came.length === 0) return undefined;
      return Math.max(...came.map(({ at }) => at)) + withinMs;
    },
    timeCame() {
      if (!fired) giveUp(came);
      came = [];
      fired = false;
    },
    event(ref, facts, now) {
      if (facts.reset === true) {
        this.timeCame(now);
        skipped.push(ref);
        return;
      }
      if (!fired && distinct && facts.distinct === undefined) {
        skipped.push(ref);
        return;
      }
      const value = distinct ? facts.distinct : String(ref);
      if (fired) {
        came.push({ ref, at: now, value, held: false });
        skipped.push(ref);
        return;
      }
      const values = new Set(
        came.filter(({ at }) => at + withinMs > now).map((event) => event.value),
      );
      // Held events leave with the latest one of a value that has left as a whole, also when it comes again just now.
      const gone = came.filter((event) => !values.has(event.value)).map((event) => event.ref);
      giveUp(came.filter((event) => event.ref <= Math.max(0, ...gone)));
      came.push({ ref, at: now, value, held: true });
      values.add(value);
      if (values.size < count) return;
      fired = true;
      released.push({ refs: came.map((event) => event.ref), at: now });
      came = came.map((event) => ({ ...event, held: false }));
    },
    lower(now) {
      came = came.map((event) => ({ ...event, at: Math.min(event.at, now) }));
    },
  };
}
