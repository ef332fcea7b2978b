import { nearest } from "@pipehooks/core";
import { entry, map, optional } from "./plumber-tree.ts";
import type { Problems } from "./problem.ts";
import { type Entry, joinPath, type MapTree } from "./tree.ts";

/** Options of today's blocks, with what they are called in the files that go about; the first name is the usual one. */
const names: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  aws: {
    log_group: ["log_group", "log_group_name"],
    log_stream: ["log_stream", "log_stream_name"],
    create_group: ["create_group", "create_log_group"],
    create_stream: ["create_stream", "create_log_stream"],
    retention_days: ["retention_days", "retention_in_days"],
    entity: ["entity"],
    region: ["region", "region_name", "aws_region"],
    endpoint: ["endpoint", "endpoint_url"],
    allow_http: ["allow_http"],
    access_key_id: ["access_key_id", "aws_access_key_id"],
    secret_access_key: ["secret_access_key", "aws_secret_access_key"],
    session_token: ["session_token", "aws_session_token"],
  },
  gcp: {
    project_id: ["project_id", "project"],
    log_name: ["log_name"],
    resource: ["resource"],
    labels: ["labels"],
    retention_days: ["retention_days"],
    key_file: ["key_file", "credentials_file", "credentials_path", "service_account_file"],
    credentials: ["credentials"],
    endpoint: ["endpoint"],
    allow_http: ["allow_http"],
  },
  azure: {
    endpoint: ["endpoint", "data_collection_endpoint", "logs_ingestion_endpoint"],
    dcr: ["dcr", "dcr_immutable_id", "dcr_id", "data_collection_rule_id", "rule_id"],
    stream: ["stream", "stream_name"],
    auxiliary_table: ["auxiliary_table"],
    tenant_id: ["tenant_id"],
    client_id: ["client_id"],
    client_secret: ["client_secret"],
    authority_host: ["authority_host"],
    ca: ["ca"],
  },
};
const providers = Object.keys(names);
const same = ["record", "oversize", "request_timeout", "batch"];

/** Of the API that Azure has switched off; there is no other way with these keys. */
const retired = ["workspace_id", "shared_key", "workspace_key", "log_type"];

/** Keys of `cloud_logging` besides those that every kind has. */
export const cloudLoggingKeys: readonly string[] = ["provider", ...providers, ...same];

/** Options of today's `cloud-logging` that mean the same. */
export function toCloudLoggingOptions(block: MapTree, problems: Problems, path: string): MapTree {
  const provider = block.entries.get("provider");
  const chosen = provider?.value.type === "scalar" ? String(provider.value.value) : undefined;
  // Which block is meant is not known before the environment is.
  const isOpen = chosen?.includes("${") === true;
  const parts = providers.map((name) => {
    const found = block.entries.get(name);
    if (found === undefined || chosen === name || isOpen) {
      return found && toBlock(found, name, { problems, path: joinPath(path, name) });
    }
    problems.warn({
      at: found.keyAt,
      path: joinPath(path, name),
      message: `"${name}" is left out: the provider is "${chosen ?? ""}".`,
    });
    return undefined;
  });
  return map(block.at, [
    optional("provider", provider?.value, provider),
    ...parts,
    ...same.map((name) => {
      const found = block.entries.get(name);
      return optional(name, found?.value, found);
    }),
  ]);
}

function toBlock(
  found: Entry,
  provider: string,
  { problems, path }: { readonly problems: Problems; readonly path: string },
): Entry {
  if (found.value.type !== "map") return found;
  const { entries, at } = found.value;
  const known = names[provider] ?? {};
  const all = Object.values(known).flat();
  for (const { key, keyAt } of entries.values()) {
    if (all.includes(key)) continue;
    const isRetired = provider === "azure" && retired.includes(key);
    problems.add({
      at: keyAt,
      path: joinPath(path, key),
      message: isRetired
        ? `"${key}" is of the HTTP Data Collector API, which Azure switched off on 14 September 2026. Make a data collection rule, and give its endpoint, dcr and stream.`
        : `${path} has no key "${key}".`,
      suggestion: isRetired ? undefined : nearest(key, all),
    });
  }
  const options = Object.entries(known).map(([today, written]) => {
    const [first, ...more] = written.flatMap((name) => entries.get(name) ?? []);
    for (const { key, keyAt } of more) {
      problems.add({
        at: keyAt,
        path: joinPath(path, key),
        message: `"${key}" says the same as "${first?.key}". Leave one of the two out.`,
      });
    }
    return optional(today, first?.value, first);
  });
  return entry(found.key, map(at, options), found.keyAt, found.comments);
}
