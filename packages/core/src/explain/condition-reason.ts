import type { ASTNode } from "@marcbachmann/cel-js";
import type { JsonValue } from "../json.ts";
import type { Outcome } from "./explain-condition.ts";
import type { ExplainedCondition, ReadValue } from "./explanation.ts";
import { sourceOf } from "./source-of.ts";
import { valueText, wordText } from "./value-text.ts";

interface Part extends Pick<ExplainedCondition, "text" | "operator" | "parts" | "values"> {
  readonly node: ASTNode;
  readonly outcome: Outcome;
}

/** What made a part of a condition true or false, on one line. */
export function reasonOf(part: Part): string {
  const { operator, parts, outcome } = part;
  if (operator === "!") return parts.map(({ because }) => because).join();
  if (operator !== undefined) return joinedReason(operator, parts, outcome);
  if (!("value" in outcome)) return failureReason(part, outcome);
  const { value } = outcome;
  if (typeof value === "boolean") return leafReason(part, value);
  return `${part.text} is ${resultText(value)}, which is neither true nor false`;
}

/** Only what decided it: one false part of an "and" says enough, and one true part of an "or". */
function joinedReason(
  operator: "&&" | "||",
  parts: readonly ExplainedCondition[],
  outcome: Outcome,
): string {
  const result = "value" in outcome ? outcome.value : null;
  const decides = operator === "||" && result !== true ? () => true : isOf(result);
  const deciding = parts.filter(decides);
  const one = operator === "||" && result === true;
  const reasons = (one ? deciding.slice(0, 1) : deciding).map(({ because }) => because);
  return [...new Set(reasons)].join(" and ");
}

function isOf(result: unknown): (part: ExplainedCondition) => boolean {
  return (part) => part.result === result;
}

function failureReason(
  { text, values }: Part,
  { code, why }: Exclude<Outcome, { value: unknown }>,
): string {
  const missing = missingAmong(values);
  if (code === "no_such_key" && missing !== "") return missing;
  return `${text} cannot be worked out: ${why}${among(values)}`;
}

function missingAmong(values: readonly ReadValue[]): string {
  const steps = new Set(values.flatMap(({ missing }) => missing ?? []));
  return [...steps].map((step) => `${step} is missing`).join(" and ");
}

function leafReason({ node, text, values }: Part, result: boolean): string {
  const [only] = values;
  if (node.op === "call" && node.args[0] === "has" && only !== undefined) {
    return only.missing === undefined ? `${only.path} is there` : `${only.missing} is missing`;
  }
  const compared = values.length === 1 ? comparedWith(node) : undefined;
  if (compared === undefined || only?.value === undefined) {
    return text === only?.path ? `${text} is ${result}` : `${text} is ${result}${among(values)}`;
  }
  const { operator, other } = compared;
  const is = `${only.path} is ${wordText(only.value)}`;
  if (operator === "==") return result ? is : `${is}, not ${other}`;
  if (operator === "!=") return result ? `${is}, not ${other}` : is;
  return `${is}, ${result ? "which is" : "not"} ${operator} ${other}`;
}

const mirrored = { "==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<=" } as const;

/** The operator and the other side of a comparison, as seen from the side that is a path. */
function comparedWith(
  node: ASTNode,
): { readonly operator: string; readonly other: string } | undefined {
  if (node.op !== "in" && !Object.hasOwn(mirrored, node.op)) return undefined;
  // Checked in the line above: these have two operands.
  const [left, right] = node.args as readonly [ASTNode, ASTNode];
  if (isAccess(left) && !isAccess(right)) return { operator: node.op, other: otherText(right) };
  if (node.op === "in" || !isAccess(right) || isAccess(left)) return undefined;
  return { operator: mirrored[node.op as keyof typeof mirrored], other: otherText(left) };
}

function isAccess({ op }: ASTNode): boolean {
  return op === "." || op === "[]";
}

function otherText(node: ASTNode): string {
  return node.op === "value" && typeof node.args === "string"
    ? wordText(node.args)
    : sourceOf(node);
}

/** ` (event.pipeline = "orders", event.error is missing)` */
function among(values: readonly ReadValue[]): string {
  return values.length === 0 ? "" : ` (${values.map(readText).join(", ")})`;
}

/** What a condition read, for people: `event.pipeline = "orders"`. */
function readText({ path, value, missing }: ReadValue): string {
  if (value !== undefined) return `${path} = ${valueText(value)}`;
  return missing === path ? `${path} is missing` : `${path}: ${missing} is missing`;
}

// An expression may also give what JSON has no word for, such as a time.
function resultText(value: unknown): string {
  return typeof value === "bigint" ? String(value) : valueText(value as JsonValue);
}
