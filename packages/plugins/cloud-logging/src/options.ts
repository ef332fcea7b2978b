import {
  compileTemplate,
  type JsonValue,
  messageOf,
  parseSize,
  policyShape,
} from "@pipehooks/core";
import { z } from "zod";

export type CloudProvider = "aws" | "gcp" | "azure";

export interface CloudLoggingOptions {
  /** Whose log store. Only the client of this one is loaded. */
  readonly provider: CloudProvider;
  /** For `provider: "aws"`: CloudWatch Logs. */
  readonly aws?: AwsLogsOptions | undefined;
  /** For `provider: "gcp"`: Cloud Logging. */
  readonly gcp?: GcpLogsOptions | undefined;
  /** For `provider: "azure"`: Logs Ingestion of Azure Monitor. */
  readonly azure?: AzureLogsOptions | undefined;
  /** Template of what is written: an object or a text over the event. @default a flat object with all that the event says */
  readonly record?: JsonValue | undefined;
  /**
   * What becomes of a record that is larger than the provider takes: `cut` shortens its longest texts and says so in
   * them, `refuse` makes it a dead letter. @default "cut"
   */
  readonly oversize?: "cut" | "refuse" | undefined;
  /** One request to the provider, such as `"20s"`; less than the hook's `timeout`. @default "20s" */
  readonly requestTimeout?: string | undefined;
  /** Narrows how much goes into one call. */
  readonly batch?: CloudLoggingBatch | undefined;
}

export interface CloudLoggingBatch {
  /** Most records of a call. @default what the provider takes: 10 000 */
  readonly maxRecords?: number | undefined;
  /** Most bytes of a call as the provider counts them, a number or such as `"512KiB"`. @default what AWS and Azure take; 2 000 000 of the 9 900 000 that Google does */
  readonly maxBytes?: number | string | undefined;
  /** How long the first record of a call waits for others, such as `"1s"`. @default "1s" */
  readonly linger?: string | undefined;
}

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

export interface AzureLogsOptions {
  /** Logs ingestion URL of the data collection endpoint or of the rule itself. */
  readonly endpoint: string;
  /** Immutable id of the data collection rule: `dcr-…`. */
  readonly dcr: string;
  /** Name of a stream that the rule declares: `Custom-…`. */
  readonly stream: string;
  /** The table has the plan "Auxiliary": a call may span 30 minutes. @default false */
  readonly auxiliaryTable?: boolean | undefined;
  /** With `clientId` and `clientSecret`, instead of the usual chain (environment, workload and managed identity, az login). */
  readonly tenantId?: string | undefined;
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  /** Where to sign in. @default by the endpoint's cloud: https://login.microsoftonline.com, .us or login.chinacloudapi.cn */
  readonly authorityHost?: string | undefined;
  /** PEM of the certificates to trust, instead of the system's. */
  readonly ca?: string | undefined;
}

// Rules between options are checked also where a single option is wrong: all is reported at once.
const always = {
  when: ({ value }: { value: unknown }) => typeof value === "object" && value !== null,
};

/** The days that PutRetentionPolicy takes. */
const retentionDays = [
  ...[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192],
  ...[2557, 2922, 3288, 3653],
];
/** Of one call, by provider: what `batch` may ask for. */
export const mostRecords = 10_000;
export const mostBytes: Readonly<Record<CloudProvider, number>> = {
  aws: 1_048_576,
  // 10 MB, whichever is meant, with room for what gRPC adds.
  gcp: 9_900_000,
  azure: 1_000_000,
};

const url = z.string().superRefine((text, context) => {
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (parsed?.protocol !== "https:" && parsed?.protocol !== "http:") {
    add(context, [], "is not an https URL, such as https://logs.example.com");
  } else if (parsed.username !== "" || parsed.password !== "") {
    add(context, [], "has a user or password in it");
  }
});
const given = z.string().min(1);
const texts = z.record(z.string(), z.string());
const template = z.json().superRefine((value, context) => {
  const isText = typeof value === "string";
  if (!isText && (typeof value !== "object" || value === null || Array.isArray(value))) {
    add(context, [], "is neither an object nor a text");
  }
  check(context, [], () => compileTemplate(value));
});

const aws = z
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

const gcp = z
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

const azure = z
  .strictObject({
    endpoint: url
      .refine((text) => !text.startsWith("http:"), {
        error: "is plain http, which Azure's client refuses; use https",
      })
      .describe("Logs ingestion URL"),
    dcr: z
      .string()
      .regex(/^dcr-[\w-]+$/, 'is no immutable id of a rule: it begins with "dcr-"')
      .describe("Immutable id of the data collection rule"),
    stream: z
      .string()
      .regex(
        /^(?:Custom|Microsoft)-[\w-]+$/,
        'is no name of a stream, such as "Custom-PipelineEvents"',
      )
      .describe("A stream that the rule declares"),
    auxiliaryTable: z.boolean().optional().describe("The table's plan is Auxiliary. Default false"),
    tenantId: given.optional().describe("Default: the usual chain"),
    clientId: given.optional(),
    clientSecret: given.optional(),
    authorityHost: url.optional().describe("Where to sign in. Default: by the endpoint's cloud"),
    ca: z.string().includes("-----BEGIN CERTIFICATE-----").optional().describe("PEM to trust"),
  })
  .superRefine(({ tenantId, clientId, clientSecret }, context) => {
    together(context, { tenantId, clientId, clientSecret });
  }, always);

/** Checks {@link CloudLoggingOptions}; everything wrong is reported at once. */
export const cloudLoggingOptions: z.ZodType<CloudLoggingOptions, CloudLoggingOptions> = z
  .strictObject({
    provider: z.enum(["aws", "gcp", "azure"]).describe("Whose log store"),
    aws: aws.optional().describe("For provider aws: CloudWatch Logs"),
    gcp: gcp.optional().describe("For provider gcp: Cloud Logging"),
    azure: azure.optional().describe("For provider azure: Logs Ingestion of Azure Monitor"),
    record: template.optional().describe("Template of what is written: an object or a text"),
    oversize: z
      .enum(["cut", "refuse"])
      .optional()
      .describe("What becomes of a record that is too large. Default cut"),
    requestTimeout: policyShape.timeout.describe("One request. Default 20s"),
    batch: z
      .strictObject({
        maxRecords: z
          .int()
          .min(1)
          .max(mostRecords, "is more than the 10 000 that go into one call")
          .optional()
          .describe("Most records of a call. Default 10000"),
        maxBytes: z
          .union([z.int().min(1), z.string().superRefine(checkSize)])
          .optional()
          .describe("Most bytes of a call. Default: what AWS and Azure take, 2000000 for Google"),
        linger: policyShape.retry
          .unwrap()
          .shape.base.describe("How long the first record waits for others. Default 1s"),
      })
      .optional(),
  })
  .superRefine((options, context) => {
    const { provider, batch } = options;
    if (!Object.hasOwn(mostBytes, String(provider))) return;
    if (options[provider] === undefined) {
      add(context, [provider], `is missing, where the provider "${provider}" is described`);
    }
    for (const other of ["aws", "gcp", "azure"] as const) {
      if (other === provider || options[other] === undefined) continue;
      add(context, [other], `stands beside the provider "${provider}"; one hook has one provider`);
    }
    const bytes = bytesOf(batch?.maxBytes);
    if (bytes !== undefined && bytes > mostBytes[provider]) {
      const most = mostBytes[provider];
      add(
        context,
        ["batch", "maxBytes"],
        `is more than the ${most} bytes of a call to ${provider}`,
      );
    }
  }, always);

/** Bytes of a size in either form; undefined where it is none. */
export function bytesOf(size: unknown): number | undefined {
  if (typeof size === "number") return size;
  try {
    return parseSize(String(size));
  } catch {
    return undefined;
  }
}

type Context = { addIssue(issue: { code: "custom"; path: PropertyKey[]; message: string }): void };

function add(context: Context, path: PropertyKey[], message: string): void {
  context.addIssue({ code: "custom", path, message });
}

function check(context: Context, path: PropertyKey[], parse: () => unknown): void {
  try {
    parse();
  } catch (error) {
    add(context, path, messageOf(error));
  }
}

function checkSize(text: string, context: Context): void {
  check(context, [], () => parseSize(text));
}

function checkHttp(
  { endpoint, allowHttp }: { endpoint?: unknown; allowHttp?: unknown },
  context: Context,
): void {
  if (String(endpoint).startsWith("http:") && allowHttp !== true) {
    add(context, ["endpoint"], 'is plain http; use https, or set "allowHttp"');
  }
}

/** Options of which either all are given or none. */
function together(context: Context, options: Readonly<Record<string, unknown>>): void {
  const names = Object.keys(options);
  const missing = names.filter((name) => options[name] === undefined);
  if (missing.length === 0 || missing.length === names.length) return;
  const there = names.filter((name) => !missing.includes(name)).map((name) => `"${name}"`);
  for (const name of missing) add(context, [name], `is missing beside ${there.join(" and ")}`);
}

function checkLabels(labels: Readonly<Record<string, string>>, context: Context): void {
  const names = Object.keys(labels);
  if (names.length > 64) add(context, [], `has ${names.length} labels; an entry takes 64`);
  for (const name of names) {
    if (Buffer.byteLength(name) > 512) add(context, [name], "is longer than 512 bytes");
    check(context, [name], () => compileTemplate(labels[name] ?? ""));
  }
}
