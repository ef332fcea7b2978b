import {
  compilePatterns,
  compileTemplate,
  type JsonValue,
  messageOf,
  type RemoteRunOptions,
  remoteRunShape,
} from "@pipehooks/core";
import { z } from "zod";
import { parseHost } from "./host.ts";
import type { DbtMapping } from "./mapping.ts";
import type { DbtOverrides } from "./overrides.ts";
import { isSelector, selectionMark } from "./selection.ts";

export interface DbtCloudRunOptions extends RemoteRunOptions, DbtOverrides {
  /** The account's access URL: `ab123.us1.dbt.com`. It belongs to the account, so there is no default. */
  readonly host: string;
  /** A personal access token or a service token, alone. */
  readonly token: string;
  /** Word before the token in the Authorization header; dbt Cloud takes both. @default "Token" */
  readonly tokenScheme?: "Token" | "Bearer" | undefined;
  readonly accountId: string | number;
  /** The job to run, unless a mapping names another; a template over the event. */
  readonly job?: string | number | undefined;
  /**
   * What to run for which source or connector: exact names first, then globs in order. An event without an entry starts
   * nothing; `"*": {}` takes all others. A number is a job, a text or a list are selectors.
   */
  readonly mappings?:
    | Readonly<Record<string, string | number | readonly string[] | DbtMapping>>
    | undefined;
  /** Paths in the event whose value is looked up in `mappings`, the first one that it has. @default metadata.connector, metadata.source, pipeline */
  readonly mapBy?: string | readonly string[] | undefined;
  /** What to build: selectors of dbt, templates over each event. Those of all events of a delivery are united. @default all that the job does */
  readonly select?: string | readonly string[] | undefined;
  /** Commands instead of the job's own, templates over the event; `{selection}` is where the selectors go. @default "dbt build --select {selection}" where something is selected */
  readonly stepsOverride?: readonly string[] | undefined;
  /** Why it runs, as people see it in dbt Cloud; a marker is added. @default "<type> of <pipeline> (<hook>)" */
  readonly cause?: string | undefined;
  /** Whether results of nodes and freshness are read when a run has ended, and put into the event. @default true */
  readonly results?: boolean | undefined;
  /** With `retryRun`: which failures are worth another run. `transient`: all nodes that failed did so by something that passes, such as a lost connection. @default "transient" */
  readonly retryOn?: "transient" | "any" | undefined;
  /** Lets `host` be plain http on another machine than this one. @default false */
  readonly allowHttp?: boolean | undefined;
}

/** {@link DbtCloudRunOptions} after the check: short forms are written out. */
export interface CheckedDbtCloudRun extends Omit<DbtCloudRunOptions, "accountId" | "mappings"> {
  readonly accountId: string;
  readonly mappings?: Readonly<Record<string, DbtMapping>> | undefined;
}

const id = z.union([
  z.int().positive(),
  z.string().regex(/^\d{1,19}$/, "is no id; it is the number in the address of the page"),
]);
const template = z.string().min(1).superRefine(checkTemplate);
const jobId = z.union([
  z.int().positive(),
  z
    .string()
    .regex(/^(?:\d{1,19}|.*\$\{.*)$/, "is no id of a job")
    .superRefine(checkTemplate),
]);
const selector = template.superRefine((text, context) => {
  if (text.includes("${") || isSelector(text)) return;
  add(
    context,
    [],
    "is no selector of dbt; write one selector an entry, without spaces and without a dash in front",
  );
});
const selectors = z.union([selector, z.array(selector).min(1)]);
const pullRequest = z.union([z.int().positive(), template]).optional();
const mapping = z.union([
  z.int().positive(),
  selector,
  z.array(selector).min(1),
  z.strictObject({ job: jobId.optional(), select: selectors.optional() }),
]);
const path = z
  .string()
  .regex(/^[A-Za-z_][\w-]*(?:\.[\w-]+)*$/, "is no path; write field names joined by dots");

// Rules between options are checked also where a single option is wrong: all is reported at once.
const always = {
  when: ({ value }: { value: unknown }) =>
    typeof value === "object" && value !== null && !Array.isArray(value),
};

const shape = z
  .strictObject({
    host: z
      .string()
      .superRefine((text, context) => check(context, () => parseHost(text)))
      .describe("The account's access URL, such as ab123.us1.dbt.com"),
    token: z
      .string()
      .regex(
        /^[\x21-\x7e]+$/,
        "is empty or has more than a token; write it alone, without Token or Bearer",
      )
      .describe("Personal access token or service token"),
    tokenScheme: z.enum(["Token", "Bearer"]).optional().describe("Default Token"),
    accountId: id.describe("Number of the account"),
    job: jobId.optional().describe("Job to run"),
    mappings: z
      .record(z.string().min(1).superRefine(checkGlob), mapping)
      .optional()
      .describe("What to run for which source or connector"),
    mapBy: z
      .union([path, z.array(path).min(1)])
      .optional()
      .describe("Paths in the event that mappings look up"),
    select: selectors.optional().describe("Selectors of dbt, united over all events"),
    stepsOverride: z
      .array(template)
      .min(1)
      .max(50)
      .optional()
      .describe("Commands instead of the job's own; {selection} is where the selectors go"),
    cause: template.optional().describe("Why it runs, as people see it"),
    gitSha: template.optional(),
    gitBranch: template.optional(),
    schemaOverride: template.optional(),
    targetNameOverride: template.optional(),
    dbtVersionOverride: template.optional(),
    threadsOverride: z.int().positive().optional(),
    timeoutSecondsOverride: z.int().positive().optional(),
    generateDocsOverride: z.boolean().optional(),
    azurePullRequestId: pullRequest,
    githubPullRequestId: pullRequest,
    gitlabMergeRequestId: pullRequest,
    nonNativePullRequestId: pullRequest,
    results: z.boolean().optional().describe("Read results of nodes and freshness. Default true"),
    retryOn: z.enum(["transient", "any"]).optional().describe("Default transient"),
    allowHttp: z.boolean().optional().describe("Plain http to another machine. Default false"),
    ...remoteRunShape,
    poll: remoteRunShape.poll.describe("Waits between two looks: first, longest. Default 10s, 60s"),
  })
  .superRefine((options, context) => {
    const mappings: [string, unknown][] = Object.entries(Object(options.mappings));
    if (options.job === undefined && mappings.length === 0) {
      add(context, ["job"], 'is missing; name a job, or give "mappings" with a job each');
    }
    if (options.job === undefined) {
      for (const [name, value] of mappings) {
        if (typeof value !== "number" && Object(value).job === undefined) {
          add(context, ["mappings", name], 'names no job, and there is no "job" for all');
        }
      }
    }
    if (options.mapBy !== undefined && options.mappings === undefined) {
      add(context, ["mapBy"], 'is not used without "mappings"');
    }
    if (options.retryOn !== undefined && (options.retryRun ?? 0) === 0) {
      add(context, ["retryOn"], 'is not used without "retryRun"');
    }
    if (options.results === false && (options.retryRun ?? 0) !== 0 && options.retryOn !== "any") {
      add(
        context,
        ["results"],
        'is false, and only results tell which failures pass: "retryRun" would start nothing; leave it out, or set "retryOn" to "any"',
      );
    }
    const steps: unknown[] = Array.isArray(options.stepsOverride) ? options.stepsOverride : [];
    const takes = steps.some((step) => String(step).includes(selectionMark));
    const selects =
      options.select !== undefined || mappings.some(([, value]) => selectsSomething(value));
    if (steps.length > 0 && selects && !takes) {
      add(
        context,
        ["stepsOverride"],
        `has no ${selectionMark}, so what is selected would not be used`,
      );
    }
    if (takes && !selects) {
      add(context, ["select"], `is missing, which goes where ${selectionMark} stands`);
    }
    const host = typeof options.host === "string" ? options.host : "";
    if (/^http:/i.test(host) && options.allowHttp !== true && !isThisMachine(host)) {
      add(
        context,
        ["host"],
        'is plain http, so anybody on the way could read the token; use https, or set "allowHttp"',
      );
    }
  }, always);

/** Checks {@link DbtCloudRunOptions}; everything wrong is reported at once. */
export const dbtCloudRunOptions: z.ZodType<CheckedDbtCloudRun, DbtCloudRunOptions> =
  shape.transform(
    ({ accountId, mappings, ...rest }): CheckedDbtCloudRun => ({
      ...rest,
      accountId: String(accountId),
      ...(mappings !== undefined && {
        mappings: Object.fromEntries(
          Object.entries(mappings).map(([name, value]) => [name, toMapping(value)]),
        ),
      }),
    }),
  );

function toMapping(value: string | number | readonly string[] | DbtMapping): DbtMapping {
  if (typeof value === "number") return { job: value };
  if (typeof value === "string" || isList(value)) return { select: value };
  return value;
}

// Array.isArray does not narrow readonly arrays.
function isList(value: readonly string[] | DbtMapping): value is readonly string[] {
  return Array.isArray(value);
}

function selectsSomething(value: unknown): boolean {
  return typeof value === "string" || Array.isArray(value) || Object(value).select !== undefined;
}

function isThisMachine(host: string): boolean {
  return /^http:\/\/(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?:[:/]|$)/i.test(host);
}

type Context = { addIssue(issue: { code: "custom"; path: PropertyKey[]; message: string }): void };

function add(context: Context, path: PropertyKey[], message: string): void {
  context.addIssue({ code: "custom", path, message });
}

function check(context: Context, parse: () => unknown): void {
  try {
    parse();
  } catch (error) {
    add(context, [], messageOf(error));
  }
}

function checkTemplate(text: JsonValue, context: Context): void {
  check(context, () => compileTemplate(text));
}

function checkGlob(text: string, context: Context): void {
  check(context, () => compilePatterns([text]));
}
