import { createBatchHook, defineHook, type HookFactory } from "@pipehooks/core";
import { limitsOf } from "./limits.ts";
import { type CloudLoggingOptions, cloudLoggingOptions } from "./options.ts";
import { providerOf } from "./providers.ts";

/**
 * Writes events to the log store of one cloud, many in one call: CloudWatch Logs, Cloud Logging, or Azure Monitor by
 * its Logs Ingestion API. Each event is known to be written, refused with a reason, or tried again.
 * @throws HookError HOOK_OPTIONS_INVALID, PACKAGE_MISSING when the hook is made
 * @example
 * cloudLogging({ provider: "aws", aws: { logGroup: "/pipelines/prod", region: "eu-west-1" } })
 */
export const cloudLogging: HookFactory<CloudLoggingOptions> = defineHook({
  name: "cloud-logging",
  options: cloudLoggingOptions,
  needs: (options) => providerOf(options).packages,
  destination: (options) => providerOf(options).target,
  secrets: (options) => providerOf(options).secrets,
  templates: ["record", "gcp.labels"],
  batch: limitsOf,
  // One call after the other: order is kept, and no more than one call's records are in memory twice.
  policy: { concurrency: 1 },
  async create(options, context) {
    const cloud = await providerOf(options).open(context);
    return createBatchHook(cloud, {
      render: cloud.render,
      answered: cloud.answered,
      check: cloud.check,
      [Symbol.asyncDispose]: cloud.close,
    });
  },
});
