import { type LimiterMemory, parseRate, type RateWindow, takeFromBudget } from "@pipehooks/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countsLater, delayInBudget } from "../src/limiter.ts";

interface Asked {
  readonly afterMs: number;
  readonly wanted: number;
  /** How long the answer takes. @default 0 */
  readonly lateMs?: number;
}

/** Takes over and over, and gives back when each began that was granted. */
function run(windows: readonly RateWindow[], asked: readonly Asked[]) {
  const granted: number[] = [];
  let memory: LimiterMemory = {};
  let now = 1_000_000;
  for (const { afterMs, wanted, lateMs = 0 } of asked) {
    now += afterMs;
    const take = takeFromBudget(memory, windows, wanted, now);
    const when = { from: now, to: now + lateMs };
    const after =
      take.granted > 0 && countsLater(windows, when)
        ? delayInBudget(take.memory, windows, take.granted, when)
        : take.memory;
    memory = JSON.parse(JSON.stringify(after));
    now += lateMs;
    for (let index = 0; index < take.granted; index += 1) granted.push(now);
  }
  return { granted, memory, now };
}

/** The most that was granted in any window of that length, wherever it begins. */
function mostIn(windowMs: number, granted: readonly number[]): number {
  return Math.max(
    0,
    ...granted.map((start) => granted.filter((at) => at >= start && at < start + windowMs).length),
  );
}

const window = fc.record({
  count: fc.integer({ min: 1, max: 20 }),
  windowMs: fc.integer({ min: 1, max: 100_000 }),
});
const windows = fc.array(window, { minLength: 1, maxLength: 3 });
const asked = fc.array(
  fc.record({
    afterMs: fc.integer({ min: 0, max: 40_000 }),
    wanted: fc.integer({ min: 1, max: 15 }),
    lateMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5000 })),
  }),
  { maxLength: 60 },
);

describe("a budget of rates", () => {
  test("grants up to the count and names the time when more can be granted", () => {
    const minute = [parseRate("3/1m")];

    const first = takeFromBudget({}, minute, 2, 0);
    const second = takeFromBudget(first.memory, minute, 2, 1000);
    const third = takeFromBudget(second.memory, minute, 1, 2000);
    const later = takeFromBudget(third.memory, minute, 1, third.retryAt as number);

    expect([first.granted, second.granted, third.granted, later.granted]).toEqual([2, 1, 0, 1]);
    expect(first.retryAt).toBeUndefined();
    expect(second.retryAt).toBe(third.retryAt);
    expect(third.retryAt).toBeGreaterThanOrEqual(60_000);
    expect(third.retryAt).toBeLessThanOrEqual(61_000);
  });

  test("never lets more begin than the count in any window of its length, however late the answers come", () => {
    const property = fc.property(windows, asked, (given, asking) => {
      const { granted } = run(given, asking);

      for (const { count, windowMs } of given) {
        expect(mostIn(windowMs, granted)).toBeLessThanOrEqual(count);
      }
    });

    fc.assert(property);
  });

  test("is never stuck: at the time it names at least one more is granted, and before it none is", () => {
    const property = fc.property(windows, asked, (given, asking) => {
      const { memory, now } = run(given, asking);
      const used = takeFromBudget(memory, given, 1000, now);
      const retryAt = used.retryAt as number;

      expect(retryAt).toBeGreaterThan(now);
      expect(takeFromBudget(used.memory, given, 1, retryAt).granted).toBe(1);
      expect(takeFromBudget(used.memory, given, 1, retryAt - 1).granted).toBe(0);
    });

    fc.assert(property);
  });

  test("wastes little: a second and a sixtieth of a window after it is used up it is whole again", () => {
    const property = fc.property(window, (given) => {
      const used = takeFromBudget({}, [given], given.count, 5000);
      const whole = 5000 + given.windowMs + Math.ceil(given.windowMs / 60) + 1;

      expect(takeFromBudget(used.memory, [given], 1000, whole).granted).toBe(given.count);
    });

    fc.assert(property);
  });

  test("remembers a bounded number of counts", () => {
    const asking = Array.from({ length: 5000 }, () => ({ afterMs: 7, wanted: 1 }));

    const { memory } = run([{ count: 1_000_000, windowMs: 10_000 }], asking);

    expect(Object.values(memory)[0]?.length).toBeLessThanOrEqual(62);
  });

  test("a clock that was set back does not block for longer than a window", () => {
    const minute = [parseRate("1/1m")];

    const ahead = takeFromBudget({}, minute, 1, 10_000_000);
    const back = takeFromBudget(ahead.memory, minute, 1, 0);

    expect(back.granted).toBe(1);
  });

  test("what a process took whose clock is a little ahead counts for the others", () => {
    const minute = [parseRate("1/1m")];

    const ahead = takeFromBudget({}, minute, 1, 60_000);
    const late = takeFromBudget(ahead.memory, minute, 1, 59_700);
    const later = takeFromBudget(late.memory, minute, 1, 119_000);

    expect([ahead.granted, late.granted, later.granted]).toEqual([1, 0, 0]);
  });

  test("what begins late is moved, not counted twice, beside what others have taken", () => {
    const given = [parseRate("10/1m")];

    const others = takeFromBudget({}, given, 2, 100_000);
    const ours = takeFromBudget(others.memory, given, 3, 100_900);
    const after = takeFromBudget(ours.memory, given, 1, 103_000);
    const when = { from: 100_900, to: 102_000 };

    expect(countsLater(given, when)).toBe(true);
    expect(countsLater(given, { from: 100_000, to: 100_999 })).toBe(false);
    expect(delayInBudget(ours.memory, given, 3, when)).toEqual({
      "10/60000ms": [
        [100_000, 2],
        [102_000, 3],
      ],
    });
    // Others may have taken meanwhile, of which nobody knows whose they are.
    expect(delayInBudget(after.memory, given, 3, when)).toEqual({
      "10/60000ms": [
        [100_000, 2],
        [103_000, 4],
      ],
    });
  });

  test("the strictest of several windows counts", () => {
    const given = [parseRate("10/1s"), parseRate("12/1m")];

    const { granted } = run(given, [
      { afterMs: 0, wanted: 50 },
      { afterMs: 2000, wanted: 50 },
      { afterMs: 2000, wanted: 50 },
    ]);

    expect(granted).toHaveLength(12);
    expect(mostIn(1000, granted)).toBe(10);
  });
});
