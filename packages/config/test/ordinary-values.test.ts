import { expect, test } from "vitest";
import { loadText, withHook } from "./workspace.ts";

async function secretsOf(options: string, value: string) {
  const { options: loaded } = await loadText(withHook("", options), { env: { VALUE: value } });
  return loaded.secrets;
}

test.for([
  "prod",
  "staging",
  "eu-west-1",
  "data-platform",
  "v2",
  "team/ops",
  "Europe/Paris",
  "Données de vente",
  "20260102",
  "123456789012",
])("a word or a number that a template shows is no secret: %s", async (value) => {
  expect(await secretsOf('line: { env: "${env:VALUE}" }', value)).toEqual([]);
});

test.for([
  "s3cr3t",
  "t0p-s3cret",
  "https://a.example/x",
  "dapi1234abcd",
  "prod!",
  "-prod",
  "eu--west",
  "1234567890123",
  "a".repeat(33),
])("anything else in a template stays a secret: %s", async (value) => {
  expect(await secretsOf('line: { env: "${env:VALUE}" }', value)).toEqual([value]);
});

test.for([
  'api_token: "${env:VALUE}"',
  'labels: { Env: "${env:VALUE}" }',
  'line: { api_key: "${env:VALUE}" }',
  'line: "${env:VALUE}"\napi_token: "${env:VALUE}"',
  'api_token: "x ${env:VALUE}"\nline: "${env:VALUE}"',
])("a word is a secret where it is no ordinary text of a template: %s", async (options) => {
  expect(await secretsOf(options, "prod")).toEqual(["prod"]);
});

test("without its kind nobody knows a template, and every value is a secret", async () => {
  const text = `version: 1
hooks:
  - { name: a, kind: nobody-has-it, enabled: false, events: "*", options: { token: "\${env:VALUE}" } }
`;

  const failed: unknown = await loadText(text, { env: { VALUE: "nobody-has-it" } }).catch(String);

  expect(failed).toContain('No kind is called "[redacted]"');
});
