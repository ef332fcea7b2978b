import { join } from "node:path";
import { isConfigError, loadConfig, migrate } from "@pipehooks/config";
import { compileTemplate, type JsonObject, type JsonValue } from "@pipehooks/core";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { folderWith, loadText, problemsOf, resolveFrom } from "./workspace.ts";

const env = { WEBHOOK_URL: "https://ops.example.com/hook", WEBHOOK_TOKEN: "t0p-s3cret" };

const plumberFile = `# Hooks of the warehouse
plugins:
  enabled: true
  config:
    event_hooks:
      # Tells operations
      webhook:
        enabled: true
        events: ["pipeline.end", "pipeline.error"] # not the starts
        filter_pipelines: ["prod_*"]
        filter_flowgroups: ["ingest_*"]
        async_execution: true
        retry_attempts: 3
        retry_delay: 5
        webhook_url: "\${WEBHOOK_URL}"
        headers:
          Authorization: "Bearer \${WEBHOOK_TOKEN}"
        include_payload: true
        payload_template:
          status: "\${event}"
          pipeline: "\${pipeline}"
          text: "\${pipeline} ended with \${error_message}"
          rows: "\${rows}"
          stage: "\${metadata.stage}"
        timeout: 30
        verify_ssl: false
`;

test("the lakehouse-plumber form loads", async () => {
  const { options, warnings } = await loadText(plumberFile, { env });

  expect(warnings).toEqual([]);
  expect(options.secrets).toEqual([env.WEBHOOK_URL, env.WEBHOOK_TOKEN]);
  expect(options.hooks).toMatchObject([
    {
      name: "webhook",
      enabled: true,
      events: ["pipeline.end", "pipeline.error"],
      filter: { pipelines: ["prod_*"], flowgroups: ["ingest_*"] },
      timeout: "30s",
      retry: { attempts: 3, base: "5s", factor: 1, cap: "5s", jitter: "none" },
      hook: {
        kind: { name: "webhook" },
        options: {
          url: env.WEBHOOK_URL,
          headers: { Authorization: "Bearer t0p-s3cret" },
          tls: { verify: false },
        },
      },
    },
  ]);
});

test("there `${event}` is the event's type and a field that is missing is null", async () => {
  const { options } = await loadText(plumberFile, { env });
  const [{ hook }] = options.hooks as unknown as [{ hook: { options: { payload: JsonValue } } }];
  const template = compileTemplate(hook.options.payload);

  expect(
    template.render({
      type: "pipeline.end",
      pipeline: "orders",
      metadata: { rows: 3 },
    } satisfies JsonObject),
  ).toEqual({
    status: "pipeline.end",
    pipeline: "orders",
    text: "orders ended with ",
    rows: 3,
    stage: null,
  });
  expect(template.render({ type: "pipeline.error" })).toMatchObject({ pipeline: null, rows: null });
});

test.for([
  ["one hook is off", "enabled: true\n        events", "enabled: false\n        events"],
  ["all are off", "enabled: true\n  config", "enabled: false\n  config"],
] as const)("%s", async ([, from, to]) => {
  const { options } = await loadText(plumberFile.replace(from, to), { env });

  expect(options.hooks).toMatchObject([{ enabled: false }]);
});

const block = (keys: string) => `plugins:
  config:
    event_hooks:
      webhook:
        webhook_url: https://ops.example.com/hook
${keys
  .split("\n")
  .map((key) => `        ${key}\n`)
  .join("")}`;

async function optionsOf(keys: string) {
  const { options, warnings } = await loadText(block(keys), { env: { DELAY: "7" } });
  return { hook: options.hooks?.[0], warnings };
}

test("without events a hook takes all", async () => {
  expect((await optionsOf("enabled: true")).hook).toMatchObject({ events: ["*"] });
});

test.for([
  ["retry_attempts: 0", { retry: { attempts: 1 } }],
  ["retry_delay: 0.5", { retry: { base: "0.5s", cap: "0.5s" } }],
  ['retry_delay: "${DELAY}"', { retry: { base: "7s", cap: "7s" } }],
  ["async_execution: false", { concurrency: 1 }],
  ["verify_ssl: true", { hook: { options: { url: "https://ops.example.com/hook" } } }],
  [
    "include_payload: false",
    {
      hook: {
        options: {
          payload: {
            type: "${type}",
            time: "${time}",
            pipeline: "${pipeline:-null}",
            flowgroup: "${flowgroup:-null}",
            action: "${action:-null}",
          },
        },
      },
    },
  ],
  [
    `payload_template: '{"status": "\${event}"}'`,
    { hook: { options: { payload: { status: "${type}" } } } },
  ],
] as const)("%s keeps its meaning", async ([key, expected]) => {
  expect((await optionsOf(key)).hook).toMatchObject(expected);
});

test("what cannot mean the same is said", async () => {
  const { warnings } = await optionsOf("async_execution: false");

  expect(warnings).toMatchObject([
    { line: 6, column: 9, message: expect.stringContaining("never holds up the pipeline") },
  ]);
});

test("a plain http URL goes on working, with a warning", async () => {
  const text = block("enabled: true").replace("https:", "http:");

  const { options, warnings } = await loadText(text);

  expect(options.hooks).toMatchObject([{ hook: { options: { allowHttp: true } } }]);
  expect(warnings).toMatchObject([{ line: 5, message: expect.stringContaining("plain http") }]);
});

test("keys of today stand beside it, keys of another tool are ignored with a warning", async () => {
  const { options, warnings } = await loadText(
    `name: warehouse\nversion: "1.0"\nsource: /pipelines/prod\n${block("enabled: true")}`,
  );

  expect(options.source).toBe("/pipelines/prod");
  expect(warnings).toMatchObject([{ line: 1, message: expect.stringContaining('"name"') }]);
});

test.for([
  ["email", "@pipehooks/email"],
  ["cloud_logging", "@pipehooks/cloud-logging"],
])("%s names the package that it needs", async ([kind, name]) => {
  const [problem] = await problemsOf(
    `plugins:\n  config:\n    event_hooks:\n      ${kind}: { events: ["pipeline.end"], provider: x }\n`,
  );

  expect(problem).toMatchObject({ line: 4, column: 7, code: "PACKAGE_MISSING" });
  expect(problem?.message).toContain(name);
});

test.for([
  [block("retry_atempts: 3"), "6:9", "retry_attempts"],
  [block("retry_attempts: many"), "6:25", undefined],
  [block('headers: { A: "${pipeline}" }'), "6:23", undefined],
  ["plugins:\n  config:\n    event_hooks:\n      webhok: {}\n", "4:7", "webhook"],
  ["plugins:\n  config:\n    event_hook: {}\n", "3:5", "event_hooks"],
] as const)(
  "a mistake in it is placed in the file as written (%#)",
  async ([text, place, suggestion]) => {
    const [problem] = await problemsOf(text);

    expect(`${problem?.line}:${problem?.column}`).toBe(place);
    expect(problem?.suggestion).toBe(suggestion);
  },
);

test("migrate gives a file that loads to the same configuration", async () => {
  const folder = folderWith({
    "pipehooks.yaml": migrate(plumberFile),
    "plumber.yaml": plumberFile,
  });
  const load = (file: string) => loadConfig({ file: join(folder, file), env, resolveFrom });

  const [before, after] = await Promise.all([load("plumber.yaml"), load("pipehooks.yaml")]);

  expect(after.options).toEqual(before.options);
  expect(after.storeUrl).toBe(before.storeUrl);
});

test("migrate writes today's form, comments kept", () => {
  expect(migrate(plumberFile)).toMatchInlineSnapshot(`
    "version: 1
    # Hooks of the warehouse
    hooks:
      # Tells operations
      - name: webhook
        kind: webhook
        enabled: true
        events: [pipeline.end, pipeline.error] # not the starts
        filter:
          pipelines: [prod_*]
          flowgroups: [ingest_*]
        timeout: 30s
        retry:
          attempts: 3
          base: 5s
          factor: 1
          cap: 5s
          jitter: none
        options:
          url: "\${env:WEBHOOK_URL}"
          headers:
            Authorization: "Bearer \${env:WEBHOOK_TOKEN}"
          payload:
            status: "\${type}"
            pipeline: "\${pipeline:-null}"
            text: "\${pipeline:-null} ended with \${error.message:-null}"
            rows: "\${metadata.rows:-null}"
            stage: "\${metadata.stage:-null}"
          tls:
            verify: false
    "
  `);
});

test("migrate converts all four kinds, whether their plugins are installed or not", () => {
  const text = `plugins:
  config:
    event_hooks:
      webhook: { webhook_url: "https://example.com" }
      databricks_jobs:
        events: ["pipeline.end"]
        workspace_url: "\${DATABRICKS_HOST}"
        token: "\${DATABRICKS_TOKEN}"
        job_mappings: { orders: { job_id: 12, parameters: { run: "\${event}" } } }
        run_name_template: "\${pipeline}-\${event}"
        wait_for_completion: true
        timeout_seconds: 3600
      email: { smtp_host: mail, retry_attempts: 2 }
      cloud_logging: { provider: aws, aws: { log_group: x } }
`;

  expect(parse(migrate(text))).toEqual({
    version: 1,
    hooks: [
      { name: "webhook", kind: "webhook", events: ["*"], options: { url: "https://example.com" } },
      {
        name: "databricks-jobs",
        kind: "databricks-job",
        events: ["pipeline.end"],
        options: {
          host: "${env:DATABRICKS_HOST}",
          token: "${env:DATABRICKS_TOKEN}",
          job_mappings: { orders: { job_id: 12, job_parameters: { run: "${type}" } } },
          wait_for_completion: true,
          deadline: "3600s",
          on_deadline: "fail",
        },
      },
      {
        name: "email",
        kind: "email",
        events: ["*"],
        retry: { attempts: 2 },
        options: { smtp_host: "mail" },
      },
      {
        name: "cloud-logging",
        kind: "cloud-logging",
        events: ["*"],
        options: { provider: "aws", aws: { log_group: "x" } },
      },
    ],
  });
});

test("the name of a Databricks run is taken, and its lack of effect said where it stands", () => {
  const text =
    "plugins:\n  config:\n    event_hooks:\n      databricks_jobs:\n        job_mappings: { orders: 12 }\n        run_name_template: x\n";

  const migrated = migrate(text);

  expect(migrated).toMatch(/^# "run_name_template" has no effect: Databricks takes no name/);
  expect(parse(migrated).hooks[0].options).toEqual({ job_mappings: { orders: 12 } });
});

test("what changes its meaning is noted at the top of the migrated file", () => {
  expect(migrate(block("async_execution: false"))).toMatch(
    /^# "async_execution: false": a hook never/,
  );
});

test("a file in today's form and a file that cannot be read are not migrated", () => {
  expect(() => migrate("version: 1\nhooks: []\n")).toThrow("nothing to migrate");
  expect(() => migrate("plugins: [\n")).toThrow(expect.toSatisfy(isConfigError));
});
