import type { ASTNode } from "@marcbachmann/cel-js";
import { environment } from "./condition.ts";

/** A path into the event that a condition or an expression reads. */
export interface ConditionPath {
  /** From the event: `["error", "severity"]`. */
  readonly steps: readonly string[];
  /** Where each step is in the text. */
  readonly at: readonly number[];
}

/**
 * The paths into the event that a text in CEL reads, those in `has(…)` too, as far as they are written out.
 * @throws what the parser throws where the text cannot be read
 */
export function conditionPaths(text: string): readonly ConditionPath[] {
  return pathsIn(environment().parse(text).ast);
}

/** What may be called in CEL: functions, methods and macros. */
export function conditionFunctions(): readonly string[] {
  return [
    ...new Set(
      environment()
        .getDefinitions()
        .functions.map(({ name }) => name),
    ),
  ];
}

interface OpenPath extends ConditionPath {
  /** Whether it goes on with the next step: an index that is worked out ends it. */
  readonly isOpen: boolean;
}

function pathsIn(node: ASTNode): readonly ConditionPath[] {
  const path = pathOf(node);
  if (path === undefined) return childrenOf(node).flatMap(pathsIn);
  const { steps, at } = path;
  return [...(steps.length === 0 ? [] : [{ steps, at }]), ...indicesIn(node)];
}

/** Absent for what does not begin with the event. */
function pathOf(node: ASTNode): OpenPath | undefined {
  if (isEvent(node)) return { steps: [], at: [], isOpen: true };
  if (node.op !== "." && node.op !== "[]") return undefined;
  const path = pathOf(node.args[0]);
  if (path?.isOpen !== true) return path;
  const [, step] = node.args;
  if (typeof step === "string") return extended(path, step, node.pos);
  const isWritten = step.op === "value" && typeof step.args === "string";
  return isWritten ? extended(path, step.args, step.start) : { ...path, isOpen: false };
}

function extended({ steps, at }: OpenPath, step: string, start: number): OpenPath {
  return { steps: [...steps, step], at: [...at, start], isOpen: true };
}

/** An index may itself be read from the event: `event.metadata[event.pipeline]`. */
function indicesIn(node: ASTNode): readonly ConditionPath[] {
  if (node.op === ".") return indicesIn(node.args[0]);
  return node.op === "[]" ? [...indicesIn(node.args[0]), ...pathsIn(node.args[1])] : [];
}

function childrenOf(node: ASTNode): readonly ASTNode[] {
  if (node.op === "value" || node.op === "id") return [];
  // In `list.exists(event, …)` the word means an item.
  if (node.op === "rcall" && isEvent(node.args[2][0])) return [node.args[1]];
  return nodesIn(node.args);
}

function isEvent(node: ASTNode | undefined): boolean {
  return node?.op === "id" && node.args === "event";
}

/** The nodes among the arguments of one. */
export function nodesIn(args: unknown): readonly ASTNode[] {
  if (Array.isArray(args)) return args.flatMap(nodesIn);
  // What is neither a list nor a text among the arguments is a node.
  return typeof args === "object" && args !== null ? [args as ASTNode] : [];
}
