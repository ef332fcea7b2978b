import {
  compileTemplate,
  type Delivery,
  HookError,
  type JsonObject,
  type JsonValue,
  optionName,
  toTemplateScope,
} from "@pipehooks/core";

/** Overrides of a run besides its steps; texts are templates over the event. */
export interface DbtOverrides {
  readonly gitSha?: string | undefined;
  readonly gitBranch?: string | undefined;
  readonly schemaOverride?: string | undefined;
  readonly targetNameOverride?: string | undefined;
  readonly dbtVersionOverride?: string | undefined;
  readonly threadsOverride?: number | undefined;
  readonly timeoutSecondsOverride?: number | undefined;
  readonly generateDocsOverride?: boolean | undefined;
  readonly azurePullRequestId?: number | string | undefined;
  readonly githubPullRequestId?: number | string | undefined;
  readonly gitlabMergeRequestId?: number | string | undefined;
  readonly nonNativePullRequestId?: number | string | undefined;
}

/** How each is called in the body of the trigger. */
const overrideNames = {
  gitSha: "git_sha",
  gitBranch: "git_branch",
  schemaOverride: "schema_override",
  targetNameOverride: "target_name_override",
  dbtVersionOverride: "dbt_version_override",
  threadsOverride: "threads_override",
  timeoutSecondsOverride: "timeout_seconds_override",
  generateDocsOverride: "generate_docs_override",
  azurePullRequestId: "azure_pull_request_id",
  githubPullRequestId: "github_pull_request_id",
  gitlabMergeRequestId: "gitlab_merge_request_id",
  nonNativePullRequestId: "non_native_pull_request_id",
} as const satisfies Record<keyof DbtOverrides, string>;

/** Those that say where a run builds and from what: runs that differ in one of them build something else. */
export const placeNames: readonly string[] = [
  "git_sha",
  "git_branch",
  "schema_override",
  "target_name_override",
];

/**
 * Makes the overrides of a body.
 * @throws HookError TEMPLATE_FIELD_MISSING; REQUEST_INVALID where the id of a pull request is no number
 */
export function createOverrides(options: DbtOverrides): (delivery: Delivery) => JsonObject {
  const entries = Object.entries(overrideNames).flatMap(([option, name]) => {
    const value = options[option as keyof DbtOverrides];
    return value === undefined ? [] : [{ option, name, template: compileTemplate(value) }];
  });
  return (delivery) => {
    const scope = toTemplateScope(delivery);
    return Object.fromEntries(
      entries.map(({ option, name, template }) => [name, fit(option, template.render(scope))]),
    );
  };
}

const numeric: ReadonlySet<string> = new Set(["threadsOverride", "timeoutSecondsOverride"]);

function fit(option: string, value: JsonValue): JsonValue {
  if (numeric.has(option) || typeof value === "boolean") return value;
  if (!option.endsWith("RequestId")) return typeof value === "string" ? value : String(value);
  const id = Number(value);
  if (Number.isSafeInteger(id) && id > 0) return id;
  throw new HookError(
    "REQUEST_INVALID",
    `dbt: ${optionName(option)} is ${JSON.stringify(value)}, and it must be the number of a pull request.`,
  );
}
