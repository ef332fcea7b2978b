import { format } from "node:util";
import { afterEach, beforeEach, expect } from "vitest";

const methods = ["debug", "info", "log", "warn", "error"] as const;
const originals = new Map(methods.map((method) => [method, console[method]]));
let lines: string[] = [];

// A test that expects output spies on the console itself, and its spy stands in front of this one.
beforeEach(() => {
  lines = [];
  for (const method of methods) {
    console[method] = (...values: unknown[]) => {
      lines.push(`console.${method}: ${format(...values)}`);
    };
  }
});

afterEach(() => {
  for (const [method, original] of originals) console[method] = original;
  expect(lines, "a test must not write to the console unasked").toEqual([]);
});
