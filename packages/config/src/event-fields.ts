import { nearest } from "@pipehooks/core";
import type { Knowledge } from "./knowledge.ts";
import { anyShape, type Shape, toShape } from "./shape.ts";

/** Events of which a check asks what they can have. */
export interface Routed {
  readonly types: readonly string[];
  /** Whether types that nobody declared are among them too. */
  readonly unknown: boolean;
  readonly knowledge: Knowledge;
  /** Fields that they can have. */
  readonly fields: readonly string[];
}

const errorFields = ["message", "class", "code", "severity", "stack", "causes"];

/** What is wrong with a path in an event. */
export interface Verdict {
  readonly message: string;
  /** The path that was probably meant. */
  readonly suggestion?: string | undefined;
  /** Doubtful, not wrong. */
  readonly warning?: boolean;
}

/** Whether events can have something at a path that begins with a field of theirs. */
export function judgePath(path: string, routed: Routed): Verdict | undefined {
  const [field = "", second, ...rest] = path.split(".");
  if (!routed.fields.includes(field)) {
    return {
      message: `No event of ${nameOf(routed)} has a ${field}, only ${routed.fields.join(", ")}.`,
      suggestion: nearestStep(path, routed.fields),
    };
  }
  if (field === "error" && second !== undefined && !errorFields.includes(second)) {
    const similar = nearestStep([second, ...rest].join("."), errorFields);
    return {
      message: `An event's error has no field "${second}", only ${errorFields.join(", ")}.`,
      suggestion: similar && `error.${similar}`,
    };
  }
  if (field === "metadata" && second !== undefined) return judgeMetadata([second, ...rest], routed);
  return undefined;
}

/** The path with its first step as the name that was probably meant. */
export function nearestStep(path: string, names: readonly string[]): string | undefined {
  const [first = "", ...rest] = path.split(".");
  const similar = nearest(first, names);
  return similar && [similar, ...rest].join(".");
}

function judgeMetadata(steps: readonly string[], routed: Routed): Verdict | undefined {
  const { types, unknown, knowledge } = routed;
  if (unknown || types.length === 0) return undefined;
  const shapes = types.map((type) => {
    const schema = knowledge.metadataOf(type);
    return schema === undefined ? anyShape : toShape(schema);
  });
  const path = steps.join(".");
  const names = [...new Set(shapes.flatMap((shape) => propertyNames(shape)))];
  const suggestion = suggestMetadata(steps, names, shapes);
  if (shapes.every((shape) => reach(shape, steps) === "no")) {
    return { message: `No event of ${nameOf(routed)} can have metadata.${path}.`, suggestion };
  }
  // Declared types say what they carry: what none of them declares is probably a slip.
  const declared = shapes.every((shape) => shape.keys.length > 0);
  const doubtful = shapes.every((shape) => reach(shape, steps) !== "declared");
  const own = types.every((type) => !isOpenBuiltIn(type));
  if (!declared || !doubtful || !own) return undefined;
  return {
    message: `The schema of ${nameOf(routed)} does not name metadata.${path}.`,
    suggestion,
    warning: true,
  };
}

function suggestMetadata(
  [first = "", ...rest]: readonly string[],
  names: readonly string[],
  shapes: readonly Shape[],
): string | undefined {
  const similar = nearest(first, names);
  if (similar === undefined) return undefined;
  const isThere = shapes.some((shape) => reach(shape, [similar, ...rest]) !== "no");
  return ["metadata", similar, ...(isThere && similar !== first ? rest : [])].join(".");
}

function nameOf({ types }: Routed): string {
  return types.length === 1 ? `"${types[0]}"` : `the ${types.length} types that reach this hook`;
}

function isOpenBuiltIn(type: string): boolean {
  return /^(?:pipeline|flowgroup|action)\.(?:start|end|error)$|^table\.created$|^pipehooks\./.test(
    type,
  );
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
