import {
  compileTemplate,
  compileTypePatterns,
  type HookKind,
  isHookError,
  type TemplateReference,
} from "@pipehooks/core";
import type { Knowledge } from "./knowledge.ts";
import { nearest } from "./nearest.ts";
import type { Report } from "./report.ts";
import { eventFields } from "./routes.ts";
import { anyShape, type Shape, toShape } from "./shape.ts";
import type { PathStep } from "./tree.ts";

/** A text of an option that is a template. */
export interface TemplateText {
  readonly steps: readonly PropertyKey[];
  readonly text: string;
  /** As written in the file, to point at a reference. */
  readonly written: string;
}

/** Whether the text at a path below `options` is read from the event, as the kind says. */
export function templateTest(kind: HookKind): (steps: readonly PathStep[]) => boolean {
  const templates = (kind.templates ?? []).map((path) => path.split("."));
  return (steps) => {
    const names = steps.filter((step) => typeof step === "string");
    return templates.some((template) =>
      template.every(
        (name, index) => index < names.length && (name === "*" || name === names[index]),
      ),
    );
  };
}

/** References that cannot be read, and those that no event of the routed types can have. */
export function checkTemplate(
  { steps, text, written }: TemplateText,
  context: { readonly routed: Routed; readonly report: Report },
): void {
  for (const reference of referencesOf(text, steps, context.report)) {
    const verdict = judge(reference.path, context.routed);
    if (verdict === undefined) continue;
    const index = written.search(new RegExp(`\\$\\{\\s*${escapePattern(reference.path)}`));
    context.report({
      steps,
      ...verdict,
      index: index < 0 ? undefined : index,
      code: "TEMPLATE_INVALID",
    });
  }
}

/** What reaches a hook. */
export interface Routed {
  readonly types: readonly string[];
  /** Whether types that nobody declared reach it too. */
  readonly unknown: boolean;
  readonly knowledge: Knowledge;
}

/** The event types that a hook's globs let through. */
export function routedTypes(events: unknown, knowledge: Knowledge): Routed {
  const globs = [events].flat().filter((glob) => typeof glob === "string");
  try {
    const types = knowledge.types.filter(compileTypePatterns(globs));
    return { types, unknown: knowledge.allowUnknownTypes, knowledge };
  } catch {
    return { types: [], unknown: true, knowledge };
  }
}

function referencesOf(
  text: string,
  steps: readonly PropertyKey[],
  report: Report,
): readonly TemplateReference[] {
  try {
    return compileTemplate(text).references;
  } catch (error) {
    if (!isHookError(error)) throw error;
    report({ steps, message: error.message, code: "TEMPLATE_INVALID" });
    return [];
  }
}

const errorFields = ["message", "class", "code", "severity", "stack", "causes"];

interface Verdict {
  readonly message: string;
  readonly suggestion?: string | undefined;
  readonly warning?: boolean;
}

function judge(path: string, routed: Routed): Verdict | undefined {
  const [field = "", second, ...rest] = path.split(".");
  if (!eventFields.includes(field)) {
    const isVariable = /^[A-Z][A-Z0-9_]*$/.test(field);
    const similar = nearest(path, eventFields);
    return {
      message: `An event has no field "${field}". What an emitter adds is under metadata: \${metadata.${path}}.`,
      suggestion: isVariable ? `\${env:${path}}` : similar && `\${${similar}}`,
    };
  }
  if (field === "error" && second !== undefined && !errorFields.includes(second)) {
    const similar = nearest(second, errorFields);
    return {
      message: `An event's error has no field "${second}", only ${errorFields.join(", ")}.`,
      suggestion: similar && `\${error.${similar}}`,
    };
  }
  if (field === "metadata" && second !== undefined) return judgeMetadata([second, ...rest], routed);
  return undefined;
}

function judgeMetadata(
  steps: readonly string[],
  { types, unknown, knowledge }: Routed,
): Verdict | undefined {
  if (unknown || types.length === 0) return undefined;
  const shapes = types.map((type) => toShapeOf(knowledge, type));
  const path = steps.join(".");
  const names = [...new Set(shapes.flatMap((shape) => propertyNames(shape)))];
  const similar = nearest(steps[0] ?? "", names);
  const suggestion = similar && `\${metadata.${similar}}`;
  const which =
    types.length === 1 ? `"${types[0]}"` : `the ${types.length} types that reach this hook`;
  if (shapes.every((shape) => reach(shape, steps) === "no")) {
    return { message: `No event of ${which} can have metadata.${path}.`, suggestion };
  }
  // Declared types say what they carry: what none of them declares is probably a slip.
  const declared = shapes.every((shape) => shape.keys.length > 0);
  const doubtful = shapes.every((shape) => reach(shape, steps) !== "declared");
  const own = types.every((type) => !isOpenBuiltIn(type));
  if (!declared || !doubtful || !own) return undefined;
  return {
    message: `The schema of ${which} does not name metadata.${path}.`,
    suggestion,
    warning: true,
  };
}

function isOpenBuiltIn(type: string): boolean {
  return /^(?:pipeline|flowgroup|action)\.(?:start|end|error)$|^table\.created$|^pipehooks\./.test(
    type,
  );
}

function toShapeOf(knowledge: Knowledge, type: string): Shape {
  const schema = knowledge.metadataOf(type);
  return schema === undefined ? anyShape : toShape(schema);
}

function propertyNames(shape: Shape): readonly string[] {
  return shape.keys.map((key) => shape.property(key)?.name ?? key);
}

function reach(shape: Shape, steps: readonly string[]): "declared" | "open" | "no" {
  const [step, ...rest] = steps;
  if (step === undefined) return "declared";
  const key = shape.keys.find((known) => shape.property(known)?.name === step);
  const property = key === undefined ? undefined : shape.property(key);
  if (property !== undefined) return rest.length === 0 ? "declared" : reach(property.shape, rest);
  if (shape.admits("array") && /^\d+$/.test(step)) return "open";
  return shape.admits("object") && !shape.closed ? "open" : "no";
}

// Node 22 lacks RegExp.escape.
function escapePattern(text: string): string {
  return text.replaceAll(/[.\\^$*+?()[\]{}|]/g, "\\$&");
}
