import { relative } from "node:path";
import { formatProblem } from "@pipehooks/config";
import { formatDuration } from "@pipehooks/core";
import type { Colors, Output } from "../output.ts";
import { formatTable } from "../table.ts";
import { plural, printable } from "../text.ts";
import { gapsOf, type HookCoverage } from "./coverage.ts";
import { countOf, type RunResult, type ShownFailure, type TestResult } from "./results.ts";

/** Tells how tests end, as they end. */
export interface Report {
  ended(result: TestResult): void;
  finish(run: RunResult): void;
}

export function createReport(output: Output, { coverage }: { readonly coverage: boolean }): Report {
  return output.json ? createJsonReport(output) : createTextReport(output, coverage);
}

function createTextReport(output: Output, withCoverage: boolean): Report {
  const { colors, width } = output;
  let file: string | undefined;
  return {
    ended(result) {
      if (result.file !== file) {
        if (file !== undefined) output.data("");
        file = result.file;
        output.data(colors.bold(shortened(file)));
      }
      output.data(`  ${titleOf(result, colors)}`);
      if (result.failure === undefined) return;
      output.data(...failureLines(result.failure, colors).map((line) => indent(line, 6)));
    },
    finish({ tests, durationMs, coverage, complete }) {
      output.data("", summaryOf(tests, durationMs, colors));
      if (withCoverage) output.data("", ...coverageTable(coverage, { colors, width }));
      // What was left out on purpose would only be repeated here.
      const gaps = complete || withCoverage ? gapsOf(coverage) : [];
      if (gaps.length > 0) output.data("", colors.yellow("Not shown by any test:"));
      output.data(...gaps.map((gap) => `  ${printable(gap)}`));
    },
  };
}

/** One value for each test, then one with the summary. */
function createJsonReport(output: Output): Report {
  return {
    ended({ failure, ...result }) {
      const problem = failure?.problem;
      output.object({
        ...result,
        durationMs: Math.round(result.durationMs * 10) / 10,
        ...(failure !== undefined && {
          failure: {
            line: problem?.line,
            column: problem?.column,
            message: problem?.message,
            differences: failure.differences,
            notes: failure.notes,
            log: failure.log,
          },
        }),
      });
    },
    finish({ tests, durationMs, coverage, complete }) {
      output.object({
        summary: {
          passed: countOf(tests, "passed"),
          failed: countOf(tests, "failed"),
          skipped: countOf(tests, "skipped"),
          durationMs: Math.round(durationMs * 10) / 10,
        },
        coverage: { complete, hooks: coverage, gaps: gapsOf(coverage) },
      });
    },
  };
}

/** Everything about a failure, from its place on. */
export function failureLines(failure: ShownFailure, colors: Colors): readonly string[] {
  const { problem, differences, notes, log } = failure;
  return [
    ...formatProblem({ ...problem, file: shortened(problem.file) }).split("\n"),
    ...differences.flatMap(({ what, expected, actual }) => [
      `  ${printable(what)}`,
      ...side("- expected: ", expected).map((line) => colors.green(`    ${line}`)),
      ...side("+ actual:   ", actual).map((line) => colors.red(`    ${line}`)),
    ]),
    ...notes.map((note) => colors.dim(`  ${printable(note)}`)),
    ...log.map((line) => colors.yellow(`  ${printable(line)}`)),
  ];
}

function side(title: string, text: string): readonly string[] {
  return text
    .split("\n")
    .map(
      (line, index) => `${index === 0 ? title : " ".repeat(title.length)}${printableLine(line)}`,
    );
}

// Indentation of JSON is kept.
function printableLine(line: string): string {
  return (/^ */.exec(line)?.[0] ?? "") + printable(line);
}

function titleOf({ name, status, durationMs }: TestResult, colors: Colors): string {
  const title = printable(name);
  const took = colors.dim(` (${formatDuration(durationMs)})`);
  if (status === "passed") return `${colors.green("✓")} ${title}${took}`;
  if (status === "failed") return `${colors.red("✗")} ${title}${took}`;
  return colors.dim(`- ${title} (skipped)`);
}

function summaryOf(tests: readonly TestResult[], durationMs: number, colors: Colors): string {
  const [passed, failed, skipped] = (["passed", "failed", "skipped"] as const).map((status) =>
    countOf(tests, status),
  ) as [number, number, number];
  const parts = [
    `${plural(passed, "test")} passed`,
    ...(failed > 0 ? [colors.red(`${failed} failed`)] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ];
  return `${parts.join(", ")}, in ${formatDuration(durationMs)}`;
}

function coverageTable(
  rows: readonly HookCoverage[],
  { colors, width }: Pick<Output, "colors" | "width">,
): readonly string[] {
  const isAlone = new Set(rows.map(({ config }) => config)).size < 2;
  const warnZero = (text: string) => (text === "0" ? colors.yellow(text) : text);
  return formatTable(
    rows,
    [
      { title: "CONFIGURATION", value: ({ config }) => (isAlone ? "" : shortened(config)) },
      { title: "HOOK", value: ({ hook }) => hook },
      { title: "DELIVERIES", value: ({ deliveries }) => String(deliveries), paint: warnZero },
      {
        title: "TRUE",
        value: ({ when }) => (when === undefined ? "" : String(when.true)),
        paint: warnZero,
      },
      {
        title: "FALSE",
        value: ({ when }) => (when === undefined ? "" : String(when.false)),
        paint: warnZero,
      },
      { title: "CONDITION", value: ({ when }) => when?.text ?? "", shrinksTo: 12 },
    ],
    { width, title: colors.bold },
  );
}

function indent(line: string, by: number): string {
  return line === "" ? line : " ".repeat(by) + line;
}

/** A path as people in this folder say it. */
export function shortened(file: string): string {
  const short = relative(process.cwd(), file);
  return short === "" || short.startsWith("..") ? file : short;
}
