import { eventFields } from "@pipehooks/core";
import type { PlumberKind } from "./plumber-kinds.ts";
import type { Problems } from "./problem.ts";
import { strangerMessage } from "./stranger.ts";
import { pathTest } from "./templates.ts";
import {
  joinPath,
  type MapTree,
  type PathStep,
  type ScalarTree,
  type Tree,
  toEntries,
} from "./tree.ts";

type Rewrite = (
  inner: string,
  place: { readonly tree: ScalarTree; readonly index: number },
) => string;

/**
 * A hook whose references are today's: `${UPPER_CASE}` → the environment; in templates `${event}` → the type, and any
 * other field → itself or null. Elsewhere such a reference is refused as it was written.
 */
export function rewriteHook(
  hook: MapTree,
  block: MapTree,
  context: {
    readonly kind: PlumberKind;
    readonly path: string;
    readonly problems: Problems;
    readonly broken: Set<Tree>;
  },
): MapTree {
  const { kind, path, problems, broken } = context;
  const isTemplate = pathTest(kind.templates.map((template) => `options.${template}`));
  const refuse: Rewrite = (inner, { tree, index }) => {
    const outside = outsideOf(inner);
    if (outside !== undefined) return outside;
    const at = tree.offsetOf?.(index) ?? tree.at;
    const key = [...block.entries.values()].findLast(({ keyAt }) => keyAt <= at)?.key;
    problems.add({
      at,
      path: key === undefined ? path : joinPath(path, key),
      message: strangerMessage(inner, { kind: kind.name, paths: kind.templateKeys }),
    });
    broken.add(tree);
    return inner;
  };
  const rewritten = rewrite(hook, [], (steps) => (isTemplate(steps) ? today : refuse));
  return rewritten as MapTree;
}

/** `${UPPER_CASE}` → the environment, everything else as it is. */
export function fromEnvironment(tree: Tree): Tree {
  return rewrite(tree, [], () => (inner) => outsideOf(inner) ?? inner);
}

function rewrite(
  tree: Tree,
  steps: readonly PathStep[],
  at: (steps: readonly PathStep[]) => Rewrite,
): Tree {
  if (tree.type === "list") {
    const items = tree.items.map((item, index) => rewrite(item, [...steps, index], at));
    return { ...tree, items };
  }
  if (tree.type === "map") {
    const entries = [...tree.entries.values()].map((one) => ({
      ...one,
      value: rewrite(one.value, [...steps, one.key], at),
    }));
    return { ...tree, entries: toEntries(entries) };
  }
  if (typeof tree.value !== "string" || !tree.value.includes("${")) return tree;
  const change = at(steps);
  const value = tree.value.replaceAll(
    /(\$?)\$\{([^}]*)\}/g,
    (whole, dollar: string, inner: string, index: number) =>
      dollar === "" ? `\${${change(inner, { tree, index })}}` : whole,
  );
  return value === tree.value ? tree : { ...tree, value, offsetOf: undefined };
}

const renamed: Readonly<Record<string, string>> = {
  event: "type",
  event_type: "type",
  timestamp: "time",
  run_id: "runId",
  error: "error.message",
  error_message: "error.message",
};
const alwaysThere = ["id", "source", "type", "time"];

function today(inner: string): string {
  const [, name = "", fallback] = partsOf(inner);
  if (name === "") return inner;
  const outside = outsideOf(inner);
  if (outside !== undefined) return outside;
  const path = pathOf(name.replace(/^event\./, ""));
  return alwaysThere.includes(path) ? path : `${path}${fallback ?? ":-null"}`;
}

/** A reference to what is outside, in today's words; absent for one to the event. */
function outsideOf(inner: string): string | undefined {
  if (/^(?:env|file):/.test(inner)) return inner;
  const [, name = "", fallback = ""] = partsOf(inner);
  return /^[A-Z][A-Z0-9_]*$/.test(name) ? `env:${name}${fallback}` : undefined;
}

function partsOf(inner: string): readonly string[] {
  return /^\s*([\w.-]+?)\s*(:-.*)?$/s.exec(inner) ?? [];
}

function pathOf(name: string): string {
  const known = Object.hasOwn(renamed, name) ? renamed[name] : undefined;
  if (known !== undefined) return known;
  return eventFields.includes(name.split(".")[0] ?? "") ? name : `metadata.${name}`;
}

/** There durations are numbers of seconds. */
export function toSeconds(tree: Tree): Tree {
  if (tree.type !== "scalar" || !/^(?:\d+(?:\.\d+)?|\$\{.*\})$/.test(String(tree.value))) {
    return tree;
  }
  return { ...tree, value: `${tree.value}s`, offsetOf: undefined };
}
