import { eventFields } from "@pipehooks/core";
import { type Tree, toEntries } from "./tree.ts";

/** `${UPPER_CASE}` → the environment, `${event}` → the type, any other field → itself or null. */
export function rewrite(tree: Tree): Tree {
  if (tree.type === "list") return { ...tree, items: tree.items.map(rewrite) };
  if (tree.type === "map") {
    const entries = [...tree.entries.values()].map((one) => ({
      ...one,
      value: rewrite(one.value),
    }));
    return { ...tree, entries: toEntries(entries) };
  }
  if (typeof tree.value !== "string" || !tree.value.includes("${")) return tree;
  const value = tree.value.replaceAll(
    /(\$?)\$\{([^}]*)\}/g,
    (whole, dollar: string, inner: string) => (dollar === "" ? `\${${today(inner)}}` : whole),
  );
  return value === tree.value ? tree : { ...tree, value, offsetOf: undefined };
}

const renamed: Readonly<Record<string, string>> = {
  event: "type",
  event_type: "type",
  timestamp: "time",
  run_id: "runId",
  error: "error.message",
  error_message: "error.message",
};
const alwaysThere = ["id", "source", "type", "time"];

function today(inner: string): string {
  const [, name = "", fallback] = /^\s*([\w.-]+?)\s*(:-.*)?$/s.exec(inner) ?? [];
  if (name === "") return inner;
  if (/^[A-Z][A-Z0-9_]*$/.test(name)) return `env:${name}${fallback ?? ""}`;
  const path = pathOf(name.replace(/^event\./, ""));
  return alwaysThere.includes(path) ? path : `${path}${fallback ?? ":-null"}`;
}

function pathOf(name: string): string {
  const known = Object.hasOwn(renamed, name) ? renamed[name] : undefined;
  if (known !== undefined) return known;
  return eventFields.includes(name.split(".")[0] ?? "") ? name : `metadata.${name}`;
}

/** There durations are numbers of seconds. */
export function toSeconds(tree: Tree): Tree {
  const written = rewrite(tree);
  if (written.type !== "scalar") return written;
  if (
    typeof written.value === "number" ||
    /^(?:\d+(?:\.\d+)?|\$\{.*\})$/.test(String(written.value))
  ) {
    return { ...written, value: `${written.value}s`, offsetOf: undefined };
  }
  return written;
}
