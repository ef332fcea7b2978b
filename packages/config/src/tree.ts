import { toCamel, toSnake } from "./casing.ts";

/** A YAML document as data in which every value and key knows its offset in the text. */
export type Tree = ScalarTree | ListTree | MapTree;

interface Located {
  /** Offset of the value in the text. */
  readonly at: number;
  readonly comments?: Comments | undefined;
}

/** Kept for `migrate`. */
export interface Comments {
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

export interface ScalarTree extends Located {
  readonly type: "scalar";
  readonly value: string | number | boolean | null;
  /** Offset in the file of a character of the value; absent where the value is not written in one piece. */
  readonly offsetOf?: ((index: number) => number) | undefined;
}

export interface ListTree extends Located {
  readonly type: "list";
  readonly items: readonly Tree[];
}

export interface MapTree extends Located {
  readonly type: "map";
  readonly entries: ReadonlyMap<string, Entry>;
}

export interface Entry {
  readonly key: string;
  readonly keyAt: number;
  readonly value: Tree;
  readonly comments?: Comments | undefined;
}

export type PathStep = string | number;

/** Where something is said, or where it is missing. */
export interface Spot {
  /** The deepest tree on the way to the path. */
  readonly tree: Tree;
  /** Offset to point at. */
  readonly at: number;
  /** The path as the user wrote it. */
  readonly path: string;
  /** The last step as the user wrote it. */
  readonly name: string;
  /** Whether the path leads to something that is there. */
  readonly found: boolean;
}

/** The value of a key. */
export function valueAt(tree: Tree | undefined, ...keys: readonly string[]): Tree | undefined {
  return keys.reduce<Tree | undefined>(
    (at, key) => (at?.type === "map" ? at.entries.get(key)?.value : undefined),
    tree,
  );
}

/** Finds the place of a path in camelCase (or as written) below `tree`. */
export function locate(
  tree: Tree,
  steps: readonly PropertyKey[],
  prefix = "",
  start?: number,
): Spot {
  let here = tree;
  let at = start ?? tree.at;
  let path = prefix;
  let name = prefix;
  for (const [index, step] of steps.entries()) {
    const next = stepInto(here, step);
    if (next === undefined) {
      const rest = steps.slice(index).map((missing) => writtenStep(missing));
      path = rest.reduce<string>(joinPath, path);
      return { tree: here, at, path, name: String(rest.at(-1)), found: false };
    }
    path = joinPath(path, next.step);
    name = typeof next.step === "number" ? `${name}[${next.step}]` : next.step;
    here = next.value;
    at = here.type === "scalar" ? here.at : (next.keyAt ?? here.at);
  }
  return { tree: here, at, path, name, found: true };
}

/** `a` + `b` → `a.b`; `a` + 0 → `a[0]`. */
export function joinPath(path: string, step: PathStep): string {
  if (typeof step === "number") return `${path}[${step}]`;
  const text = /^[\w-]+$/.test(step) ? step : JSON.stringify(step);
  return path === "" ? text : `${path}.${text}`;
}

/** The same mapping without some of its keys. */
export function withoutKeys(tree: MapTree, leaveOut: (key: string) => boolean): MapTree {
  return { ...tree, entries: new Map([...tree.entries].filter(([key]) => !leaveOut(key))) };
}

function stepInto(
  tree: Tree,
  step: PropertyKey,
): { value: Tree; step: PathStep; keyAt?: number } | undefined {
  if (tree.type === "list") {
    const value = tree.items[Number(step)];
    return value === undefined ? undefined : { value, step: Number(step) };
  }
  if (tree.type !== "map") return undefined;
  const wanted = String(step);
  const entry =
    tree.entries.get(wanted) ??
    tree.entries.get(toSnake(wanted)) ??
    [...tree.entries.values()].find(({ key }) => toCamel(key) === wanted);
  return entry && { value: entry.value, step: entry.key, keyAt: entry.keyAt };
}

function writtenStep(step: PropertyKey): PathStep {
  return typeof step === "number" ? step : toSnake(String(step));
}

/** Entries in the order given. */
export function toEntries(entries: readonly Entry[]): ReadonlyMap<string, Entry> {
  return new Map(entries.map((one) => [one.key, one]));
}
