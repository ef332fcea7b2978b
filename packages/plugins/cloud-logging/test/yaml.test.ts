import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "@pipehooks/config";
import { createPipehooks } from "@pipehooks/core";
import { createCloudWatchLogsReceiver } from "@pipehooks/testing";
import { expect, onTestFinished, test } from "vitest";

const builtIn = {
  version: "0.0.0",
  plugins: { "@pipehooks/cloud-logging": () => import("@pipehooks/cloud-logging") },
};

async function load(text: string, env: Readonly<Record<string, string>> = {}) {
  const folder = await mkdtemp(join(tmpdir(), "pipehooks-yaml-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "pipehooks.yaml");
  await writeFile(file, text);
  return loadConfig({ file, env, builtIn, resolveFrom: [import.meta.filename] });
}

const today = `version: 1
hooks:
  - name: log
    kind: cloud-logging
    events: "pipeline.*"
    options:
      provider: aws
      aws:
        log_group: /pipelines/prod
        create_group: true
        retention_days: 30
        region: eu-west-1
        endpoint: \${env:LOGS_URL}
        allow_http: true
        access_key_id: \${env:KEY_ID}
        secret_access_key: \${env:SECRET}
        entity: { key_attributes: { Type: Service, Name: orders } }
      record: { id: "\${id}", what: "\${type}", rows: "\${metadata.rows:-0}" }
      batch: { max_records: 2, linger: 50ms }
      request_timeout: 5s
`;

const plumber = `plugins:
  config:
    event_hooks:
      cloud_logging:
        events: ["pipeline.*"]
        retry_attempts: 3
        provider: aws
        record: { id: "\${id}", what: "\${event}", rows: "\${rows}" }
        batch: { max_records: 2, linger: 50ms }
        aws:
          log_group: /pipelines/prod
          create_log_group: true
          region_name: eu-west-1
          endpoint_url: "\${LOGS_URL}"
          allow_http: true
          aws_access_key_id: "\${KEY_ID}"
          aws_secret_access_key: "\${SECRET}"
`;

test.for([
  ["today's form", today, 0],
  ["the lakehouse-plumber form", plumber, null],
] as const)("a file in %s logs events, so many in a call", async ([, text, noRows]) => {
  await using logs = await createCloudWatchLogsReceiver();
  const { accessKeyId, secretAccessKey } = logs.credentials;
  const env = { LOGS_URL: logs.url, KEY_ID: accessKeyId, SECRET: secretAccessKey };
  const { options, warnings } = await load(text, env);
  const bus = createPipehooks(options);

  await bus.emit("pipeline.start", { id: "a" });
  await bus.emit("pipeline.end", { id: "b", metadata: { rows: 7 } });
  await bus.emit("pipeline.end", { id: "c", metadata: { rows: 8 } });
  await bus.close();

  expect(warnings).toEqual([]);
  expect(logs.events.map(({ message }) => JSON.parse(message))).toEqual([
    { id: "a", what: "pipeline.start", rows: noRows },
    { id: "b", what: "pipeline.end", rows: 7 },
    { id: "c", what: "pipeline.end", rows: 8 },
  ]);
  const taken = logs.calls.filter(
    ({ operation, refused }) => operation === "PutLogEvents" && refused === undefined,
  );
  expect(taken.map(({ events }) => events)).toEqual([2, 1]);
});

test("mistakes are placed in the file, in its own words", async () => {
  const wrong = today
    .replace("retention_days: 30", "retention_days: 8")
    .replace("allow_http: true", "allow_htp: true");

  await expect(
    load(wrong, { LOGS_URL: "https://x.example", KEY_ID: "a", SECRET: "b" }),
  ).rejects.toMatchObject({
    problems: expect.arrayContaining([
      expect.objectContaining({ line: 11, message: expect.stringContaining("retention_days") }),
      expect.objectContaining({ line: 14, suggestion: "allow_http" }),
    ]),
  });
});

test("a template that reads what no event has is found", async () => {
  const wrong = today.replace("${type}", "${typ}");

  await expect(
    load(wrong, { LOGS_URL: "https://x.example", KEY_ID: "a", SECRET: "b" }),
  ).rejects.toMatchObject({ problems: [expect.objectContaining({ suggestion: "${type}" })] });
});
