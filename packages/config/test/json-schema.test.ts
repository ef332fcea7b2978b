import { readFileSync } from "node:fs";
import { findOfficialPlugins, type JsonSchema, loadKindsOf, toJsonSchema } from "@pipehooks/config";
import { defineHook } from "@pipehooks/core";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { fixture, folderWith, problemsOf, resolveFrom, withGate, withHook } from "./workspace.ts";

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

let made: ReturnType<typeof createValidator> | undefined;

/** Compiled once: that takes longer than all it is asked. */
function validator(): ReturnType<typeof createValidator> {
  made ??= createValidator();
  return made;
}

async function createValidator() {
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
  ["an unknown key of a gate", withGate("debounce: { wait: 3s, max: 5 }")],
  ["a key of a gate in camelCase", withGate("debounce: { wait: 3s, maxWait: 5s }")],
  ["two gates", withGate("debounce: { wait: 3s }\ndigest: { every: 5m }")],
  ["a gate among the defaults", "version: 1\ndefaults: { debounce: { wait: 3s } }\n"],
  ["a hook without events", withHook().replace('    events: ["*"]\n', "")],
  ["another version", "version: 2\n"],
  ["hooks by name", "version: 1\nhooks: { a: { kind: webhook } }\n"],
] as const)("%s does not", async ([, text]) => {
  const { isValid } = await validator();

  expect(isValid(text)).toBe(false);
});

test.for([
  "debounce: { by: [pipeline, runId], wait: 30s, max_wait: '${env:MOST}', leading: true }",
  "digest: { every: 5m, max: 3, flush_when: event.hops > 1, max_events: 5, max_keys: 6 }",
  "digest: { cron: '0 8 * * *', time_zone: Europe/Paris }",
  `join:
  all_of: [{ name: a, events: pipeline.end, when: event.pipeline == "a" }]
  baseline: last_fire
  within: 1h
  on_failed_input: cancel
  fail_when: true
  on_deadline: emit
  late: drop`,
  "join: { any_of: [{ name: a, events: [pipeline.end] }], at_least: 1 }",
  "threshold: { count: 3, within: 10m, distinct: pipeline, reset_on: pipeline.end }",
  "absence: { expect: pipeline.end, when: true, after: { events: pipeline.start, within: 1h } }",
  "absence: { expect: pipeline.end, at: '06:00', time_zone: Europe/Paris, days: mon-fri, grace: 5m }",
  "absence: { expect: pipeline.end, every: 1h, by: pipeline, for: [orders], forget_after: 2d }",
  "alert: { open_when: true, resolve_on: '*.end', confirm_for: 5m, remind: [4h], max_reminders: 9 }",
])("a hook with %s does", async (gate) => {
  const { isValid } = await validator();

  expect(isValid(withGate(gate))).toBe(true);
});

test.for([
  ...["version", "store", "durability", "retention", "source", "max_event_size"].map(
    (key) => `${key}:\n`,
  ),
  ...["allow_unknown_types", "plugins", "event_types", "destinations", "defaults", "hooks"].map(
    (key) => `${key}:\n`,
  ),
  "event_types: { a.b: { metadata: } }\n",
  "destinations: { a: { rate_limit: , concurrency: , breaker: { failures: } } }\n",
  "defaults: { timeout: , retry: , enabled: }\n",
  ...["enabled", "filter", "when", "destination", "timeout", "order_by", "rate_limit"].map((key) =>
    withHook(`${key}:`),
  ),
  withHook("filter: { pipelines: }\nretry: { attempts: , jitter: }\nbreaker: { disable_after: }"),
  withHook("debounce:"),
  withGate("debounce:\nthreshold: { count: 3, within: 10m, by: }"),
  withGate("events:\njoin: { all_of: [{ name: a, events: pipeline.end }], within: }"),
  withHook("", "max_lines:\nverbose:\nlabels:\nparts:"),
  "plugins: { enabled: , config: { event_hooks: { webhook: { webhook_url: https://a.b } } } }\n",
])("a file with nothing behind a key loads, and fits: %#", async (text) => {
  const { isValid } = await validator();

  expect(await problemsOf(text)).toEqual([]);
  expect(isValid(text)).toBe(true);
});

test.for([
  withHook().replace("name: log", "name:"),
  withHook().replace("kind: recorder", "kind:"),
  withHook("events:"),
  withHook().replace("output_file: out.ndjson", "output_file:"),
  withHook().replace("options:\n      output_file: out.ndjson", "options:"),
  withGate("events:\ndebounce: { wait: 1s }"),
  withGate("debounce: { wait: }"),
  "event_types: { a.b: }\n",
])("nothing where something must stand is refused by both: %#", async (text) => {
  const { isValid } = await validator();

  expect(await problemsOf(text)).not.toEqual([]);
  expect(isValid(text)).toBe(false);
});

test("a strict validator takes the schema of all official kinds", async () => {
  const plugins = await findOfficialPlugins({ folder: "/", resolveFrom });
  const kinds = plugins.flatMap((plugin) => plugin.kinds.map((kind) => [kind.name, kind] as const));
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false });
  addFormats.default(ajv);

  expect(kinds.length).toBeGreaterThan(10);
  expect(() => ajv.compile(toJsonSchema(new Map(kinds)))).not.toThrow();
});

test("a format that JSON Schema does not know is left out, what it checks is not", () => {
  const pem = z.strictObject({ ca: z.string().includes("-----BEGIN"), at: z.url() });
  const { kind } = defineHook({ name: "pem", options: pem, create: () => ({ deliver() {} }) });

  const text = JSON.stringify(toJsonSchema(new Map([["pem", kind]])));

  expect(text).toContain('"pattern":"-----BEGIN"');
  expect(text).toContain('"format":"uri"');
  expect(text).not.toContain("includes");
});

test("every key of a gate says what it means", async () => {
  const { schema } = await validator();
  const hook = schema.$defs?.hook as JsonSchema;

  for (const kind of ["debounce", "digest", "join", "threshold", "absence", "alert"]) {
    const gate = hook.properties?.[kind] as JsonSchema;
    expect(gate.description).toMatch(/^Gate: /);
    for (const key of Object.values(gate.properties ?? {})) {
      expect(key).toMatchObject({ description: expect.stringMatching(/\w/) });
    }
  }
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
