import { nearest } from "@pipehooks/core";
import { toHook } from "./plumber-hook.ts";
import { refuseOthers } from "./plumber-keys.ts";
import { plumberKinds } from "./plumber-kinds.ts";
import { fromEnvironment } from "./plumber-text.ts";
import { entry, isFromOutside, isSaid, scalar } from "./plumber-tree.ts";
import type { Problems } from "./problem.ts";
import { type Entry, type MapTree, type Tree, toEntries, valueAt } from "./tree.ts";

/** Keys of today's form that may stand beside `plugins`. */
const keptKeys = [
  "store",
  "source",
  "durability",
  "retention",
  "max_event_size",
  "allow_unknown_types",
  "event_types",
  "destinations",
  "defaults",
];

/** Whether a file is in the lakehouse-plumber form: there `plugins` holds keys, not a list. */
export function isPlumber(root: MapTree): boolean {
  return valueAt(root, "plugins")?.type === "map";
}

/**
 * The same configuration in today's form. Every part keeps the place it came from, so problems point into the file as
 * the user wrote it; `broken` takes those that are reported already.
 */
export function fromPlumber(
  root: MapTree,
  { problems, broken }: { readonly problems: Problems; readonly broken: Set<Tree> },
): MapTree {
  const plugins = valueAt(root, "plugins") as MapTree;
  refuseOthers(plugins, { path: "plugins", known: ["enabled", "config"], problems });
  const config = mapUnder(plugins, "config", { path: "plugins.config", problems });
  const blocksPath = "plugins.config.event_hooks";
  if (config) refuseOthers(config, { path: "plugins.config", known: ["event_hooks"], problems });
  const blocks = config && mapUnder(config, "event_hooks", { path: blocksPath, problems });
  const enabled = plugins.entries.get("enabled");
  const all = enabled && fromEnvironment(enabled.value);
  if (all !== undefined && !isFromOutside(all) && !isSaid(all, true, false, null)) {
    const message = '"enabled" must be true or false.';
    problems.add({ at: all.at, path: "plugins.enabled", message });
  }

  const hooks: Tree[] = [];
  for (const { key, keyAt, value, comments } of blocks?.entries.values() ?? []) {
    const path = `${blocksPath}.${key}`;
    const kind = plumberKinds.get(key);
    if (kind === undefined) {
      problems.add({
        at: keyAt,
        path,
        message: `The lakehouse-plumber form has no kind "${key}", only ${[...plumberKinds.keys()].join(", ")}.`,
        suggestion: nearest(key, plumberKinds.keys()),
        code: "HOOK_KIND_UNKNOWN",
      });
    } else if (value.type !== "map") {
      problems.add({ at: keyAt, path, message: `"${key}" must be keys and values.` });
    } else {
      const hook = toHook(value, { key, keyAt, kind, path, all, problems, broken });
      hooks.push(comments === undefined ? hook : { ...hook, comments });
    }
  }
  const pluginsAt = root.entries.get("plugins")?.keyAt ?? root.at;
  return {
    ...root,
    entries: toEntries([
      entry("version", scalar(1, root.at), root.at),
      ...keptEntries(root, problems),
      {
        ...entry("hooks", { type: "list", at: pluginsAt, items: hooks }, pluginsAt),
        comments: root.entries.get("plugins")?.comments,
      },
    ]),
  };
}

function mapUnder(
  tree: MapTree,
  key: string,
  { path, problems }: { readonly path: string; readonly problems: Problems },
): MapTree | undefined {
  const found = tree.entries.get(key);
  if (found?.value.type === "map") return found.value;
  const isSaidNothing = found?.value.type === "scalar" && found.value.value === null;
  if (found !== undefined && !isSaidNothing) {
    problems.add({ at: found.keyAt, path, message: `"${key}" must be keys and values.` });
  }
  return undefined;
}

function keptEntries(root: MapTree, problems: Problems): readonly Entry[] {
  const others = [...root.entries.values()].filter(
    ({ key }) => key !== "plugins" && key !== "version",
  );
  return others.filter(({ key, keyAt }) => {
    if (keptKeys.includes(key)) return true;
    if (key === "hooks") {
      problems.add({
        at: keyAt,
        path: key,
        message:
          '"hooks" cannot stand beside keys under "plugins": those are the lakehouse-plumber form. Write "plugins" as a list, or leave one of the two out.',
      });
      return false;
    }
    problems.warn({
      at: keyAt,
      path: key,
      message: `"${key}" means nothing to Pipehooks and is ignored.`,
    });
    return false;
  });
}
