import { type DatabricksJobOptions, databricksEvents, databricksJob } from "@pipehooks/databricks";
import { sqliteStore } from "@pipehooks/sqlite";
import { live } from "../../../../testing/src/crash/index.ts";

await live<DatabricksJobOptions>(({ path, options }) => ({
  store: sqliteStore({ path, worker: false }),
  hook: databricksJob(options),
  policy: { retry: { base: "50ms", cap: "50ms" } },
  events: databricksEvents,
  ends: "databricks.run.*",
}));
