import { type BreakerMemory, breakerAfter, breakerState, toPolicy } from "@pipehooks/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const policy = { ...toPolicy().breaker, failures: 3, resetMs: 1000 };
const closed: BreakerMemory = { failures: 0 };

describe("a breaker", () => {
  test("opens after so many failures in a row, is half open after the reset, and a success closes it", () => {
    const two = breakerAfter(breakerAfter(closed, false, 0, policy), false, 1, policy);
    const three = breakerAfter(two, false, 2, policy);

    expect(breakerState(two, 2)).toBe("closed");
    expect(breakerState(three, 2)).toBe("open");
    expect(breakerState(three, 1001)).toBe("open");
    expect(breakerState(three, 1002)).toBe("half-open");
    expect(breakerState(breakerAfter(three, true, 1002, policy), 1002)).toBe("closed");
  });

  test("a success in between starts the count anew", () => {
    const results = [false, false, true, false, false];

    const after = results.reduce((memory, ok) => breakerAfter(memory, ok, 0, policy), closed);

    expect(breakerState(after, 0)).toBe("closed");
  });

  test("a failure while it is half open opens it for another reset", () => {
    const open = [false, false, false].reduce((m, ok) => breakerAfter(m, ok, 0, policy), closed);

    const again = breakerAfter(open, false, 5000, policy);

    expect(breakerState(again, 5999)).toBe("open");
    expect(breakerState(again, 6000)).toBe("half-open");
  });

  test("a failure of an attempt that began before it opened does not push the trial away", () => {
    const open = [false, false, false].reduce((m, ok) => breakerAfter(m, ok, 0, policy), closed);

    expect(breakerAfter(open, false, 900, policy).openUntil).toBe(1000);
  });

  test("is open only after its number of failures in a row, and never longer than the reset", () => {
    const property = fc.property(
      fc.array(fc.record({ ok: fc.boolean(), afterMs: fc.integer({ min: 0, max: 3000 }) })),
      fc.integer({ min: 1, max: 5 }),
      (results, failures) => {
        const given = { ...policy, failures };
        let memory = closed;
        let now = 0;
        let inARow = 0;
        for (const { ok, afterMs } of results) {
          now += afterMs;
          inARow = ok ? 0 : inARow + 1;
          memory = breakerAfter(memory, ok, now, given);

          expect(breakerState(memory, now) === "closed").toBe(inARow < failures);
          expect((memory.openUntil ?? now) - now).toBeLessThanOrEqual(given.resetMs);
          expect(breakerState(memory, now + given.resetMs)).not.toBe("open");
        }
      },
    );

    fc.assert(property);
  });
});
