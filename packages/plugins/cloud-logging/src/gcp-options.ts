import { compileTemplate } from "@pipehooks/core";
import { z } from "zod";
import {
  add,
  always,
  check,
  checkHttp,
  given,
  type IssueContext,
  texts,
  url,
} from "./option-rules.ts";

export interface GcpLogsOptions {
  /** Id of the project. */
  readonly projectId: string;
  /** Name of the log. @default "pipehooks" */
  readonly logName?: string | undefined;
  /** The monitored resource. @default { type: "global" } */
  readonly resource?: GcpResource | undefined;
  /** Labels by name; templates over the event. @default type, pipeline, flowgroup, action, table and run_id, as far as they are there */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** How long the log's bucket keeps entries, in days: Google takes older ones and does not keep them, so none is sent. @default 30 */
  readonly retentionDays?: number | undefined;
  /** Path of a service account's key (JSON), instead of the usual chain (GOOGLE_APPLICATION_CREDENTIALS, gcloud, metadata server). */
  readonly keyFile?: string | undefined;
  /** The same, its two fields. */
  readonly credentials?: { readonly clientEmail: string; readonly privateKey: string } | undefined;
  /** URL of another endpoint, such as `https://logging.eu.example.com`. */
  readonly endpoint?: string | undefined;
  /** Lets `endpoint` be plain http; no credentials are sent then. @default false */
  readonly allowHttp?: boolean | undefined;
}

export interface GcpResource {
  /** Such as `generic_task`. */
  readonly type: string;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** Checks {@link GcpLogsOptions}. */
export const gcpOptions: z.ZodType<GcpLogsOptions, GcpLogsOptions> = z
  .strictObject({
    projectId: z
      .string()
      .regex(/^[a-z][a-z0-9.:-]{4,60}$/, "is no id of a project, such as analytics-prod-1")
      .describe("Id of the project"),
    logName: z
      .string()
      .regex(/^[A-Za-z0-9/_.-]{1,511}$/, "is no name of a log: A-Z a-z 0-9 / _ - . only")
      .optional()
      .describe("Name of the log. Default pipehooks"),
    resource: z
      .strictObject({ type: given, labels: texts.optional() })
      .optional()
      .describe("The monitored resource. Default { type: global }"),
    labels: z
      .record(z.string(), z.string())
      .superRefine(checkLabels)
      .optional()
      .describe("Labels; templates over the event"),
    retentionDays: z
      .int()
      .min(1)
      .max(3650)
      .optional()
      .describe("How long the bucket keeps entries; nothing older is sent. Default 30"),
    keyFile: given.optional().describe("Key of a service account. Default: the usual chain"),
    credentials: z
      .strictObject({ clientEmail: given, privateKey: given })
      .optional()
      .describe("The same, its two fields"),
    endpoint: url.optional().describe("URL of another endpoint"),
    allowHttp: z.boolean().optional().describe("Let endpoint be plain http. Default false"),
  })
  .superRefine((options, context) => {
    checkHttp(options, context);
    if (options.keyFile !== undefined && options.credentials !== undefined) {
      add(context, ["credentials"], 'stands beside "keyFile"; write one of the two');
    }
  }, always);

function checkLabels(labels: Readonly<Record<string, string>>, context: IssueContext): void {
  const names = Object.keys(labels);
  if (names.length > 64) add(context, [], `has ${names.length} labels; an entry takes 64`);
  for (const name of names) {
    if (Buffer.byteLength(name) > 512) add(context, [name], "is longer than 512 bytes");
    check(context, [name], () => compileTemplate(labels[name] ?? ""));
  }
}
