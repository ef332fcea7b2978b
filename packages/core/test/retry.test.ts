import { backoff, type RetryPolicy, toPolicy } from "@pipehooks/core";
import { createVirtualTime } from "@pipehooks/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const policy = (input: Partial<RetryPolicy>): RetryPolicy => ({ ...toPolicy().retry, ...input });
const policies = fc.record({
  attempts: fc.constant(12),
  baseMs: fc.integer({ min: 0, max: 365 * 86_400_000 }),
  factor: fc.double({ min: 1, max: 100, noNaN: true }),
  capMs: fc.integer({ min: 0, max: 365 * 86_400_000 }),
  jitter: fc.constantFrom("full", "equal", "none"),
  maxAgeMs: fc.constant(1),
});
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const attempt = fc.integer({ min: 1, max: 1000 });

describe("backoff", () => {
  test("grows by the factor from the base up to the cap", () => {
    const given = policy({ baseMs: 1000, factor: 3, capMs: 60_000, jitter: "none" });

    expect([1, 2, 3, 4, 5, 6, 1000].map((n) => backoff(n, given, () => 0.5))).toEqual([
      1000, 3000, 9000, 27_000, 60_000, 60_000, 60_000,
    ]);
  });

  test("full jitter is uniform from 0, equal jitter from half", () => {
    const at = (jitter: "full" | "equal", random: number) =>
      backoff(3, policy({ baseMs: 1000, factor: 2, jitter }), () => random);

    expect([at("full", 0), at("full", 0.25), at("full", 0.999999)]).toEqual([0, 1000, 4000]);
    expect([at("equal", 0), at("equal", 0.5), at("equal", 0.999999)]).toEqual([2000, 3000, 4000]);
  });

  test("full jitter is the default", () => {
    expect(backoff(1, toPolicy().retry, () => 0)).toBe(0);
  });

  test("is a whole number between 0 and the cap, whatever the policy, attempt and chance", () => {
    const property = fc.property(policies, attempt, chance, (given, number, random) => {
      const wait = backoff(number, given, () => random);

      expect(Number.isSafeInteger(wait)).toBe(true);
      expect(wait).toBeGreaterThanOrEqual(0);
      expect(wait).toBeLessThanOrEqual(given.capMs);
      if (given.jitter === "equal") {
        const most = backoff(number, { ...given, jitter: "none" }, () => random);
        expect(wait).toBeGreaterThanOrEqual(Math.floor(most / 2));
      }
    });

    fc.assert(property, {
      examples: [[{ ...policy({ baseMs: 0, factor: 100 }), jitter: "full" }, 1000, 0.5]],
    });
  });

  test("without jitter never shrinks from one attempt to the next", () => {
    const property = fc.property(policies, attempt, (given, number) => {
      const plain = { ...given, jitter: "none" } as const;

      expect(backoff(number + 1, plain, () => 0)).toBeGreaterThanOrEqual(
        backoff(number, plain, () => 0),
      );
    });

    fc.assert(property);
  });

  test("is pure: the same seed gives the same waits", () => {
    const waits = (seed: number) => {
      const { random } = createVirtualTime({ seed });
      return [1, 2, 3, 4].map((number) => backoff(number, toPolicy().retry, random));
    };

    expect(waits(7)).toEqual(waits(7));
    expect(waits(7)).not.toEqual(waits(8));
  });
});
