import { readFileSync } from "node:fs";
import { loadKindsOf, toJsonSchema } from "@pipehooks/config";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { fixture, folderWith, resolveFrom, withHook } from "./workspace.ts";

const whole = `version: 1
store: sqlite:.pipehooks/pipehooks.db
source: /pipelines/prod
plugins: [${fixture("recorder.ts")}]
x-anchors: { any: thing }
event_types:
  data.quality_check:
    metadata:
      type: object
      required: [table, failed_rows]
      properties: { table: { type: string }, failed_rows: { type: integer, minimum: 0 } }
destinations:
  hex: { rate_limit: [20/1m, 60/1h], concurrency: 10 }
defaults:
  timeout: 30s
hooks:
  - name: ops-webhook
    kind: webhook
    enabled: "\${env:ON:-true}"
    events: ["pipeline.{end,error}"]
    filter: { pipelines: ["prod_*", "!prod_scratch"], flowgroups: [], actions: [], tables: [] }
    when: 'event.error.severity == "CRITICAL"'
    destination: hex
    timeout: 30s
    retry: { attempts: 8, base: 1s, factor: 2, cap: 10m, jitter: full, max_age: 24h }
    concurrency: 10
    order_by: pipeline
    rate_limit: [20/1m, 60/1h]
    breaker: { failures: 5, reset: 1m, disable_after: 50 }
    options:
      url: https://api.example.com/pipeline-events
      allow_http: false
      headers: { Authorization: "Bearer \${env:WEBHOOK_TOKEN}" }
      payload: { status: "\${type}", list: [1, { a_b: null }] }
  - { name: log, kind: recorder, events: "*", options: { output_file: x, max_lines: "\${env:N}" } }
`;

async function validator() {
  const folder = folderWith({ "pipehooks.yaml": whole });
  const schema = toJsonSchema(await loadKindsOf({ cwd: folder, resolveFrom }));
  const validate = new Ajv2020({ strict: false, allErrors: true }).compile(schema);
  return { schema, isValid: (text: string) => validate(parse(text, { merge: true })) };
}

test("a right file fits its JSON Schema", async () => {
  const { isValid } = await validator();

  expect(isValid(whole)).toBe(true);
  expect(isValid("version: 1\nhooks:\n")).toBe(true);
});

test.for([
  ["an unknown key", withHook("retries: 3")],
  ["an option in camelCase", withHook("", "maxLines: 3")],
  ["an option of another kind", withHook("", "url: https://example.com")],
  ["a missing option", whole.replace("url: https://api.example.com/pipeline-events", "")],
  ["an unknown kind", withHook().replace("kind: recorder", "kind: nope")],
  ["a number for a duration", withHook("timeout: 30")],
  ["a wrong word", withHook("retry: { jitter: some }")],
  ["a gate", withHook("debounce: { wait: 3s }")],
  ["another version", "version: 2\n"],
  ["hooks by name", "version: 1\nhooks: { a: { kind: webhook } }\n"],
] as const)("%s does not", async ([, text]) => {
  const { isValid } = await validator();

  expect(isValid(text)).toBe(false);
});

test("keys are in snake_case and carry descriptions", async () => {
  const { schema } = await validator();

  const text = JSON.stringify(schema);
  expect(text).toContain('"rate_limit"');
  expect(text).not.toMatch(/"properties":\{[^{}]*"(?:rateLimit|orderBy|allowHttp)"/);
  expect(schema.properties?.store).toMatchObject({
    description: expect.stringContaining("sqlite:PATH"),
  });
});

test("without plugins the options are anybody's", () => {
  const validate = new Ajv2020({ strict: false }).compile(toJsonSchema());

  expect(validate(parse(withHook()))).toBe(true);
});

test("the example in the README fits", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const [, example = ""] = /```yaml\n(version: 1[^`]*)```/.exec(readme) ?? [];
  const { isValid } = await validator();

  expect(example).not.toBe("");
  expect(isValid(example)).toBe(true);
});
