import type { DebounceSpec } from "@pipehooks/core/gates";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { commonSpec, createGateModel, modelStart } from "./gate-model.ts";
import { compareWithLists, type ListModel, runScript, scripts } from "./gate-script.ts";

const spec: DebounceSpec = {
  ...commonSpec,
  kind: "debounce",
  waitMs: 30_000,
  maxWaitMs: undefined,
  leading: false,
};

describe("debounce", () => {
  test("events of a burst are let through together once it has been quiet for so long", () => {
    const gate = createGateModel(spec);

    gate.emit();
    gate.wait(20_000);
    gate.emit();
    gate.wait(29_999);
    expect(gate.released()).toEqual([]);
    gate.wait(1);

    expect(gate.released()).toMatchObject([
      { refs: [1, 2], release: { reason: "quiet for 30 s" }, at: modelStart + 50_000 },
    ]);
    expect(gate.memory()).toBeUndefined();
  });

  test("the first of a burst waits for max_wait at most", () => {
    const gate = createGateModel({ ...spec, maxWaitMs: 60_000 });

    for (let n = 0; n < 7; n++) {
      gate.emit();
      gate.wait(10_000);
    }

    expect(gate.released()).toMatchObject([
      {
        refs: [1, 2, 3, 4, 5, 6],
        release: { reason: "waited for 1 m, the longest" },
        at: modelStart + 60_000,
      },
    ]);
    expect(gate.gathering()).toEqual([7]);
  });

  test("with leading the first of a burst goes at once and the rest together", () => {
    const gate = createGateModel({ ...spec, leading: true });

    gate.emit();
    expect(gate.released()).toMatchObject([
      { refs: [1], release: { reason: "first of a burst" }, at: modelStart },
    ]);
    gate.wait(10_000);
    gate.emit();
    gate.wait(10_000);
    gate.emit();
    gate.wait(30_000);

    expect(gate.released()).toMatchObject([{ refs: [1] }, { refs: [2, 3] }]);
  });

  test("with leading a burst of one event ends quietly, and the next one goes at once again", () => {
    const gate = createGateModel({ ...spec, leading: true });

    gate.emit();
    gate.wait(30_000);
    expect(gate.memory()).toBeUndefined();
    gate.emit();

    expect(gate.released()).toMatchObject([{ refs: [1] }, { refs: [2] }]);
  });

  test("with leading max_wait counts from the first event that is held back", () => {
    const gate = createGateModel({ ...spec, leading: true, maxWaitMs: 40_000 });

    gate.emit();
    for (let n = 0; n < 5; n++) {
      gate.wait(20_000);
      gate.emit();
    }

    expect(gate.released()).toMatchObject([
      { refs: [1], at: modelStart },
      { refs: [2, 3], at: modelStart + 60_000 },
      { refs: [4], at: modelStart + 60_000 },
    ]);
    expect(gate.gathering()).toEqual([5, 6]);
  });

  test("keys are gathered apart", () => {
    const gate = createGateModel(spec);

    gate.emit({ key: "a" });
    gate.wait(15_000);
    gate.emit({ key: "b" });
    gate.wait(15_000);

    expect(gate.released()).toMatchObject([{ key: "a", refs: [1] }]);
    expect(gate.gathering("b")).toEqual([2]);
  });

  test("an event that comes after the quiet time begins another burst, though nobody looked in time", () => {
    const gate = createGateModel(spec);

    gate.emit();
    gate.jump(30_000);
    gate.emit();

    expect(gate.released()).toMatchObject([{ refs: [1] }]);
    expect(gate.gathering()).toEqual([2]);
  });

  test("a clock that is set back makes no wait longer than configured", () => {
    const gate = createGateModel({ ...spec, maxWaitMs: 40_000 });

    gate.emit();
    gate.jump(-86_400_000);
    gate.look();
    gate.wait(29_999);
    expect(gate.released()).toEqual([]);
    gate.wait(1);

    expect(gate.released()).toMatchObject([{ refs: [1] }]);
  });

  test("a clock that is set back in a burst that goes on does not put off max_wait", () => {
    const gate = createGateModel({ ...spec, maxWaitMs: 60_000 });

    gate.emit();
    gate.jump(-86_400_000);
    for (let n = 0; n < 7; n++) {
      gate.emit();
      gate.wait(10_000);
    }

    expect(gate.released()).toMatchObject([{ refs: [1, 2, 3, 4, 5, 6, 7] }]);
  });

  test("without a clock that is set back, releases are the bursts between gaps", () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 60_000 }), { maxLength: 30 });
    const property = fc.property(gaps, fc.boolean(), (waits, inTime) => {
      const gate = createGateModel(spec);
      gate.emit();
      for (const ms of waits) {
        if (inTime) gate.wait(ms);
        else gate.jump(ms);
        gate.emit();
      }
      gate.wait(30_000);

      const bursts = [[1]];
      waits.forEach((ms, index) => {
        if (ms >= 30_000) bursts.push([]);
        bursts.at(-1)?.push(index + 2);
      });
      expect(gate.released().map(({ refs }) => refs)).toEqual(bursts);
    });

    fc.assert(property, { numRuns: 200 });
  });

  const specs = fc.record({
    waitMs: fc.constant(1000),
    maxWaitMs: fc.constantFrom(undefined, 1000, 2500),
    leading: fc.boolean(),
  });

  test("lets through what lists of events say, whatever happens", () => {
    const property = fc.property(specs, scripts(fc.constant({}), 1000), (options, script) => {
      const given = { ...spec, ...options };
      compareWithLists(given, script, () => listOf(given));
    });

    fc.assert(property, { numRuns: 200 });
  });

  test("loses and doubles nothing while the clock jumps, and all goes in the end", () => {
    const property = fc.property(specs, scripts(fc.constant({}), 1000), (options, script) => {
      const gate = createGateModel({ ...spec, ...options }, { maxMemory: 120 });
      runScript(gate, script);
      gate.wait(1000);

      expect(gate.released().flatMap(({ refs }) => refs)).toHaveLength(gate.refs().length);
      for (const key of ["", "a", "b"]) expect(gate.memory(key)).toBeUndefined();
    });

    fc.assert(property, { numRuns: 200 });
  });
});

function listOf({ waitMs, maxWaitMs = Infinity, leading }: DebounceSpec): ListModel {
  let burst: { ref: number; at: number; gone: boolean }[] = [];
  const released: { refs: number[]; at: number }[] = [];
  const rest = () => burst.filter(({ gone }) => !gone);
  return {
    released,
    skipped: [],
    dueAt() {
      if (burst.length === 0) return undefined;
      const last = Math.max(...burst.map(({ at }) => at));
      const first = Math.min(...rest().map(({ at }) => at));
      return Math.min(last + waitMs, first + maxWaitMs);
    },
    timeCame(now) {
      if (rest().length > 0) released.push({ refs: rest().map(({ ref }) => ref), at: now });
      burst = [];
    },
    event(ref, _facts, now) {
      const gone = leading && burst.length === 0;
      burst.push({ ref, at: now, gone });
      if (gone) released.push({ refs: [ref], at: now });
    },
    lower(now) {
      burst = burst.map((event) => ({ ...event, at: Math.min(event.at, now) }));
    },
  };
}
