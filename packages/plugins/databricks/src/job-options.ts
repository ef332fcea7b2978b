import { compilePatterns, messageOf, type RemoteRunOptions, remoteRunShape } from "@pipehooks/core";
import { z } from "zod";
import {
  type Connection,
  connectionShape,
  type DatabricksConnection,
  resolveConnection,
} from "./connection.ts";
import type { JobId, JobMapping } from "./mapping.ts";
import { type StartParameters, startShape } from "./parameters.ts";
import { unwatchedProblems } from "./unwatched.ts";

export interface DatabricksJobOptions
  extends DatabricksConnection,
    StartParameters,
    RemoteRunOptions {
  /** The job to start, also for events that no mapping fits. */
  readonly jobId?: JobId | undefined;
  /** Jobs by the name that the event has at `mapBy`: exact names first, then globs in order. */
  readonly jobMappings?: Readonly<Record<string, JobMapping>> | undefined;
  /** Path in the event whose value is looked up in `jobMappings`. @default "pipeline" */
  readonly mapBy?: string | undefined;
  /** A run that is worth another try (`retryRun`) reruns its failed tasks only. @default false */
  readonly repair?: boolean | undefined;
}

/** Options with the connection found. */
export interface CheckedJobOptions extends DatabricksJobOptions {
  readonly connection: Connection;
}

const jobId = z.union(
  [
    z.string().regex(/^[1-9]\d{0,18}$/, "is no job id, which is digits"),
    z
      .int('is a number too long to be exact; write it in quotes, such as "9007199254740993"')
      .positive(),
  ],
  "is no job id; write its digits, in quotes where there are more than 15",
);

// Rules between options are checked also where a single option is wrong: all is reported at once.
const always = {
  when: ({ value }: { value: unknown }) => typeof value === "object" && value !== null,
};

/** Checks {@link DatabricksJobOptions}; everything wrong is reported at once. */
export const databricksJobOptions: z.ZodType<CheckedJobOptions, DatabricksJobOptions> = z
  .strictObject({
    ...connectionShape,
    jobId: jobId.optional().describe("The job to start, also for events that no mapping fits"),
    jobMappings: z
      .record(
        z.string().superRefine((pattern, context) => {
          try {
            compilePatterns([pattern]);
          } catch (error) {
            context.addIssue({ code: "custom", message: messageOf(error) });
          }
        }),
        z.union([jobId, z.strictObject({ jobId, ...startShape })]),
      )
      .optional()
      .describe("Jobs by the name that the event has at mapBy: exact names, then globs in order"),
    mapBy: z
      .string()
      .regex(/^[A-Za-z_][\w-]*(?:\.[\w-]+)*$/, "is no path, which is field names joined by dots")
      .optional()
      .describe("Path in the event that jobMappings are looked up by. Default pipeline"),
    ...startShape,
    ...remoteRunShape,
    repair: z
      .boolean()
      .optional()
      .describe("What retryRun tries again are the failed tasks only. Default false"),
  })
  .superRefine((options, context) => {
    const add = (path: PropertyKey[], message: string) =>
      context.addIssue({ code: "custom", path, message });
    for (const { option, message } of resolveConnection(options).problems ?? []) {
      add([option], message);
    }
    if (options.jobId === undefined && Object.keys(options.jobMappings ?? {}).length === 0) {
      add(["jobId"], 'is missing; write it, or "jobMappings"');
    }
    if (options.mapBy !== undefined && options.jobMappings === undefined) {
      add(["mapBy"], 'is not used without "jobMappings"');
    }
    if (options.repair === true && !((options.retryRun ?? 0) > 0)) {
      add(["repair"], 'is not used without "retryRun"');
    }
    // A deadline may stand there all the same: the lakehouse-plumber form brings one, whether it waits or not.
    for (const { path, message } of unwatchedProblems(options, ["retryRun", "repair"])) {
      add(path, message);
    }
    if (options.notebookParams !== undefined && options.jarParams !== undefined) {
      add(["jarParams"], 'stands beside "notebookParams", which Databricks does not take together');
    }
  }, always)
  .transform((options, context) => {
    const { connection } = resolveConnection(options);
    // Its problems have been reported above.
    if (connection === undefined) return z.NEVER;
    void context;
    return { ...options, connection };
  });
