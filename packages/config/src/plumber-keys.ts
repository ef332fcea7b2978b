import { nearest } from "@pipehooks/core";
import { isSaid } from "./plumber-tree.ts";
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

/** Keys whose `false` changes what a hook is written as, so it must be known before the environment is. */
const switches = ["async_execution", "include_payload", "use_tls"];

/** Warns where such a key says anything but true or false. */
export function warnOfSwitches(
  block: MapTree,
  { path, problems }: { readonly path: string; readonly problems: Problems },
): void {
  for (const name of switches) {
    const found = block.entries.get(name);
    if (found === undefined || isSaid(found.value, true, false, null)) continue;
    problems.warn({
      at: found.value.at,
      path: joinPath(path, name),
      message: `"${name}" is taken as true: only true or false itself, written here, counts.`,
    });
  }
}
