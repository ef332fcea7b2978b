import { expect, onTestFinished, test, vi } from "vitest";
import { parsePointInTime, relative } from "../src/time.ts";

test.for([
  [-3000, "3 s ago"],
  [-999, "now"],
  [0, "now"],
  [1, "in 1 ms"],
  [200, "in 200 ms"],
  [120_000, "in 2 m"],
] as const)("a time %i ms from now is said as %s", ([ms, text]) => {
  expect(relative(1_000_000 + ms, 1_000_000)).toBe(text);
});

test.for([
  ["2026-11-23", "2026-11-23T00:00:00.000Z"],
  ["2026-11-23T09:30", "2026-11-23T09:30:00.000Z"],
  ["2026-11-23 09:30:01", "2026-11-23T09:30:01.000Z"],
  ["2026-11-23T09:30:00+09:00", "2026-11-23T00:30:00.000Z"],
  ["2024-02-29", "2024-02-29T00:00:00.000Z"],
  ["2h", "2026-11-22T22:00:00.000Z"],
] as const)("--since %s is %s, wherever this machine is", ([text, at]) => {
  vi.stubEnv("TZ", "Asia/Tokyo");
  onTestFinished(() => void vi.unstubAllEnvs());

  const now = Date.UTC(2026, 10, 23);
  expect(new Date(parsePointInTime(text, now)).toISOString()).toBe(at);
});

test.for(["2026-02-30", "2025-02-29", "2026-02-30T00:00:00Z", "2026-04-31 09:30", "2026-13-01"])(
  "--since %s is no day there is, and is refused",
  (text) => {
    expect(() => parsePointInTime(text)).toThrow("Give a duration back from now");
  },
);
