import { toPayload } from "./plumber-payload.ts";
import { isPlainHttp, targetKeys, toTarget } from "./plumber-target.ts";
import { entry, isSaid, map, optional } from "./plumber-tree.ts";
import type { Problems } from "./problem.ts";
import type { Entry, MapTree } from "./tree.ts";

/** Keys of `webhook` besides those that every kind has. */
export const webhookKeys = [
  "webhook_url",
  "headers",
  "include_payload",
  "payload_template",
  "timeout",
  "verify_ssl",
  ...targetKeys,
];

/** Options of today's `webhook` that mean the same. */
export function toWebhookOptions(block: MapTree, problems: Problems, path: string): MapTree {
  const take = (name: string) => block.entries.get(name);
  const url = take("webhook_url");
  const headers = take("headers");
  return map(block.at, [
    optional("url", url?.value, url),
    ...toTarget(block, { problems, path }),
    optional("headers", headers?.value, headers),
    optional(
      "payload",
      toPayload(block, { problems, path }),
      take("payload_template") ?? take("include_payload"),
    ),
    isPlainHttp(url?.value) ? undefined : toTls(take("verify_ssl")),
  ]);
}

// Over plain http there is nothing to verify.
function toTls(verify: Entry | undefined): Entry | undefined {
  if (verify === undefined || isSaid(verify.value, true, null)) return undefined;
  const found = { ...verify, key: "verify" };
  return entry("tls", map(verify.keyAt, [found]), verify.keyAt);
}
