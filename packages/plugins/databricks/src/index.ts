import { definePlugin, type EventTypes, type Plugin, remoteRunEvents } from "@pipehooks/core";
import { databricksJob } from "./job.ts";
import { databricksSql } from "./sql.ts";
import { version } from "./version.ts";

export type { DatabricksConnection } from "./connection.ts";
export type { DatabricksJobOptions } from "./job-options.ts";
export type { JobId, JobMapping } from "./mapping.ts";
export type { PipelineParameters, StartParameters } from "./parameters.ts";
export type { DatabricksSqlOptions } from "./sql-options.ts";
export type { SqlValue } from "./sql-values.ts";
export { databricksJob, databricksSql };

/** Event types that this package brings, for `createPipehooks({ events })`. */
export const databricksEvents: EventTypes = {
  ...remoteRunEvents("databricks"),
  ...remoteRunEvents("databricks.sql"),
};

const plugin: Plugin = definePlugin({
  name: "@pipehooks/databricks",
  version,
  core: `^${version}`,
  hooks: [databricksJob, databricksSql],
  events: databricksEvents,
});
export default plugin;
