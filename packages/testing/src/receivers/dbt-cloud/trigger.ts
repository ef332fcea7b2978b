import type { JsonObject } from "@pipehooks/core";
import type { DbtRunTrigger } from "./runs.ts";

/** What is kept of a cause. */
const longestCause = 255;

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  cause: isText,
  steps_override: (value) => Array.isArray(value) && value.length > 0 && value.every(isText),
  git_sha: isText,
  git_branch: isText,
  schema_override: isText,
  target_name_override: isText,
  dbt_version_override: isText,
  threads_override: Number.isInteger,
  timeout_seconds_override: Number.isInteger,
  generate_docs_override: (value) => typeof value === "boolean",
  azure_pull_request_id: Number.isInteger,
  github_pull_request_id: Number.isInteger,
  gitlab_merge_request_id: Number.isInteger,
  non_native_pull_request_id: Number.isInteger,
};

/** The body of a trigger; a text says what is wrong with it. */
export function readDbtTrigger(text: string): DbtRunTrigger | string {
  const body = parse(text);
  if (body === undefined) return "The body is no JSON object.";
  if (body.cause === undefined) return "cause: This field is required.";
  for (const [name, value] of Object.entries(body)) {
    const fits = types[name];
    if (fits === undefined) return `${name}: This field is not known.`;
    if (value !== null && !fits(value)) return `${name}: Not a valid value.`;
  }
  return {
    cause: String(body.cause).slice(0, longestCause),
    causeCategory: "api",
    ...(body.steps_override && { stepsOverride: body.steps_override as readonly string[] }),
    body,
  };
}

function parse(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value.length > 0;
}
