import { z } from "zod";
import { always, given, isPlainHttp, together, url } from "./option-rules.ts";

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

/** Checks {@link AzureLogsOptions}. */
export const azureOptions: z.ZodType<AzureLogsOptions, AzureLogsOptions> = z
  .strictObject({
    endpoint: url
      .refine((text) => !isPlainHttp(text), {
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
