import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadConfig, openPipehooks } from "@pipehooks/config";
import { silentLogger } from "@pipehooks/core";
import { createDatabricksReceiver } from "@pipehooks/testing";
import { expect, test } from "vitest";

const resolveFrom = [fileURLToPath(new URL(".", import.meta.url))];

async function load(text: string, env: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "databricks-"));
  const file = join(folder, "pipehooks.yaml");
  writeFileSync(file, text);
  return loadConfig({ file, env, cwd: folder, resolveFrom });
}

test("the lakehouse-plumber form of databricks_jobs starts its jobs", async () => {
  await using databricks = await createDatabricksReceiver({ jobs: [{ id: "12" }, { id: "13" }] });
  const loaded = await load(
    `plugins:
  enabled: true
  config:
    event_hooks:
      databricks_jobs:
        enabled: true
        events: ["pipeline.end"]
        filter_pipelines: ["prod_*"]
        async_execution: true
        retry_attempts: 3
        retry_delay: 5
        workspace_url: "\${DATABRICKS_HOST}"
        token: "\${DATABRICKS_TOKEN}"
        job_mappings:
          prod_orders:
            job_id: 12
            parameters: { event: "\${event}", rows: "\${rows}", none: "\${nothing}" }
          "prod_*": 13
        run_name_template: "\${pipeline}-\${event}"
        wait_for_completion: false
        timeout_seconds: 3600
`,
    { DATABRICKS_HOST: databricks.url, DATABRICKS_TOKEN: "dapi-test" },
  );
  const bus = await openPipehooks(loaded, { logger: silentLogger });

  for (const pipeline of ["prod_orders", "prod_x", "test_x"]) {
    await bus.emit("pipeline.end", { pipeline, metadata: { rows: 7 } });
  }
  await expect.poll(() => databricks.runs.length).toBe(2);
  await bus.close();

  expect(loaded.warnings).toMatchObject([
    { line: 19, message: expect.stringContaining('"run_name_template" has no effect') },
  ]);
  const started = databricks.runs.map(({ jobId, parameters }) => [jobId, parameters]);
  expect(started.sort()).toEqual([
    ["12", { event: "pipeline.end", rows: "7", none: "" }],
    ["13", {}],
  ]);
});

test("keys of options are snake_case, names of jobs and parameters are left as they are", async () => {
  const { options } = await load(`version: 1
hooks:
  - name: report
    kind: databricks-job
    events: pipeline.end
    options:
      host: https://dbc-a1b2.cloud.databricks.com
      token: dapi-test
      map_by: metadata.region
      job_mappings:
        eu_west: { job_id: "9223372036854775807", job_parameters: { run_date: "\${time}" }, only: [a] }
      notebook_params: { some_name: "\${id}" }
      on_running: one_follow_up
      poll: { first: 1s, longest: 10s }
      retry_run: 2
      repair: true
  - name: log
    kind: databricks-sql
    events: "databricks.run.*"
    options:
      host: https://dbc-a1b2.cloud.databricks.com
      token: dapi-test
      warehouse_id: a1b2
      insert_into: ops.runs.log
      columns:
        event_id: "\${id}"
        run_id: "\${metadata.run_id}"
        duration_ms: { value: "\${metadata.duration_ms:-null}", type: BIGINT }
      create_table: true
`);

  expect(options.hooks).toMatchObject([
    {
      hook: {
        options: {
          mapBy: "metadata.region",
          jobMappings: {
            eu_west: {
              jobId: "9223372036854775807",
              jobParameters: { run_date: "${time}" },
              only: ["a"],
            },
          },
          notebookParams: { some_name: "${id}" },
          onRunning: "one_follow_up",
        },
      },
    },
    { hook: { options: { insertInto: "ops.runs.log", createTable: true } } },
  ]);
});

test.for(["driver", "rest"] as const)("SQL over %s is configured in YAML", async (transport) => {
  await using databricks = await createDatabricksReceiver({ driver: true });
  const loaded = await load(
    `version: 1
hooks:
  - name: log
    kind: databricks-sql
    events: pipeline.end
    options:
      transport: ${transport}
      host: \${env:DATABRICKS_HOST}
      token: \${env:DATABRICKS_TOKEN}
      tls: { ca: "\${env:PROXY_CA}" }
      warehouse_id: wh1
      statement: CALL ops.log(:pipeline, :rows)
      parameters: { pipeline: "\${pipeline}", rows: "\${metadata.rows}" }
      wait_for_completion: false
`,
    {
      DATABRICKS_HOST: databricks.url,
      DATABRICKS_TOKEN: "dapi-test",
      PROXY_CA: databricks.ca ?? "",
    },
  );
  const bus = await openPipehooks(loaded, { logger: silentLogger });

  await bus.emit("pipeline.end", { pipeline: "orders", metadata: { rows: 7 } });
  await expect.poll(() => databricks.statements, { timeout: 5_000 }).toHaveLength(1);
  await bus.close();

  expect(databricks.statements).toMatchObject([
    {
      transport,
      parameters: { pipeline: { value: "orders" }, rows: { value: "7", type: "BIGINT" } },
    },
  ]);
});

test.for([
  ["job_id: 9223372036854775807", "Put it in quotes"],
  ["job_id: 12\n      job_parametrs: {}", "job_parametrs"],
  ['job_id: 12\n      job_parameters: { a: "${nothing}" }', "nothing"],
] as const)("%s is a mistake with its place", async ([line, word]) => {
  const text = `version: 1
hooks:
  - name: report
    kind: databricks-job
    events: pipeline.end
    options:
      host: https://dbc-a1b2.cloud.databricks.com
      token: dapi-test
      ${line}
`;

  const error = await load(text).catch((thrown: unknown) => thrown);

  const [problem] = (error as { problems: { line: number; message: string }[] }).problems;
  expect(problem?.line).toBeGreaterThan(8);
  expect(problem?.message).toContain(word);
});
