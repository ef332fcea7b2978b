import { rewrite } from "./plumber-text.ts";
import { entry, isSaid, map, optional, scalar } from "./plumber-tree.ts";
import type { Problems } from "./problem.ts";
import { joinPath, type MapTree, type Tree } from "./tree.ts";

/** Keys of `webhook` besides those that every kind has. */
export const webhookKeys = [
  "webhook_url",
  "headers",
  "include_payload",
  "payload_template",
  "timeout",
  "verify_ssl",
];

/** Options of today's `webhook` that mean the same. */
export function toWebhookOptions(block: MapTree, problems: Problems, path: string): MapTree {
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
    isSaid(verify?.value, false) && verify
      ? entry("tls", map(verify.keyAt, [{ ...verify, key: "verify" }]), verify.keyAt)
      : undefined,
  ]);
}

/** Without a template and without the payload only what happened is said. */
function payloadOf(block: MapTree): Tree | undefined {
  const template = block.entries.get("payload_template")?.value;
  if (template !== undefined) return rewrite(fromJsonText(template));
  const include = block.entries.get("include_payload");
  if (!isSaid(include?.value, false)) return undefined;
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
