import { definePlugin, type Plugin } from "@pipehooks/core";
import { cloudLogging } from "./cloud-logging.ts";
import { version } from "./version.ts";

export type { AwsLogsOptions } from "./aws-options.ts";
export type { AzureLogsOptions } from "./azure-options.ts";
export type { CloudLoggingBatch } from "./batch-options.ts";
export type { GcpLogsOptions } from "./gcp-options.ts";
export type { CloudLoggingOptions, CloudProvider } from "./options.ts";
export { severityOf } from "./severity.ts";
export { cloudLogging };

const plugin: Plugin = definePlugin({
  name: "@pipehooks/cloud-logging",
  version,
  core: `^${version}`,
  hooks: [cloudLogging],
});
export default plugin;
