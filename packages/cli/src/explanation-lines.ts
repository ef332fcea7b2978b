import {
  type DeliveryStep,
  type ExplainedCondition,
  type ExplainedStep,
  type Explanation,
  formatDuration,
  type GateStep,
  type HookExplanation,
  type ReadValue,
} from "@pipehooks/core";
import { outcomeText } from "./attempts.ts";
import type { Colors } from "./output.ts";
import { padEnd, printable } from "./text.ts";
import { relative } from "./time.ts";

interface Style {
  readonly colors: Colors;
  /** Whether hooks are told of whole whose patterns have nothing to do with the event. */
  readonly whole: boolean;
}

/** An explanation for people: one block a hook, those that the event reaches first. */
export function explanationLines(explanation: Explanation, style: Style): readonly string[] {
  const { hooks } = explanation;
  const isNear = (hook: HookExplanation) => hook.reached || hook.verdict !== "not_reached";
  const ordered = [...hooks.filter(isNear), ...hooks.filter((hook) => !isNear(hook))];
  return [
    ...headLines(explanation, style),
    ...(hooks.length === 0 ? ["", "No hooks are configured."] : []),
    ...ordered.flatMap((hook) => ["", ...hookLines(hook, style)]),
  ];
}

function headLines(
  { event, stored, acceptedAt, otherSources }: Explanation,
  { colors }: Style,
): readonly string[] {
  const when =
    acceptedAt === undefined
      ? ""
      : ` ${relative(Date.parse(acceptedAt), Date.now())}, at ${acceptedAt}`;
  const what = stored ? `stored${when}` : "not stored: this is what would become of it now";
  const also =
    otherSources.length === 0
      ? []
      : [`The id is also used by ${otherSources.map(printable).join(", ")}.`];
  return [
    colors.bold(`${printable(event.type)}  ${printable(event.id)}`),
    colors.dim(`from ${printable(event.source)}, ${what}`),
    ...also.map((line) => colors.dim(line)),
  ];
}

function hookLines(hook: HookExplanation, style: Style): readonly string[] {
  const { colors, whole } = style;
  const { verdict, summary, changed, kind, steps } = hook;
  const name = colors.bold(printable(hook.hook)) + (kind === "" ? "" : colors.dim(` (${kind})`));
  const title = `${verdictMark(verdict, colors)} ${name}  ${printable(summary)}`;
  const isFar = !hook.reached && verdict === "not_reached" && isStoppedByType(steps);
  if (isFar && !whole) return [title];
  return [
    title,
    ...(changed === undefined || changed === summary
      ? []
      : [`  ${colors.yellow("!")} ${printable(changed)}`]),
    ...steps.flatMap((step) => stepLines(step, style)),
  ];
}

/** One line says enough of a hook that is off or asks for other types. */
function isStoppedByType(steps: readonly ExplainedStep[]): boolean {
  const first = steps.find(({ verdict }) => verdict === "stopped");
  return first?.step === "events" || first?.step === "enabled";
}

function verdictMark(verdict: HookExplanation["verdict"], colors: Colors): string {
  if (verdict === "fires" || verdict === "delivered") return colors.green("✓");
  if (verdict === "dead") return colors.red("✗");
  if (verdict === "not_reached") return colors.dim("✗");
  return ["skipped", "cancelled"].includes(verdict) ? colors.dim("-") : colors.yellow("…");
}

function stepLines(step: ExplainedStep, { colors }: Style): readonly string[] {
  const marks = {
    passed: colors.green("✓"),
    stopped: colors.red("✗"),
    waits: colors.yellow("…"),
    unasked: colors.dim("-"),
  };
  const text = step.step === "delivery" ? `${step.delivery}: ${step.text}` : step.text;
  const line = `  ${marks[step.verdict]} ${colors.dim(padEnd(step.step, 8))}  ${printable(text)}`;
  switch (step.step) {
    case "enabled":
      // That it is enabled goes without saying.
      return step.verdict === "passed" ? [] : [line];
    case "switch":
      return step.verdict === "passed" ? [] : [line];
    case "events":
    case "filter":
      return [line];
    case "when":
      return [
        line,
        ...(step.condition === undefined ? [] : conditionLines(step.condition, colors)),
      ];
    case "gate":
      return [line, ...gateLines(step, colors)];
    case "delivery":
      return [line, ...deliveryLines(step, colors)];
  }
}

const operatorWords = { "&&": "all of", "||": "any of", "!": "not" } as const;

function conditionLines(
  { text, result, because, operator, parts, values }: ExplainedCondition,
  colors: Colors,
  indent = "      ",
): readonly string[] {
  const mark = result === null ? colors.yellow("?") : result ? colors.green("✓") : colors.red("✗");
  if (operator !== undefined) {
    return [
      `${indent}${mark} ${operatorWords[operator]}`,
      ...parts.flatMap((part) => conditionLines(part, colors, `${indent}  `)),
    ];
  }
  const read = values.map(valueText).join(", ");
  const why =
    result === null && values.every(({ missing }) => missing === undefined) ? because : "";
  const tail = [read, why].filter((part) => part !== "").join("; ");
  return [
    `${indent}${mark} ${printable(text)}${tail === "" ? "" : colors.dim(`   ${printable(tail)}`)}`,
  ];
}

const longestValue = 100;

function valueText({ path, value, missing }: ReadValue): string {
  if (value === undefined)
    return missing === path ? `${path} is missing` : `${path}: ${missing} is missing`;
  const text = JSON.stringify(value);
  return `${path} = ${text.length > longestValue ? `${text.slice(0, longestValue)}…` : text}`;
}

function gateLines({ checks, memory, would }: GateStep, colors: Colors): readonly string[] {
  const width = Math.max(0, ...checks.map(({ name }) => name.length));
  const noted = (title: string, words: string) =>
    `      ${colors.dim(`${title}:`)} ${printable(words)}`;
  return [
    ...checks.map(({ name, passed, because }) => {
      const mark = passed ? colors.green("✓") : colors.dim("✗");
      return `      ${mark} ${padEnd(printable(name), width)}  ${colors.dim(printable(because))}`;
    }),
    ...(memory === undefined ? [] : [noted("now", memory.summary)]),
    ...(memory === undefined || memory.waitsFor.length === 0
      ? []
      : [noted("waits for", memory.waitsFor.join(", "))]),
    ...(would ?? []).map((words) => noted("would", words)),
  ];
}

function deliveryLines({ attempts, released }: DeliveryStep, colors: Colors): readonly string[] {
  return [
    ...(released === undefined ? [] : [`      let through: ${printable(released)}`]),
    ...attempts.flatMap(({ number, startedAt, outcome, durationMs, code, message }) => {
      const parts = [
        `attempt ${number}`,
        colors.dim(startedAt),
        outcomeText(outcome, colors),
        `took ${formatDuration(durationMs)}`,
        ...(code === undefined ? [] : [code]),
      ];
      const line = `      ${parts.join("  ")}`;
      return message === undefined ? [line] : [line, `        ${printable(message)}`];
    }),
  ];
}
