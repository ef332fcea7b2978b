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
  [block("retry_atempts: 3"), "6:9", "retry_attempts"],
  [block("retry_attempts: many"), "6:25", undefined],
  [block('headers: { A: "${pipeline}" }'), "6:24", undefined],
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
        options: { smtp: { host: "mail" } },
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

const mail = (keys: string) =>
  `plugins:\n  config:\n    event_hooks:\n      email:\n${keys
    .split("\n")
    .map((key) => `        ${key}\n`)
    .join("")}`;

test("migrate converts the mails", () => {
  const text = mail(`events: ["pipeline.error"]
retry_attempts: 5
retry_delay: 60
timeout: 45
smtp_host: "\${SMTP_HOST}"
smtp_port: 587
smtp_user: pipelines
smtp_password: "\${SMTP_PASSWORD}"
use_tls: true
from_address: pipelines@example.com
to_addresses: [data@example.com, "\${ON_CALL}"]
cc_addresses: [boss@example.com]
subject_template: "[\${event}] \${pipeline}"
body_template: "\${pipeline} failed with \${error_message}, \${rows} rows"`);

  expect(parse(migrate(text)).hooks).toEqual([
    {
      name: "email",
      kind: "email",
      events: ["pipeline.error"],
      timeout: "45s",
      retry: { attempts: 5, base: "60s", factor: 1, cap: "60s", jitter: "none" },
      options: {
        smtp: {
          host: "${env:SMTP_HOST}",
          port: 587,
          auth: { user: "pipelines", pass: "${env:SMTP_PASSWORD}" },
        },
        from: "pipelines@example.com",
        to: ["data@example.com", "${env:ON_CALL}"],
        cc: ["boss@example.com"],
        subject: "[${type}] ${pipeline:-null}",
        text: "${pipeline:-null} failed with ${error.message:-null}, ${metadata.rows:-null} rows",
      },
    },
  ]);
});

test.for([
  ["smtp_server: mail", { smtp: { host: "mail" } }],
  ["host: mail\nport: 25", { smtp: { host: "mail", port: 25 } }],
  ["username: u\npassword: p", { smtp: { auth: { user: "u", pass: "p" } } }],
  ["use_ssl: true\nuse_tls: false", { smtp: { secure: true } }],
  ["from: a@b.c\nrecipients: d@e.f", { from: "a@b.c", to: "d@e.f" }],
  ["sender: a@b.c\nto: [d@e.f]", { from: "a@b.c", to: ["d@e.f"] }],
  ["bcc: a@b.c\nreply_to: d@e.f", { bcc: "a@b.c", reply_to: "d@e.f" }],
  ["subject: s\nbody: t", { subject: "s", text: "t" }],
  ["body: <h1>${pipeline}</h1>", { html: "<h1>${pipeline:-null}</h1>" }],
] as const)("what mails call %j is understood", ([keys, options]) => {
  expect(parse(migrate(mail(keys))).hooks[0].options).toEqual(options);
});

test("mails without TLS go on working, and that is said", () => {
  const migrated = migrate(mail("smtp_host: mail\nuse_tls: false"));

  expect(migrated).toMatch(/^# "use_tls: false": mails and the password may travel unencrypted/);
  expect(parse(migrated).hooks[0].options.smtp).toEqual({ host: "mail", allow_plain: true });
});

test.for([
  ["smtp_hosst: mail", "smtp_host", "has no key"],
  ["to: a@b.c\nrecipients: d@e.f", undefined, 'says the same as "to"'],
] as const)(
  "a mistake in the mails is named where it stands: %j",
  ([keys, suggestion, message]) => {
    const problems = (() => {
      try {
        migrate(mail(keys));
        return [];
      } catch (error) {
        if (isConfigError(error)) return error.problems;
        throw error;
      }
    })();

    expect(problems).toMatchObject([{ message: expect.stringContaining(message) }]);
    expect(problems[0]?.suggestion).toBe(suggestion);
  },
);

const logging = (provider: string, keys: string) =>
  `plugins:\n  config:\n    event_hooks:\n      cloud_logging:\n        provider: ${provider}\n        ${provider}: { ${keys} }\n`;

test.for([
  [
    "aws",
    "log_group_name: /g, log_stream_name: s, region_name: eu-west-1, retention_in_days: 30, create_log_group: true",
    {
      log_group: "/g",
      log_stream: "s",
      region: "eu-west-1",
      retention_days: 30,
      create_group: true,
    },
  ],
  [
    "aws",
    'log_group: /g, aws_access_key_id: "${AWS_KEY}", aws_secret_access_key: "${AWS_SECRET}"',
    { log_group: "/g", access_key_id: "${env:AWS_KEY}", secret_access_key: "${env:AWS_SECRET}" },
  ],
  [
    "gcp",
    'project: analytics-1, log_name: pipelines, credentials_path: /key.json, labels: { p: "${pipeline}" }',
    {
      project_id: "analytics-1",
      log_name: "pipelines",
      key_file: "/key.json",
      labels: { p: "${pipeline:-null}" },
    },
  ],
  [
    "azure",
    "data_collection_endpoint: https://a.b, dcr_immutable_id: dcr-1, stream_name: Custom-A",
    { endpoint: "https://a.b", dcr: "dcr-1", stream: "Custom-A" },
  ],
] as const)("what logging calls its options at %s is understood: %s", ([provider, keys, block]) => {
  expect(parse(migrate(logging(provider, keys))).hooks[0]).toEqual({
    name: "cloud-logging",
    kind: "cloud-logging",
    events: ["*"],
    options: { provider, [provider]: Object.fromEntries(Object.entries(block)) },
  });
});

test("blocks of other clouds are left out, and that is said", () => {
  const migrated = migrate(logging("aws", "log_group: /g").concat("        gcp: { project: p }\n"));

  expect(migrated).toMatch(/^# "gcp" is left out: the provider is "aws"/);
  expect(parse(migrated).hooks[0].options).toEqual({ provider: "aws", aws: { log_group: "/g" } });
});

test.for([
  ["aws", "log_groop: /g", "6:16", "log_group", 'has no key "log_groop"'],
  ["aws", "log_group: /g, log_group_name: /h", "6:31", undefined, 'says the same as "log_group"'],
  ["azure", "workspace_id: 1", "6:18", undefined, "switched off on 14 September 2026"],
] as const)(
  "a mistake in the block of %s is named where it stands: %s",
  async ([provider, keys, place, suggestion, message]) => {
    const problems = await problemsOf(logging(provider, keys));

    const found = problems.find((problem) => problem.message.includes(message));
    expect(`${found?.line}:${found?.column}`).toBe(place);
    expect(found?.suggestion).toBe(suggestion);
  },
);

test.for([
  ["enabled: maybe", "2:12", '"enabled" must be true or false'],
  ["config: all", "2:3", '"config" must be keys and values'],
  ["config: { event_hooks: [webhook] }", "2:13", '"event_hooks" must be keys and values'],
] as const)("%s is a mistake, and no file without hooks", async ([part, place, message]) => {
  const [problem] = await problemsOf(`plugins:\n  ${part}\n`);

  expect(`${problem?.line}:${problem?.column}`).toBe(place);
  expect(problem?.message).toContain(message);
});

test("hooks in today's form beside this one are a mistake, not left out", async () => {
  const problems = await problemsOf("version: 1\nplugins: {}\nhooks: []\n");

  expect(problems).toMatchObject([
    { line: 3, column: 1, message: expect.stringContaining('Write "plugins" as a list') },
  ]);
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
