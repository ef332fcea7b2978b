import {
  compileTemplate,
  HookError,
  type JsonValue,
  optionName,
  type TemplateScope,
} from "@pipehooks/core";
import { z } from "zod";

/** What run-now takes besides the job: the recommended parameters, and the older ones by the sort of task. */
export interface StartParameters {
  /** Parameters declared on the job: name to template. The recommended way. */
  readonly jobParameters?: Readonly<Record<string, JsonValue>> | undefined;
  /** Older, for notebook tasks: name to template; at most 10,000 bytes as JSON. */
  readonly notebookParams?: Readonly<Record<string, JsonValue>> | undefined;
  /** Older, for Python wheel tasks: name to template. */
  readonly pythonNamedParams?: Readonly<Record<string, JsonValue>> | undefined;
  /** Older, for SQL tasks: name to template. */
  readonly sqlParams?: Readonly<Record<string, JsonValue>> | undefined;
  /** Older, for Python script tasks: templates; ASCII, at most 10,000 bytes as JSON. */
  readonly pythonParams?: readonly JsonValue[] | undefined;
  /** Older, for JAR tasks: templates; at most 10,000 bytes as JSON. */
  readonly jarParams?: readonly JsonValue[] | undefined;
  /** Older, for spark-submit tasks: templates; ASCII, at most 10,000 bytes as JSON. */
  readonly sparkSubmitParams?: readonly JsonValue[] | undefined;
  /** Older, for dbt tasks: templates of commands. */
  readonly dbtCommands?: readonly JsonValue[] | undefined;
  /** For pipeline tasks. */
  readonly pipelineParams?: PipelineParameters | undefined;
  /** Keys of the tasks to run; `+key` with what comes before it, `key+` with what comes after. @default all */
  readonly only?: readonly string[] | undefined;
  /** Whether a run waits where no further one may run at once. @default as the job says */
  readonly queue?: boolean | undefined;
  /** Of serverless compute. @default as the job says */
  readonly performanceTarget?: "STANDARD" | "PERFORMANCE_OPTIMIZED" | undefined;
}

export interface PipelineParameters {
  readonly fullRefresh?: boolean | undefined;
  readonly refreshSelection?: readonly string[] | undefined;
  readonly fullRefreshSelection?: readonly string[] | undefined;
}

/** Options that are maps or lists of templates, with the names that the API has for them. */
const templated = {
  jobParameters: "job_parameters",
  notebookParams: "notebook_params",
  pythonNamedParams: "python_named_params",
  sqlParams: "sql_params",
  pythonParams: "python_params",
  jarParams: "jar_params",
  sparkSubmitParams: "spark_submit_params",
  dbtCommands: "dbt_commands",
} as const;

type Templated = keyof typeof templated;
/** Paths of options that are templates. */
export const templatedOptions: readonly string[] = Object.keys(templated);

/** databricks-sdk-py `service/jobs.py` states it for these. */
const limited: readonly Templated[] = [
  "notebookParams",
  "pythonParams",
  "jarParams",
  "sparkSubmitParams",
];
const mostBytes = 10_000;
const asciiOnly: readonly Templated[] = ["pythonParams", "sparkSubmitParams"];

const template = z.json().superRefine((value, context) => {
  try {
    compileTemplate(value);
  } catch (error) {
    context.addIssue({ code: "custom", message: error instanceof Error ? error.message : "" });
  }
});
const templates = z.record(z.string(), template).optional();
const templateList = z.array(template).optional();
const names = z.array(z.string().min(1)).min(1).optional();

/** Shape of {@link StartParameters}. */
export const startShape = {
  jobParameters: templates.describe("Templates of the job's parameters"),
  notebookParams: templates.describe("Older: templates for notebook tasks, 10,000 bytes in all"),
  pythonNamedParams: templates.describe("Older: templates for Python wheel tasks"),
  sqlParams: templates.describe("Older: templates for SQL tasks"),
  pythonParams: templateList.describe("Older: templates for Python script tasks"),
  jarParams: templateList.describe("Older: templates for JAR tasks"),
  sparkSubmitParams: templateList.describe("Older: templates for spark-submit tasks"),
  dbtCommands: templateList.describe("Older: templates of commands for dbt tasks"),
  pipelineParams: z
    .strictObject({
      fullRefresh: z.boolean().optional(),
      refreshSelection: names,
      fullRefreshSelection: names,
    })
    .optional()
    .describe("For pipeline tasks"),
  only: names.describe("Keys of the tasks to run; +key with those before, key+ with those after"),
  queue: z.boolean().optional().describe("Whether a run may wait for others. Default: as the job"),
  performanceTarget: z
    .enum(["STANDARD", "PERFORMANCE_OPTIMIZED"])
    .optional()
    .describe("Of serverless compute. Default: as the job"),
};

/** Makes the body of run-now but for the job and the token. */
export type RenderStart = (scope: TemplateScope) => { readonly [key: string]: JsonValue };

/** Compiles parameters once; what belongs to one job stands before what belongs to all. */
export function compileStart(own: StartParameters, common: StartParameters): RenderStart {
  const parts = (Object.keys(templated) as Templated[]).flatMap((option) => {
    const value = merged(common[option], own[option]);
    if (value === undefined) return [];
    return [{ option, render: compileTemplate(value).render }];
  });
  const fixed = fixedPart({ ...withoutUndefined(common), ...withoutUndefined(own) });
  return (scope) => {
    const body: Record<string, JsonValue> = { ...fixed };
    for (const { option, render } of parts) body[templated[option]] = toTexts(render(scope));
    for (const { option } of parts) checkLimits(option, body[templated[option]] as JsonValue);
    return body;
  };
}

function merged(
  common: StartParameters[Templated],
  own: StartParameters[Templated],
): JsonValue | undefined {
  if (common === undefined || own === undefined) return own ?? common;
  // A list is a whole; of maps the names of both are given.
  return Array.isArray(own) ? own : { ...common, ...own };
}

function fixedPart(parameters: StartParameters): Record<string, JsonValue> {
  const { pipelineParams: pipeline, only, queue, performanceTarget } = parameters;
  return {
    ...(pipeline !== undefined && {
      pipeline_params: {
        ...(pipeline.fullRefresh !== undefined && { full_refresh: pipeline.fullRefresh }),
        ...(pipeline.refreshSelection && { refresh_selection: pipeline.refreshSelection }),
        ...(pipeline.fullRefreshSelection && {
          full_refresh_selection: pipeline.fullRefreshSelection,
        }),
      },
    }),
    ...(only !== undefined && { only }),
    ...(queue !== undefined && { queue: { enabled: queue } }),
    ...(performanceTarget !== undefined && { performance_target: performanceTarget }),
  };
}

function withoutUndefined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(value).filter(([, item]) => item !== undefined),
  ) as Partial<T>;
}

/** The API takes text only. */
function toTexts(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(toText);
  return Object.fromEntries(Object.entries(value ?? {}).map(([key, item]) => [key, toText(item)]));
}

function toText(value: JsonValue): string {
  if (value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function checkLimits(option: Templated, value: JsonValue): void {
  const text = JSON.stringify(value);
  const bytes = Buffer.byteLength(text);
  if (limited.includes(option) && bytes > mostBytes) {
    throw new HookError(
      "REQUEST_INVALID",
      `${optionName(option)} takes ${bytes} bytes as JSON for this event; Databricks takes ${mostBytes}. ` +
        `Pass less, or use ${optionName("jobParameters")}.`,
    );
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII has them
  if (asciiOnly.includes(option) && /[^\x00-\x7f]/.test(text)) {
    throw new HookError(
      "REQUEST_INVALID",
      `${optionName(option)} has more than ASCII for this event, which Databricks does not take there. ` +
        `Use ${optionName("jobParameters")}.`,
    );
  }
}
