import { nearest } from "@pipehooks/core";
import type { Problems } from "./problem.ts";
import { joinPath, type MapTree } from "./tree.ts";

/** Reports the keys of a mapping that the lakehouse-plumber form does not know. */
export function refuseOthers(
  tree: MapTree,
  context: {
    readonly path: string;
    readonly known: readonly string[];
    readonly problems: Problems;
  },
): void {
  const { path, known, problems } = context;
  for (const { key, keyAt } of tree.entries.values()) {
    if (known.includes(key)) continue;
    problems.add({
      at: keyAt,
      path: joinPath(path, key),
      message: `${path} has no key "${key}".`,
      suggestion: nearest(key, known),
    });
  }
}
