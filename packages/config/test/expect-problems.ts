import type { Problem } from "@pipehooks/config";
import { expect } from "vitest";

/** Line and column, a part of the message, and the suggestion. */
export type ExpectedProblem = readonly [
  place: string,
  message: string,
  suggestion?: string | undefined,
];

/** Fails unless these are the problems, in the order of the file. */
export function expectProblems(
  found: readonly Problem[],
  expected: readonly ExpectedProblem[],
): void {
  expect(found.map(({ line, column, message }) => `${line}:${column} ${message}`)).toEqual(
    expected.map(([place, message]) =>
      expect.stringMatching(new RegExp(`^${place} .*${escapePattern(message)}`)),
    ),
  );
  expect(found.map(({ suggestion }) => suggestion)).toEqual(
    expected.map(([, , suggestion]) => suggestion),
  );
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.\\^$*+?()[\]{}|]/g, "\\$&");
}
