import { createSystemClock, systemClock } from "@pipehooks/core";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";

function setUp() {
  const real = { wall: 1_000_000, elapsed: 0 };
  const clock = createSystemClock(
    () => real.wall,
    () => real.elapsed,
  );
  const pass = (ms: number) => {
    real.wall += ms;
    real.elapsed += ms;
  };
  return { real, clock, pass };
}

describe("the system clock", () => {
  test("follows the wall clock", () => {
    const { clock, pass } = setUp();

    pass(1500);

    expect(clock.now()).toBe(1_001_500);
  });

  test("goes on from where it was when the wall clock jumps back", () => {
    const { clock, real, pass } = setUp();
    pass(5000);

    real.wall -= 3_600_000;
    const atJump = clock.now();
    pass(2000);

    expect(atJump).toBe(1_005_000);
    expect(clock.now()).toBe(1_007_000);
  });

  test("takes the new time when the wall clock jumps forward, and goes on from there when it jumps back again", () => {
    const { clock, real, pass } = setUp();

    real.wall += 3_600_000;
    const forward = clock.now();
    real.wall -= 3_600_000;
    pass(10);

    expect(forward).toBe(4_600_000);
    expect(clock.now()).toBe(4_600_010);
  });

  test("never goes back and is always a whole number, however the wall clock jumps", () => {
    const property = fc.property(
      fc.array(
        fc.record({
          jump: fc.integer({ min: -1e9, max: 1e9 }),
          pass: fc.double({ min: 0, max: 1e6, noNaN: true }),
        }),
      ),
      (steps) => {
        const { clock, real } = setUp();
        let last = clock.now();
        for (const { jump, pass } of steps) {
          real.wall += jump + Math.round(pass);
          real.elapsed += pass;
          const now = clock.now();

          expect(now).toBeGreaterThanOrEqual(last);
          expect(Number.isInteger(now)).toBe(true);
          last = now;
        }
      },
    );

    fc.assert(property);
  });

  test("its timers fire after the time, not once disposed of, and not at once when they are far away", async () => {
    vi.useFakeTimers();
    try {
      const fired: string[] = [];
      systemClock.timer(1000, () => fired.push("one"));
      systemClock.timer(500, () => fired.push("never"))[Symbol.dispose]();
      systemClock.timer(2 ** 40, () => fired.push("far"));
      systemClock.timer(-5, () => fired.push("past"));

      await vi.advanceTimersByTimeAsync(999);
      const before = [...fired];
      await vi.advanceTimersByTimeAsync(1);

      expect(before).toEqual(["past"]);
      expect(fired).toEqual(["past", "one"]);
    } finally {
      vi.useRealTimers();
    }
  });
});
