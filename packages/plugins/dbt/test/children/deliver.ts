import plugin, { type DbtCloudRunOptions, dbtCloudRun } from "@pipehooks/dbt";
import { sqliteStore } from "@pipehooks/sqlite";
import { live } from "../../../../testing/src/crash/index.ts";

await live<DbtCloudRunOptions>(({ path, options }) => ({
  // Lives are short: a thread takes longer to start than it is of use.
  store: sqliteStore({ path, worker: false }),
  hook: dbtCloudRun(options),
  // Time goes fast: a minute is over before a busy machine has answered.
  policy: { timeout: "1h" },
  events: plugin.events ?? {},
  ends: "dbt.run.*",
}));
