import { type Comments, type Entry, type MapTree, type Tree, toEntries } from "./tree.ts";

/** Parts of a tree that stand for something written at another place of the file. */
export function scalar(value: string | number | boolean | null, at: number): Tree {
  return { type: "scalar", at, value };
}

export function entry(key: string, value: Tree, keyAt: number, comments?: Comments): Entry {
  return { key, keyAt, value, comments };
}

export function optional(
  key: string,
  value: Tree | undefined,
  from: Entry | undefined,
): Entry | undefined {
  return value === undefined
    ? undefined
    : entry(key, value, from?.keyAt ?? value.at, from?.comments);
}

export function map(at: number, entries: readonly (Entry | undefined)[]): MapTree {
  return { type: "map", at, entries: toEntries(entries.filter((one) => one !== undefined)) };
}

/** Whether exactly this, or one of these, is written there. */
export function isSaid(tree: Tree | undefined, ...values: readonly (boolean | null)[]): boolean {
  return tree?.type === "scalar" && values.some((value) => value === tree.value);
}

/** Whether what is written there comes from the environment as a whole. */
export function isFromOutside(tree: Tree | undefined): boolean {
  return tree?.type === "scalar" && /^\s*\$\{env:[^}]*\}\s*$/.test(String(tree.value));
}
