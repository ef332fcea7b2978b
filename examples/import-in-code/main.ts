import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPipehooks } from "@pipehooks/core";
import { sqliteStore } from "@pipehooks/sqlite";
import { columnsOfYesterday, hasAddress, readCustomers } from "./customers.ts";
import { events } from "./events.ts";
import { hooksFor } from "./hooks.ts";
import { startReceiver } from "./receiver.ts";

const folder = await mkdtemp(join(tmpdir(), "pipehooks-import-in-code-"));
const receiver = await startReceiver();
const hooks = createPipehooks({
  events,
  hooks: hooksFor(receiver),
  store: sqliteStore({ path: join(folder, "pipehooks.db") }),
  source: "/examples/import-in-code",
});

await hooks.pipeline("customers", async (pipeline) => {
  const customers = readCustomers();

  await pipeline.action("compare_columns", async () => {
    const columns = Object.keys(customers[0] ?? {});
    const added = columns.filter((name) => !columnsOfYesterday.includes(name));
    const removed = columnsOfYesterday.filter((name) => !columns.includes(name));
    await hooks.emit("schema.evolution", { table: "customers", metadata: { added, removed } });
  });

  await pipeline.action("load_customers", async (action) => {
    const good = customers.filter(hasAddress);
    // A plain emit inherits pipeline, action and run id from where it stands.
    const { deliveries } = await hooks.emit("data.quality_check", {
      table: "customers",
      metadata: {
        rule: "email_is_an_address",
        checked_rows: customers.length,
        failed_rows: customers.length - good.length,
      },
    });
    console.log(`pipeline      quality check reaches: ${deliveries.map(({ hook }) => hook)}`);
    action.rows(good.length);
    action.table("customers", { rows: good.length });
  });
});

const settled = await hooks.drain({ timeoutMs: 10_000, horizonMs: 10_000 });
console.log(settled ? "Everything is delivered." : "Something is not delivered yet.");
if (!settled) process.exitCode = 1;
await hooks.close();
receiver.close();
await rm(folder, { recursive: true });
