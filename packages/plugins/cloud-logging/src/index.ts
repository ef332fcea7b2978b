import { definePlugin, type Plugin } from "@pipehooks/core";
import { cloudLogging } from "./cloud-logging.ts";
import { version } from "./version.ts";

export type {
  AwsLogsOptions,
  AzureLogsOptions,
  CloudLoggingBatch,
  CloudLoggingOptions,
  CloudProvider,
  GcpLogsOptions,
} from "./options.ts";
export { severityOf } from "./severity.ts";
export { cloudLogging };

const plugin: Plugin = definePlugin({
  name: "@pipehooks/cloud-logging",
  version,
  core: `^${version}`,
  hooks: [cloudLogging],
});
export default plugin;
