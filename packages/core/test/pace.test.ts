import { expect, test } from "vitest";
import { createPace } from "../src/pace.ts";

/** Counts attempts that last so long and end one after the other, so many in a quarter of a second. */
function work(pace: ReturnType<typeof createPace>, from: number, ends: number, lastsMs = 5) {
  const every = 250 / ends;
  for (let n = 0; n < ends * 2; n += 1) {
    const endedAt = Math.floor(from + lastsMs + n * every);
    pace.count({ startedAt: endedAt - lastsMs, endedAt });
  }
}

test("nothing is known at first", () => {
  expect(createPace().lately).toBe(0);
});

test("it is how many ended in a quarter of a second", () => {
  const pace = createPace();

  work(pace, 0, 100);

  expect(pace.lately).toBeGreaterThanOrEqual(98);
  expect(pace.lately).toBeLessThanOrEqual(102);
});

test("after a rest it is what it was before", () => {
  const pace = createPace();
  work(pace, 0, 100);
  const before = pace.lately;

  pace.count({ startedAt: 3_600_000, endedAt: 3_600_010 });

  expect(pace.lately).toBe(before);
});

test("it follows a hook that has become slow, and one that is fast again", () => {
  const pace = createPace();
  work(pace, 0, 100);

  for (let n = 1; n <= 4; n += 1) {
    pace.count({ startedAt: n * 10_000, endedAt: (n + 1) * 10_000 });
  }
  const slow = pace.lately;
  work(pace, 50_000, 200);

  expect(slow).toBeLessThanOrEqual(1);
  expect(pace.lately).toBeGreaterThanOrEqual(190);
});

test("a clock that is set back does no harm", () => {
  const pace = createPace();
  work(pace, 1_000_000, 100);

  work(pace, 0, 10);

  expect(pace.lately).toBeGreaterThanOrEqual(10);
  expect(Number.isFinite(pace.lately)).toBe(true);
});
