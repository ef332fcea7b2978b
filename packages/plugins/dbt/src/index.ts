import { definePlugin, type Plugin } from "@pipehooks/core";
import { dbtCloudRun } from "./dbt-cloud-run.ts";
import { dbtCore } from "./dbt-core.ts";
import { dbtEvents } from "./events.ts";
import { version } from "./version.ts";

export type { DbtCommand, DbtCoreOptions } from "./core-options.ts";
export type { DbtMapping } from "./mapping.ts";
export type { DbtCloudRunOptions } from "./options.ts";
export type { DbtOverrides } from "./overrides.ts";
export { dbtCloudRun, dbtCore };

const plugin: Plugin = definePlugin({
  name: "@pipehooks/dbt",
  version,
  core: `^${version}`,
  hooks: [dbtCloudRun, dbtCore],
  events: dbtEvents,
});
export default plugin;
