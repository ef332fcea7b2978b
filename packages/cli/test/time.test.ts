import { expect, test } from "vitest";
import { relative } from "../src/time.ts";

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
