import { isConfigError, migrate, type Problem } from "@pipehooks/config";
import { expect, test } from "vitest";
import { expectProblems } from "./expect-problems.ts";
import { loadText, problemsOf } from "./workspace.ts";

/** One block of that form; its keys begin at line 5. */
function block(kind: string, keys: readonly string[]): string {
  const lines = keys.map((line) => `        ${line}\n`).join("");
  return `plugins:\n  config:\n    event_hooks:\n      ${kind}:\n${lines}`;
}

function refusedByMigrate(text: string): readonly Problem[] {
  try {
    migrate(text);
    return [];
  } catch (error) {
    if (isConfigError(error)) return error.problems;
    throw error;
  }
}

test.for([
  ["webhook", 'webhook_url: "https://x/${pipeline}"', "5:33", "${pipeline}", "payload_template"],
  ["webhook", 'webhook_url: "${BASE}/${pipeline}"', "5:31", "${pipeline}", "payload_template"],
  ["webhook", 'headers: { X-P: "${pipeline}" }', "5:26", "${pipeline}", "payload_template"],
  ["webhook", 'headers: { X-E: "a ${event}" }', "5:28", "${event}", "payload_template"],
  ["webhook", 'events: ["${event}"]', "5:19", "${event}", "payload_template"],
  ["databricks_jobs", 'token: "${run_id}"', "5:17", "${run_id}", "job_mappings.*.parameters"],
  ["email", 'smtp_host: "${pipeline:-x}"', "5:21", "${pipeline:-x}", "body_template"],
  ["cloud_logging", 'aws: { region: "${table}" }', "5:25", "${table}", "record"],
] as const)(
  "a reference to the event is refused as it was written where no template is: %s %s",
  async ([kind, key, place, written, templates]) => {
    const provider = kind === "cloud_logging" ? ["provider: aws"] : [];
    const text = block(kind, [key, ...provider]);

    const problems = refusedByMigrate(text);

    expectProblems(problems, [[place, `${written} is read from the event only in options`]]);
    expect(problems[0]?.message).toContain(templates);
  },
);

test("it is said once, and as migrate says it, when the file is loaded", async () => {
  const text = block("webhook", [
    'webhook_url: "https://x.example/${pipeline}"',
    'headers: { X-P: "${pipeline}", X-Event: "${event}" }',
  ]);

  const problems = await problemsOf(text);

  const said = problems.map((problem) => ({ ...problem, file: "pipehooks.yaml" }));
  expect(said).toEqual(refusedByMigrate(text));
  expect(problems.map(({ path }) => path)).toEqual([
    "plugins.config.event_hooks.webhook.webhook_url",
    "plugins.config.event_hooks.webhook.headers",
    "plugins.config.event_hooks.webhook.headers",
  ]);
});

test.for([
  ["webhook", ['webhook_url: "https://a.b"', 'payload_template: "${pipeline}"'], "payload"],
  ["email", ['subject_template: "${pipeline}"'], "subject"],
  ["email", ['body_template: "${pipeline}"'], "text"],
  ["email", ['to_addresses: ["${pipeline}@a.b"]'], "to"],
  ["databricks_jobs", ['job_mappings: { a: { parameters: { p: "${pipeline}" } } }'], "p"],
  ["cloud_logging", ["provider: gcp", 'gcp: { labels: { p: "${pipeline}" } }'], "labels"],
  ["cloud_logging", ["provider: gcp", 'record: { p: "${pipeline}" }'], "record"],
] as const)("templates read the event, null where it lacks it: %s %s", ([kind, keys, option]) => {
  expect(migrate(block(kind, keys))).toMatch(
    new RegExp(`\\b${option}:.*[\\s\\S]*\\$\\{pipeline:-null\\}`),
  );
});

test.for(['url: "https://a.example/${pipeline}"', 'url: "https://a.example/${pipeline:-x}"'])(
  "today's form names the templates of the kind, too: %s",
  async (options) => {
    const text = `version: 1
hooks:
  - { name: a, kind: webhook, events: "*", options: { ${options} } }
`;

    const [problem] = await problemsOf(text);

    expect(problem?.message).toMatch(
      /only in options that are templates.*those of webhook are payload\./,
    );
  },
);

test("variables of the environment go on being read everywhere", async () => {
  const text = block("webhook", ['webhook_url: "https://a.example/${STAGE}"']);

  const { options } = await loadText(text, { env: { STAGE: "prod" } });

  expect(options.hooks).toMatchObject([{ hook: { options: { url: "https://a.example/prod" } } }]);
});
