import { refuseOthers, warnOfSwitches } from "./plumber-keys.ts";
import type { PlumberKind } from "./plumber-kinds.ts";
import { rewriteHook, toSeconds } from "./plumber-text.ts";
import { entry, isFromOutside, isSaid, map, optional, scalar } from "./plumber-tree.ts";
import type { Problems } from "./problem.ts";
import { type Entry, joinPath, type MapTree, type Tree } from "./tree.ts";

/** Keys that every kind has. */
const commonKeys = [
  "enabled",
  "events",
  "filter_pipelines",
  "filter_flowgroups",
  "async_execution",
  "retry_attempts",
  "retry_delay",
];

interface Block {
  readonly key: string;
  readonly keyAt: number;
  readonly kind: PlumberKind;
  readonly path: string;
  /** The switch of all hooks. */
  readonly all: Tree | undefined;
  readonly problems: Problems;
  /** Takes the texts that are reported already. */
  readonly broken: Set<Tree>;
}

/** A block of `event_hooks` as one hook of today. */
export function toHook(block: MapTree, context: Block): MapTree {
  const { key, keyAt, kind, path, all, problems } = context;
  refuseOthers(block, { path, known: [...commonKeys, ...kind.keys], problems });
  warnOfSwitches(block, { path, problems });
  const take = (name: string) => block.entries.get(name);
  const enabled = toSwitch(all, take("enabled"), { problems, path });
  const events = take("events");
  const timeout = kind.keys.includes("timeout") ? take("timeout") : undefined;
  if (isSaid(take("async_execution")?.value, false)) {
    problems.warn({
      at: take("async_execution")?.keyAt ?? keyAt,
      path: joinPath(path, "async_execution"),
      message:
        '"async_execution: false": a hook never holds up the pipeline here. Its deliveries go one at a time (concurrency: 1).',
    });
  }
  const hook = map(keyAt, [
    entry("name", scalar(key.replaceAll("_", "-"), keyAt), keyAt),
    entry("kind", scalar(kind.name, keyAt), keyAt),
    optional("enabled", enabled, take("enabled")),
    entry(
      "events",
      events?.value ?? { type: "list", at: keyAt, items: [scalar("*", keyAt)] },
      events?.keyAt ?? keyAt,
      events?.comments,
    ),
    toFilter(block),
    optional("timeout", timeout && toSeconds(timeout.value), timeout),
    toRetry(block),
    isSaid(take("async_execution")?.value, false)
      ? entry("concurrency", scalar(1, keyAt), take("async_execution")?.keyAt ?? keyAt)
      : undefined,
    entry("options", kind.toOptions(block, problems, path), keyAt),
  ]);
  return rewriteHook(hook, block, context);
}

// A hook is on where it and all of them are.
function toSwitch(
  all: Tree | undefined,
  own: Entry | undefined,
  { problems, path }: { readonly problems: Problems; readonly path: string },
): Tree | undefined {
  const written = own?.value;
  if (isSaid(all, false)) return all;
  if (!isFromOutside(all) || isSaid(written, false)) return written;
  if (own !== undefined && !isSaid(written, true, null)) {
    problems.add({
      at: own.keyAt,
      path: joinPath(path, "enabled"),
      message:
        '"enabled" comes from outside here and under "plugins" too, and a hook has one switch. Write one of the two as true or false.',
    });
  }
  return all;
}

function toFilter(block: MapTree): Entry | undefined {
  const pipelines = block.entries.get("filter_pipelines");
  const flowgroups = block.entries.get("filter_flowgroups");
  const first = pipelines ?? flowgroups;
  if (first === undefined) return undefined;
  const filter = map(first.keyAt, [
    optional("pipelines", pipelines?.value, pipelines),
    optional("flowgroups", flowgroups?.value, flowgroups),
  ]);
  return entry("filter", filter, first.keyAt);
}

// There the wait between two tries is always the same.
function toRetry(block: MapTree): Entry | undefined {
  const attempts = block.entries.get("retry_attempts");
  const delay = block.entries.get("retry_delay");
  const first = attempts ?? delay;
  if (first === undefined) return undefined;
  const wait = delay && toSeconds(delay.value);
  const retry = map(first.keyAt, [
    optional("attempts", attempts && atLeastOne(attempts.value), attempts),
    optional("base", wait, delay),
    wait && entry("factor", scalar(1, wait.at), wait.at),
    wait && entry("cap", { ...wait, comments: undefined }, wait.at),
    wait && entry("jitter", scalar("none", wait.at), wait.at),
  ]);
  return entry("retry", retry, first.keyAt);
}

// No retries is one try.
function atLeastOne(tree: Tree): Tree {
  return tree.type === "scalar" && tree.value === 0 ? { ...tree, value: 1 } : tree;
}
