import picocolors from "picocolors";
import { failureLines, shortened } from "./report.ts";
import { countOf, type RunResult, type TestResult } from "./results.ts";

/** Results in the form of JUnit's XML, as CI servers read it (https://github.com/testmoapp/junitxml). */
export function toJunitXml({ tests, durationMs }: RunResult): string {
  const suites = [...Map.groupBy(tests, ({ file }) => file)].flatMap(([file, own]) => [
    `  <testsuite${attributes({ name: shortened(file), ...totals(own), time: seconds(sum(own)) })}>`,
    ...own.flatMap(caseLines),
    "  </testsuite>",
  ]);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: "pipehooks", ...totals(tests), time: seconds(durationMs) })}>`,
    ...suites,
    "</testsuites>",
    "",
  ].join("\n");
}

function caseLines({
  file,
  name,
  line,
  status,
  durationMs,
  failure,
}: TestResult): readonly string[] {
  const place = shortened(file);
  const opening = `    <testcase${attributes({ classname: place, name, file: place, line: String(line), time: seconds(durationMs) })}`;
  if (status === "skipped") return [`${opening}>`, "      <skipped/>", "    </testcase>"];
  if (failure === undefined) return [`${opening}/>`];
  const text = failureLines(failure, picocolors.createColors(false)).join("\n");
  const head = attributes({ message: failure.problem.message, type: "StepFailure" });
  return [`${opening}>`, `      <failure${head}>${escapeXml(text)}</failure>`, "    </testcase>"];
}

function totals(tests: readonly TestResult[]): Readonly<Record<string, string>> {
  return {
    tests: String(tests.length),
    failures: String(countOf(tests, "failed")),
    errors: "0",
    skipped: String(countOf(tests, "skipped")),
  };
}

function sum(tests: readonly TestResult[]): number {
  return tests.reduce((total, { durationMs }) => total + durationMs, 0);
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeAttribute(value)}"`)
    .join("");
}

// A parser makes spaces of the line ends in an attribute unless they are written as references.
function escapeAttribute(text: string): string {
  return escapeXml(text)
    .replaceAll('"', "&quot;")
    .replaceAll(/[\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(notInXml, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

// What XML 1.0 has no way to write (https://www.w3.org/TR/xml/#charsets).
const notInXml = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
