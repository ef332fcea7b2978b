import {
  compilePatterns,
  compileTemplate,
  type JsonObject,
  messageOf,
  policyShape,
} from "@pipehooks/core";
import { z } from "zod";
import { isSelector } from "./selection.ts";

export interface DbtCoreOptions {
  /** Folder with `dbt_project.yml`; dbt runs in it. */
  readonly projectDir: string;
  /** The program, with leading arguments where something starts it: `["uv", "run", "dbt"]`. @default "dbt" */
  readonly program?: string | readonly string[] | undefined;
  /** @default "build" */
  readonly command?: DbtCommand | undefined;
  /** What to build: selectors of dbt, templates over each event. Those of all events of a delivery are united. @default everything */
  readonly select?: string | readonly string[] | undefined;
  /** What to leave out: selectors of dbt, the same for every event. */
  readonly exclude?: string | readonly string[] | undefined;
  /** Selectors by source or connector: exact names first, then globs in order; an event without an entry starts nothing. */
  readonly mappings?: Readonly<Record<string, string | readonly string[]>> | undefined;
  /** Paths in the event whose value is looked up in `mappings`, the first one that it has. @default metadata.connector, metadata.source, pipeline */
  readonly mapBy?: string | readonly string[] | undefined;
  /** Folder with `profiles.yml`. @default where dbt looks for it */
  readonly profilesDir?: string | undefined;
  readonly profile?: string | undefined;
  /** Name of a target in the profile; a template over the event. */
  readonly target?: string | undefined;
  /** Folder for what dbt writes, seen from the project. @default as dbt: DBT_TARGET_PATH, `target-path` of the project, "target" */
  readonly targetPath?: string | undefined;
  readonly threads?: number | undefined;
  /** Variables of the project; texts are templates over the event. */
  readonly vars?: JsonObject | undefined;
  /** For `build`, `run`, `seed` and `compile`. @default false */
  readonly fullRefresh?: boolean | undefined;
  /** Further arguments, as they are. */
  readonly args?: readonly string[] | undefined;
  /** On top of the environment of this process. Values whose names speak of a secret, a password, a token or a key are hidden. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** After this the command is ended, and `dbt.run.cancelled` emitted. @default "6h" */
  readonly deadline?: string | undefined;
  /** How long dbt may take to end by itself when it is told to, before it is killed. @default "10s" */
  readonly grace?: string | undefined;
  /** How often the command is run again after a failure of nodes that passes, such as a lost connection. @default 0 */
  readonly retryRun?: number | undefined;
}

const commands = [
  "build",
  "run",
  "test",
  "seed",
  "snapshot",
  "compile",
  "source freshness",
] as const;

/** Those that know `--full-refresh`. */
const refreshing: ReadonlySet<DbtCommand> = new Set(["build", "run", "seed", "compile"]);

export type DbtCommand = (typeof commands)[number];

const duration = policyShape.timeout;
const text = z.string().min(1);
const template = text.superRefine((value, context) =>
  check(context, () => void compileTemplate(value)),
);
const notSelector =
  "is no selector of dbt; write one selector an entry, without spaces and without a dash in front";
const selector = template.superRefine((value, context) => {
  if (value.includes("${") || isSelector(value)) return;
  context.addIssue({ code: "custom", message: notSelector });
});
const selectors = z.union([selector, z.array(selector).min(1)]);
const fixedSelector = text.refine(isSelector, notSelector);
const path = text.regex(
  /^[A-Za-z_][\w-]*(?:\.[\w-]+)*$/,
  "is no path; write field names joined by dots",
);

/** Checks {@link DbtCoreOptions}; everything wrong is reported at once. */
export const dbtCoreOptions: z.ZodType<DbtCoreOptions, DbtCoreOptions> = z
  .strictObject({
    projectDir: text.describe("Folder with dbt_project.yml"),
    program: z
      .union([text, z.array(text).min(1)])
      .optional()
      .describe("The program, with leading arguments. Default dbt"),
    command: z.enum(commands).optional().describe("Default build"),
    select: selectors.optional().describe("Selectors of dbt, united over all events"),
    exclude: z.union([fixedSelector, z.array(fixedSelector).min(1)]).optional(),
    mappings: z
      .record(
        text.superRefine((glob, context) => check(context, () => void compilePatterns([glob]))),
        selectors,
      )
      .optional()
      .describe("Selectors by source or connector"),
    mapBy: z
      .union([path, z.array(path).min(1)])
      .optional()
      .describe("Paths in the event that mappings look up"),
    profilesDir: text.optional().describe("Folder with profiles.yml"),
    profile: text.regex(/^[^-]/, "begins with a dash").optional(),
    target: template.optional().describe("Name of a target in the profile"),
    targetPath: text.optional().describe("Folder for what dbt writes. Default target"),
    threads: z.int().positive().optional(),
    vars: z
      .record(z.string(), z.json())
      .superRefine((value, context) => check(context, () => void compileTemplate(value)))
      .optional()
      .describe("Variables of the project"),
    fullRefresh: z.boolean().optional().describe("Default false"),
    args: z.array(text).optional().describe("Further arguments, as they are"),
    env: z
      .record(z.string().regex(/^[A-Za-z_]\w*$/, "is no name of a variable"), z.string())
      .optional(),
    deadline: duration.describe("Default 6h"),
    grace: duration.describe("Before dbt is killed. Default 10s"),
    retryRun: z.int().min(0).max(20).optional().describe("Default 0"),
  })
  .superRefine(({ command = "build", fullRefresh, mapBy, mappings }, context) => {
    if (mapBy !== undefined && mappings === undefined) {
      context.addIssue({
        code: "custom",
        path: ["mapBy"],
        message: 'is not used without "mappings"',
      });
    }
    if (fullRefresh === true && !refreshing.has(command)) {
      context.addIssue({
        code: "custom",
        path: ["fullRefresh"],
        message: `is nothing that "dbt ${command}" takes; leave it out`,
      });
    }
  });

type Context = { addIssue(issue: { code: "custom"; message: string }): void };

function check(context: Context, parse: () => void): void {
  try {
    parse();
  } catch (error) {
    context.addIssue({ code: "custom", message: messageOf(error) });
  }
}
