import type { Problem } from "@pipehooks/config";
import type { HookCoverage } from "./coverage.ts";
import type { Difference } from "./match.ts";

/** How one route test ended. */
export interface TestResult {
  /** Absolute path of its file. */
  readonly file: string;
  readonly name: string;
  /** Where it begins, from 1. */
  readonly line: number;
  readonly status: "passed" | "failed" | "skipped";
  readonly durationMs: number;
  readonly failure?: ShownFailure | undefined;
}

export interface ShownFailure {
  /** Place and message. */
  readonly problem: Problem;
  readonly differences: readonly Difference[];
  readonly notes: readonly string[];
  readonly log: readonly string[];
}

/** How all of them ended. */
export interface RunResult {
  readonly tests: readonly TestResult[];
  readonly durationMs: number;
  readonly coverage: readonly HookCoverage[];
  /** Whether all tests of the files ran, so that the coverage says something. */
  readonly complete: boolean;
}

export function countOf(tests: readonly TestResult[], status: TestResult["status"]): number {
  return tests.filter((test) => test.status === status).length;
}
