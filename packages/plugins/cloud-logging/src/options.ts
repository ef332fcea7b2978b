import { compileTemplate, type JsonValue, policyShape } from "@pipehooks/core";
import { z } from "zod";
import { type AwsLogsOptions, awsOptions } from "./aws-options.ts";
import { type AzureLogsOptions, azureOptions } from "./azure-options.ts";
import { batchOptions, bytesOf, type CloudLoggingBatch } from "./batch-options.ts";
import { type GcpLogsOptions, gcpOptions } from "./gcp-options.ts";
import { add, always, check } from "./option-rules.ts";

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
   * What becomes of a record that is larger than the provider takes, or on Azure has a column that is: `cut` shortens
   * its largest texts, lists and objects and says so in them, `refuse` makes it a dead letter. @default "cut"
   */
  readonly oversize?: "cut" | "refuse" | undefined;
  /** One request to the provider, such as `"20s"`; less than the hook's `timeout`. @default "20s" */
  readonly requestTimeout?: string | undefined;
  /** Narrows how much goes into one call. */
  readonly batch?: CloudLoggingBatch | undefined;
}

/** Of one call, by provider: what `batch.maxBytes` may ask for. */
export const mostBytes: Readonly<Record<CloudProvider, number>> = {
  aws: 1_048_576,
  // 10 MB, whichever is meant, with room for what gRPC adds.
  gcp: 9_900_000,
  azure: 1_000_000,
};

const template = z.json().superRefine((value, context) => {
  const isText = typeof value === "string";
  if (!isText && (typeof value !== "object" || value === null || Array.isArray(value))) {
    add(context, [], "is neither an object nor a text");
  }
  check(context, [], () => compileTemplate(value));
});

/** Checks {@link CloudLoggingOptions}; everything wrong is reported at once. */
export const cloudLoggingOptions: z.ZodType<CloudLoggingOptions, CloudLoggingOptions> = z
  .strictObject({
    provider: z.enum(["aws", "gcp", "azure"]).describe("Whose log store"),
    aws: awsOptions.optional().describe("For provider aws: CloudWatch Logs"),
    gcp: gcpOptions.optional().describe("For provider gcp: Cloud Logging"),
    azure: azureOptions.optional().describe("For provider azure: Logs Ingestion of Azure Monitor"),
    record: template.optional().describe("Template of what is written: an object or a text"),
    oversize: z
      .enum(["cut", "refuse"])
      .optional()
      .describe("What becomes of a record that is too large. Default cut"),
    requestTimeout: policyShape.timeout.describe("One request. Default 20s"),
    batch: batchOptions.optional(),
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
