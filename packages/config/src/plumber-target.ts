import { createTargetGuard, type TargetOptions } from "@pipehooks/core/targets";
import { entry, optional, scalar } from "./plumber-tree.ts";
import type { Problems } from "./problem.ts";
import { type Entry, joinPath, type MapTree, type Tree } from "./tree.ts";

/** Keys of today that open what a webhook may reach; there everything was open. */
export const targetKeys = ["allow_http", "allow_private", "allow"];

const openings = {
  allow_http: '"webhook_url" is plain http: everything in it can be read on the way. Use https.',
  allow_private:
    '"webhook_url" names a host of an internal network, which webhooks reach only with "allow_private": that is set for it.',
};

/** What a webhook may reach: what is said, and what its URL is in need of. */
export function toTarget(
  block: MapTree,
  { problems, path }: { readonly problems: Problems; readonly path: string },
): readonly (Entry | undefined)[] {
  const url = block.entries.get("webhook_url");
  const said = targetKeys.map((key) => {
    const found = block.entries.get(key);
    return optional(key, found?.value, found);
  });
  const needed = neededBy(url?.value);
  const isSaid = needed !== undefined && said.some((one) => one?.key === needed);
  const isNamed = needed === "allow_private" && block.entries.has("allow");
  if (url === undefined || needed === undefined || isSaid || isNamed) return said;
  problems.warn({
    at: url.keyAt,
    path: joinPath(path, "webhook_url"),
    message: openings[needed],
  });
  return [...said, entry(needed, scalar(true, url.keyAt), url.keyAt)];
}

/** Whether a URL is plain http, as far as it is written in the file. */
export function isPlainHttp(url: Tree | undefined): boolean {
  return url?.type === "scalar" && /^http:/i.test(String(url.value));
}

function neededBy(url: Tree | undefined): keyof typeof openings | undefined {
  const plain = isPlainHttp(url) ? "allow_http" : undefined;
  const text = url?.type === "scalar" ? String(url.value) : "";
  if (text.includes("${") || !URL.canParse(text)) return plain;
  const isRefused = (rules: TargetOptions) =>
    createTargetGuard(new URL(text), rules, () => {}).refusalOf("direct") !== undefined;
  const isInside = isRefused({ allowHttp: true }) && !isRefused({ allowPrivate: true });
  return isInside ? "allow_private" : plain;
}
