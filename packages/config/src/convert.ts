import { nearest } from "@pipehooks/core";
import type { Problems } from "./problem.ts";
import type { References } from "./references.ts";
import type { Shape } from "./shape.ts";
import type { Templates } from "./stranger.ts";
import {
  type Entry,
  joinPath,
  type MapTree,
  type PathStep,
  type ScalarTree,
  type Tree,
} from "./tree.ts";

/** What stays the same while a part of the file is converted. */
export interface Conversion {
  readonly references: References;
  readonly problems: Problems;
  /** Trees that are reported already: no second problem for them. */
  readonly broken: Set<Tree>;
  /** Told about every value from outside that stays text; absent where such is ordinary text. */
  readonly onOutside?: ((value: string, steps: readonly PathStep[]) => void) | undefined;
  /** Whether the text at a path (in camelCase) is a template. */
  readonly isTemplate?: ((steps: readonly PathStep[]) => boolean) | undefined;
  /** Which options are templates, for messages. */
  readonly templates?: Templates | undefined;
  /** Told about every text that is a template. */
  readonly onTemplate?:
    | ((text: string, tree: ScalarTree, steps: readonly PathStep[]) => void)
    | undefined;
  /** A remark for a key that is not known here. */
  readonly hint?: ((key: string, steps: readonly PathStep[]) => string | undefined) | undefined;
}

/** Where a tree stands. */
export interface Standing {
  /** As the user wrote it, for messages. */
  readonly path: string;
  /** In camelCase, from where the conversion began. */
  readonly steps: readonly PathStep[];
}

/**
 * A tree as data: our keys in camelCase, user data as written, references replaced. Unknown keys and missing
 * references are reported and left out.
 */
export function convert(
  tree: Tree,
  shape: Shape,
  conversion: Conversion,
  standing: Standing,
): unknown {
  if (tree.type === "scalar") return convertScalar(tree, shape, conversion, standing);
  if (tree.type === "list") {
    return tree.items.map((item, index) =>
      convert(item, shape.item(index), conversion, {
        path: joinPath(standing.path, index),
        steps: [...standing.steps, index],
      }),
    );
  }
  return convertMap(tree, shape, conversion, standing);
}

function convertMap(
  tree: MapTree,
  shape: Shape,
  conversion: Conversion,
  standing: Standing,
): object {
  const data: [string, unknown][] = [];
  for (const entry of tree.entries.values()) {
    const property = shape.property(entry.key);
    if (property === undefined && shape.closed && shape.admits("object")) {
      reportUnknownKey(entry, shape, conversion, standing);
      continue;
    }
    const name = property?.name ?? entry.key;
    const inner = property?.shape ?? shape.other;
    // A key with nothing behind it says nothing, unless the kind gives null a meaning.
    if (isNull(entry.value) && property !== undefined && !inner.admits("null")) continue;
    const below = { path: joinPath(standing.path, entry.key), steps: [...standing.steps, name] };
    data.push([name, convert(entry.value, inner, conversion, below)]);
  }
  return Object.fromEntries(data);
}

function convertScalar(
  tree: ScalarTree,
  shape: Shape,
  conversion: Conversion,
  standing: Standing,
): unknown {
  if (typeof tree.value !== "string" || conversion.broken.has(tree)) return tree.value;
  const { path, steps } = standing;
  const template = conversion.isTemplate?.(steps) ?? false;
  const { templates } = conversion;
  const resolved = conversion.references.resolve(tree, { path, template, templates });
  if (resolved === undefined) {
    conversion.broken.add(tree);
    return tree.value;
  }
  if (resolved.outside && !shape.admits("string")) {
    const value = coerce(resolved.text, shape);
    if (value !== undefined) return value;
  }
  if (template) conversion.onTemplate?.(resolved.text, tree, steps);
  for (const value of resolved.values) conversion.onOutside?.(value, steps);
  return resolved.text;
}

/** An environment variable is always text: where the option is a number or a boolean, it is read as one. */
function coerce(text: string, shape: Shape): number | boolean | undefined {
  const trimmed = text.trim();
  if (shape.admits("boolean") && /^(?:true|false)$/i.test(trimmed)) {
    return trimmed.toLowerCase() === "true";
  }
  const isNumber = /^-?\d+(?:\.\d+)?$/.test(trimmed);
  if (isNumber && (shape.admits("number") || shape.admits("integer"))) return Number(trimmed);
  return undefined;
}

function reportUnknownKey(
  entry: Entry,
  shape: Shape,
  conversion: Conversion,
  standing: Standing,
): void {
  const suggestion = nearest(entry.key, shape.keys);
  const where = standing.path === "" ? "this file" : standing.path;
  const hint = conversion.hint?.(entry.key, standing.steps);
  const known =
    shape.keys.length === 0 ? "It takes no keys." : `Known are: ${shape.keys.join(", ")}.`;
  conversion.problems.add({
    at: entry.keyAt,
    path: joinPath(standing.path, entry.key),
    message:
      `${where} has no key "${entry.key}". ${hint ?? (suggestion === undefined ? known : "")}`.trim(),
    suggestion: hint === undefined ? suggestion : undefined,
  });
}

function isNull(tree: Tree): boolean {
  return tree.type === "scalar" && tree.value === null;
}
