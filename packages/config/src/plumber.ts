import { nearest } from "./nearest.ts";
import { cloudLoggingKeys, toCloudLoggingOptions } from "./plumber-cloud-logging.ts";
import { databricksKeys, toDatabricksOptions } from "./plumber-databricks.ts";
import { emailKeys, toEmailOptions } from "./plumber-email.ts";
import { rewrite, toSeconds } from "./plumber-text.ts";
import { entry, map, optional, scalar } from "./plumber-tree.ts";
import type { Problems } from "./problem.ts";
import { type Entry, joinPath, type MapTree, type Tree, toEntries, valueAt } from "./tree.ts";

/** Kinds of the lakehouse-plumber form, with what they are called today. */
const plumberKinds: ReadonlyMap<string, string> = new Map([
  ["webhook", "webhook"],
  ["databricks_jobs", "databricks-job"],
  ["email", "email"],
  ["cloud_logging", "cloud-logging"],
]);

const commonKeys = [
  "enabled",
  "events",
  "filter_pipelines",
  "filter_flowgroups",
  "async_execution",
  "retry_attempts",
  "retry_delay",
];

const webhookKeys = [
  "webhook_url",
  "headers",
  "include_payload",
  "payload_template",
  "timeout",
  "verify_ssl",
];

/** Of the kinds whose keys have other names today. */
const ownKeysOf: ReadonlyMap<string, readonly string[]> = new Map([
  ["webhook", webhookKeys],
  ["databricks-job", databricksKeys],
  ["email", emailKeys],
  ["cloud-logging", cloudLoggingKeys],
]);

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
 * the user wrote it.
 */
export function fromPlumber(root: MapTree, problems: Problems): MapTree {
  const plugins = valueAt(root, "plugins") as MapTree;
  refuseOthers(plugins, "plugins", ["enabled", "config"], problems);
  const config = valueAt(plugins, "config");
  if (config?.type === "map") refuseOthers(config, "plugins.config", ["event_hooks"], problems);
  const blocks = valueAt(config, "event_hooks");
  const allOff = isFalse(valueAt(plugins, "enabled"));

  const hooks: Tree[] = [];
  for (const { key, keyAt, value, comments } of blocks?.type === "map"
    ? blocks.entries.values()
    : []) {
    const path = `plugins.config.event_hooks.${key}`;
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
      const hook = toHook(value, { key, keyAt, kind, path, allOff, problems });
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

function keptEntries(root: MapTree, problems: Problems): readonly Entry[] {
  const others = [...root.entries.values()].filter(
    ({ key }) => key !== "plugins" && key !== "version",
  );
  return others.filter(({ key, keyAt }) => {
    if (keptKeys.includes(key)) return true;
    problems.warn({
      at: keyAt,
      path: key,
      message: `"${key}" means nothing to Pipehooks and is ignored.`,
    });
    return false;
  });
}

interface Block {
  readonly key: string;
  readonly keyAt: number;
  readonly kind: string;
  readonly path: string;
  readonly allOff: boolean;
  readonly problems: Problems;
}

function toHook(block: MapTree, { key, keyAt, kind, path, allOff, problems }: Block): MapTree {
  const ownKeys = ownKeysOf.get(kind);
  if (ownKeys !== undefined) refuseOthers(block, path, [...commonKeys, ...ownKeys], problems);
  const take = (name: string) => block.entries.get(name);
  const enabled = allOff ? scalar(false, keyAt) : take("enabled")?.value;
  const events = take("events");
  const timeout = kind === "webhook" || kind === "email" ? take("timeout") : undefined;
  if (isFalse(take("async_execution")?.value)) {
    problems.warn({
      at: take("async_execution")?.keyAt ?? keyAt,
      path: joinPath(path, "async_execution"),
      message:
        '"async_execution: false": a hook never holds up the pipeline here. Its deliveries go one at a time (concurrency: 1).',
    });
  }
  return map(keyAt, [
    entry("name", scalar(key.replaceAll("_", "-"), keyAt), keyAt),
    entry("kind", scalar(kind, keyAt), keyAt),
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
    isFalse(take("async_execution")?.value)
      ? entry("concurrency", scalar(1, keyAt), take("async_execution")?.keyAt ?? keyAt)
      : undefined,
    entry("options", toOptions(block, { kind, problems, path }), keyAt),
  ]);
}

function toOptions(
  block: MapTree,
  { kind, problems, path }: Pick<Block, "kind" | "problems" | "path">,
): MapTree {
  switch (kind) {
    case "webhook":
      return toWebhookOptions(block, problems, path);
    case "databricks-job":
      return toDatabricksOptions(block, problems, path);
    case "email":
      return toEmailOptions(block, problems, path);
    case "cloud-logging":
      return toCloudLoggingOptions(block, problems, path);
    default:
      return otherOptions(block);
  }
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
    wait && entry("cap", wait, wait.at),
    wait && entry("jitter", scalar("none", wait.at), wait.at),
  ]);
  return entry("retry", retry, first.keyAt);
}

function toWebhookOptions(block: MapTree, problems: Problems, path: string): MapTree {
  const take = (name: string) => block.entries.get(name);
  const url = take("webhook_url");
  const headers = take("headers");
  const template = take("payload_template");
  const verify = take("verify_ssl");
  const isPlainHttp = url?.value.type === "scalar" && /^http:/i.test(String(url.value.value));
  if (url !== undefined && isPlainHttp) {
    problems.warn({
      at: url.keyAt,
      path: joinPath(path, "webhook_url"),
      message: '"webhook_url" is plain http: everything in it can be read on the way. Use https.',
    });
  }
  return map(block.at, [
    optional("url", url && rewrite(url.value), url),
    isPlainHttp && url ? entry("allow_http", scalar(true, url.keyAt), url.keyAt) : undefined,
    optional("headers", headers && rewrite(headers.value), headers),
    optional("payload", payloadOf(block), template ?? take("include_payload")),
    isFalse(verify?.value) && verify
      ? entry("tls", map(verify.keyAt, [{ ...verify, key: "verify" }]), verify.keyAt)
      : undefined,
  ]);
}

/** Without a template and without the payload only what happened is said. */
function payloadOf(block: MapTree): Tree | undefined {
  const template = block.entries.get("payload_template")?.value;
  if (template !== undefined) return rewrite(fromJsonText(template));
  const include = block.entries.get("include_payload");
  if (!isFalse(include?.value)) return undefined;
  const at = include?.keyAt ?? block.at;
  const fields = ["pipeline", "flowgroup", "action"];
  return map(at, [
    entry("type", scalar("${type}", at), at),
    entry("time", scalar("${time}", at), at),
    ...fields.map((field) => entry(field, scalar(`\${${field}:-null}`, at), at)),
  ]);
}

// A template in one JSON text: as data its values are escaped rightly.
function fromJsonText(tree: Tree): Tree {
  if (tree.type !== "scalar" || typeof tree.value !== "string" || !/^\s*[{[]/.test(tree.value)) {
    return tree;
  }
  try {
    return fromData(JSON.parse(tree.value), tree.at);
  } catch {
    return tree;
  }
}

function fromData(value: unknown, at: number): Tree {
  if (Array.isArray(value))
    return { type: "list", at, items: value.map((item) => fromData(item, at)) };
  if (typeof value === "object" && value !== null) {
    return map(
      at,
      Object.entries(value).map(([key, item]) => entry(key, fromData(item, at), at)),
    );
  }
  return scalar(value as string | number | boolean | null, at);
}

/** The other kinds keep their own keys. */
function otherOptions(block: MapTree): MapTree {
  const own = [...block.entries.values()].filter(({ key }) => !commonKeys.includes(key));
  return map(
    block.at,
    own.map((one) => ({ ...one, value: rewrite(one.value) })),
  );
}

function refuseOthers(
  tree: MapTree,
  path: string,
  known: readonly string[],
  problems: Problems,
): void {
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

// No retries is one try.
function atLeastOne(tree: Tree): Tree {
  const written = rewrite(tree);
  return written.type === "scalar" && written.value === 0 ? { ...written, value: 1 } : written;
}

function isFalse(tree: Tree | undefined): boolean {
  return tree?.type === "scalar" && tree.value === false;
}
