import type { ASTNode } from "@marcbachmann/cel-js";
import { type Condition, environment, plainly } from "../condition.ts";
import { nodesIn } from "../condition-fields.ts";
import type { PipehooksEvent } from "../event.ts";
import type { JsonValue } from "../json.ts";
import { reasonOf } from "./condition-reason.ts";
import type { ExplainedCondition, ReadValue } from "./explanation.ts";
import { sourceOf } from "./source-of.ts";

/** Takes a condition apart, each part with its own truth and what it read. Of a function only the result is known. */
export function explainCondition(condition: Condition, event: PipehooksEvent): ExplainedCondition {
  const { text, language } = condition;
  if (language === "cel") return explainPart(environment().parse(text).ast, event);
  const result = condition.test(event);
  return { text, result, because: `${text} answers ${result}`, parts: [], values: [] };
}

function explainPart(node: ASTNode, event: PipehooksEvent): ExplainedCondition {
  const text = sourceOf(node);
  const parts = operandsOf(node).map((operand) => explainPart(operand, event));
  const values = parts.length > 0 ? [] : readValues(node, event);
  const outcome = evaluate(text, event);
  const result = "value" in outcome && typeof outcome.value === "boolean" ? outcome.value : null;
  const operator =
    parts.length > 0 ? (node.op === "!_" ? "!" : (node.op as "&&" | "||")) : undefined;
  const because = reasonOf({ node, text, operator, parts, values, outcome });
  return { text, result, because, operator, parts, values };
}

/** What an operator joins; a chain of the same operator is one list. */
function operandsOf(node: ASTNode): readonly ASTNode[] {
  if (node.op === "!_") return [node.args];
  if (node.op !== "&&" && node.op !== "||") return [];
  const { op } = node;
  return node.args.flatMap((operand) => (operand.op === op ? operandsOf(operand) : [operand]));
}

/** What an expression gives, or why it gives nothing. */
export type Outcome =
  | { readonly value: unknown }
  | { readonly code: unknown; readonly why: string };

function evaluate(text: string, event: PipehooksEvent): Outcome {
  try {
    return { value: environment().parse(text)({ event }) };
  } catch (error) {
    return { code: Reflect.get(Object(error), "code"), why: plainly(error) };
  }
}

/** The paths into the event that an expression reads, each once, in the order in which they are written. */
function readValues(node: ASTNode, event: PipehooksEvent): readonly ReadValue[] {
  const values = new Map<string, ReadValue>();
  for (const path of pathsIn(node)) {
    const text = sourceOf(path);
    if (!values.has(text)) values.set(text, readValue(path, text, event));
  }
  return [...values.values()];
}

function pathsIn(node: ASTNode): readonly ASTNode[] {
  if (isPath(node)) return [node, ...indicesIn(node)];
  return childrenOf(node).flatMap(pathsIn);
}

function childrenOf(node: ASTNode): readonly ASTNode[] {
  return node.op === "value" || node.op === "id" ? [] : nodesIn(node.args);
}

/** Whether it is a field of the event, of a field of it, and so on. */
function isPath(node: ASTNode): boolean {
  if (node.op !== "." && node.op !== "[]") return false;
  const [from] = node.args;
  return (from.op === "id" && from.args === "event") || isPath(from);
}

/** An index may itself be read from the event: `event.metadata[event.pipeline]`. */
function indicesIn(node: ASTNode): readonly ASTNode[] {
  if (node.op === ".") return indicesIn(node.args[0]);
  return node.op === "[]" ? [...indicesIn(node.args[0]), ...pathsIn(node.args[1])] : [];
}

function readValue(node: ASTNode, path: string, event: PipehooksEvent): ReadValue {
  const outcome = evaluate(path, event);
  // Of an event there is nothing but JSON to be read.
  if ("value" in outcome) return { path, value: outcome.value as JsonValue };
  return { path, missing: firstMissing(node, event) };
}

function firstMissing(node: ASTNode, event: PipehooksEvent): string {
  const text = sourceOf(node);
  if (node.op !== "." && node.op !== "[]") return text;
  const [from] = node.args;
  const readable = from.op === "id" || "value" in evaluate(sourceOf(from), event);
  return readable ? text : firstMissing(from, event);
}
