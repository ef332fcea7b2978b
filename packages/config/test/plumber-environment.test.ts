import { migrate } from "@pipehooks/config";
import { expect, test } from "vitest";
import { loadText, problemsOf } from "./workspace.ts";

/** One webhook of that form; `keys` one a line, `all` what stands beside `config`. */
function block(keys: string, all = ""): string {
  const lines = ["webhook_url: https://ops.example.com/hook", ...keys.split("\n")];
  return `plugins:\n${all}  config:\n    event_hooks:\n      webhook:\n${lines.map((line) => `        ${line}\n`).join("")}`;
}

const env = { ON: "true", OFF: "false", TYPE: "pipeline.end", STAGE: "prod" };

async function hookOf(text: string) {
  const [before, after] = await Promise.all([
    loadText(text, { env }),
    loadText(migrate(text), { env }),
  ]);
  expect(after.options).toEqual(before.options);
  return { hook: before.options.hooks?.[0], warnings: before.warnings };
}

test.for([
  ["enabled: ${OFF}", { enabled: false }],
  ["enabled: ${ON}", { enabled: true }],
  ["enabled: ${MISSING:-false}", { enabled: false }],
  ["events: ${TYPE}", { events: ["pipeline.end"] }],
  ['events: ["${TYPE}", "pipeline.error"]', { events: ["pipeline.end", "pipeline.error"] }],
  ['filter_pipelines: ["${STAGE}_*"]', { filter: { pipelines: ["prod_*"] } }],
  ['filter_flowgroups: ["${STAGE}_*"]', { filter: { flowgroups: ["prod_*"] } }],
] as const)("%s is read from the environment", async ([keys, expected]) => {
  const { hook } = await hookOf(block(keys));

  expect(hook).toMatchObject(expected);
});

test.for([
  ["${OFF}", "timeout: 5", false],
  ["${ON}", "enabled: true", true],
  ["${ON}", "enabled: false", false],
  ["false", "enabled: ${ON}", false],
  ["true", "enabled: ${OFF}", false],
] as const)("all hooks on by %s and one by %j: on is %s", async ([all, own, enabled]) => {
  const { hook } = await hookOf(block(own, `  enabled: ${all}\n`));

  expect(hook).toMatchObject({ enabled });
});

test("two switches from outside at one hook are refused, for it has one", async () => {
  const problems = await problemsOf(block("enabled: ${ON}", "  enabled: ${ON}\n"), { env });

  expect(problems).toMatchObject([
    { line: 7, column: 9, message: expect.stringContaining("a hook has one switch") },
  ]);
});

test.for(["${MISSING}", "${TYPE}", "${lower}", "maybe"])(
  "a switch of all hooks that is none is said where it stands: %s",
  async (all) => {
    const problems = await problemsOf(block("timeout: 5", `  enabled: ${all}\n`), { env });

    expect(problems).toMatchObject([{ line: 2, column: 12 }]);
  },
);

test.for(["async_execution: ${OFF}", "include_payload: ${OFF}"])(
  "%s cannot be known before the environment is, and that is said",
  async (keys) => {
    const { warnings } = await hookOf(block(keys));

    expect(warnings).toMatchObject([{ message: expect.stringContaining("is taken as true") }]);
  },
);

test("the provider of logs may come from the environment", async () => {
  const text =
    'plugins:\n  config:\n    event_hooks:\n      cloud_logging:\n        provider: "${CLOUD:-aws}"\n        aws: { log_group_name: /g, log_stream_name: s, region_name: eu-west-1 }\n';

  const { hook } = await hookOf(text);

  expect(hook).toMatchObject({ hook: { options: { provider: "aws", aws: { logGroup: "/g" } } } });
});
