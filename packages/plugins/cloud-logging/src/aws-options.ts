import { z } from "zod";
import { add, always, checkHttp, given, texts, together, url } from "./option-rules.ts";

export interface AwsLogsOptions {
  /** Name of the log group. */
  readonly logGroup: string;
  /** Name of the log stream. @default host, process and time of its start: one stream a process */
  readonly logStream?: string | undefined;
  /** Makes the group where it is missing. @default false */
  readonly createGroup?: boolean | undefined;
  /** Makes the stream where it is missing. @default true */
  readonly createStream?: boolean | undefined;
  /** How long the group keeps events, in days: set on a group that is made here, and nothing older is sent. */
  readonly retentionDays?: number | undefined;
  /** What the events are about, for the console's "Explore related". */
  readonly entity?: AwsEntity | undefined;
  /** Such as `eu-west-1`. @default the usual chain: AWS_REGION, the profile */
  readonly region?: string | undefined;
  /** URL of another endpoint, such as that of a VPC. */
  readonly endpoint?: string | undefined;
  /** Lets `endpoint` be plain http. @default false */
  readonly allowHttp?: boolean | undefined;
  /** With `secretAccessKey`, instead of the usual chain (environment, profile, role). */
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  readonly sessionToken?: string | undefined;
}

export interface AwsEntity {
  /** `Type`, `Name`, `Environment`, `ResourceType`, `Identifier` … */
  readonly keyAttributes?: Readonly<Record<string, string>> | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
}

/** The days that PutRetentionPolicy takes. */
const retentionDays = [
  ...[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192],
  ...[2557, 2922, 3288, 3653],
];

/** Checks {@link AwsLogsOptions}. */
export const awsOptions: z.ZodType<AwsLogsOptions, AwsLogsOptions> = z
  .strictObject({
    logGroup: z
      .string()
      .regex(
        /^[.\-_/#A-Za-z0-9]{1,512}$/,
        "is no name of a group: 1 to 512 of A-Z a-z 0-9 . - _ / #",
      )
      .describe("Name of the log group"),
    logStream: z
      .string()
      .regex(/^[^:*]{1,512}$/, "is no name of a stream: 1 to 512 characters without : and *")
      .refine((text) => !text.includes("${"), {
        error: "is no template: a call goes into one stream. Make a hook for each",
      })
      .optional()
      .describe("Name of the log stream. Default: one for each process"),
    createGroup: z.boolean().optional().describe("Make the group if missing. Default false"),
    createStream: z.boolean().optional().describe("Make the stream if missing. Default true"),
    retentionDays: z
      .int()
      .refine((days) => retentionDays.includes(days), {
        error: `is none that CloudWatch Logs takes: ${retentionDays.join(" ")}`,
      })
      .optional()
      .describe("How long the group keeps events; nothing older is sent"),
    entity: z
      .strictObject({
        keyAttributes: texts.optional().describe("Type, Name, Environment …"),
        attributes: texts.optional(),
      })
      .optional()
      .describe("What the events are about"),
    region: given.optional().describe("Default: AWS_REGION, the profile"),
    endpoint: url.optional().describe("URL of another endpoint"),
    allowHttp: z.boolean().optional().describe("Let endpoint be plain http. Default false"),
    accessKeyId: given.optional().describe("Default: the usual chain"),
    secretAccessKey: given.optional(),
    sessionToken: given.optional(),
  })
  .superRefine((options, context) => {
    checkHttp(options, context);
    const { accessKeyId, secretAccessKey, sessionToken } = options;
    together(context, { accessKeyId, secretAccessKey });
    if (sessionToken !== undefined && accessKeyId === undefined) {
      add(context, ["accessKeyId"], 'is missing beside "sessionToken"');
    }
  }, always);
