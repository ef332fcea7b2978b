import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { type DbtCoreOptions, dbtCore } from "@pipehooks/dbt";
import { createTestDelivery, openHook } from "@pipehooks/testing";
import { afterEach, expect, test, vi } from "vitest";
import { createProject, type Project } from "./project.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

/** The metadata of the outcome, where dbt writes its results into this folder. */
async function deliver(project: Project, target: string, options: Partial<DbtCoreOptions> = {}) {
  const results = [{ unique_id: "model.shop.orders", status: "success", execution_time: 1 }];
  const plan = { "run_results.json": results, target };
  await using opened = await openHook(dbtCore, project.options(plan, options));
  const delivery = createTestDelivery();
  await opened.hook.deliver(delivery);
  return delivery.emitted[0]?.fields.metadata;
}

const env = { DBT_TARGET_PATH: "from env" };
test.for<[string, Partial<DbtCoreOptions>, string, string]>([
  ["the variable", { env }, "", "from env"],
  ["the project's, in quotes", {}, 'target-path: "from project" # see docs\n', "from project"],
  ["the project's", {}, "target-path:   out/dbt # see docs\n", "out/dbt"],
  ["the variable before the project's", { env }, "target-path: elsewhere\n", "from env"],
  ["the argument before both", { env, targetPath: "out" }, "target-path: elsewhere\n", "out"],
  ["the usual one where the variable is empty", { env: { DBT_TARGET_PATH: "" } }, "", "target"],
  ["the usual one where only dbt knows", {}, "target-path: \"{{ env_var('T') }}\"\n", "target"],
])("results are read where dbt writes them: %s", async ([, options, yaml, folder]) => {
  using project = createProject();
  appendFileSync(join(project.folder, "dbt_project.yml"), yaml);

  const metadata = await deliver(project, folder, options);

  expect(metadata).toMatchObject({ results: { total: 1 } });
});

test("the variable may be one of the process", async () => {
  using project = createProject();
  vi.stubEnv("DBT_TARGET_PATH", "from process");

  const metadata = await deliver(project, "from process");

  expect(metadata).toMatchObject({ results: { total: 1 } });
});
