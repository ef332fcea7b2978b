import { loadConfig } from "@pipehooks/config";
import { expect, test } from "vitest";
import { expectProblems } from "./expect-problems.ts";
import { folderWith, loadText, problemsOf, withGate, withHook } from "./workspace.ts";

const declared = `event_types:
  order.paid:
    metadata: { type: object, properties: { amount: {} } }
`;

test.for([
  ['event.run_id == "x"', "7:17", 'no field "run_id"', "event.runId"],
  ['event.eror.severity == "CRITICAL"', "7:17", 'no field "eror"', "event.error.severity"],
  ['event.eror.sevrity == "CRITICAL"', "7:17", 'no field "eror"', "event.error.severity"],
  ['event.error.sevrity == "CRITICAL"', "7:23", 'no field "sevrity"', "event.error.severity"],
  ["has(event.tabel)", "7:21", 'no field "tabel"', "event.table"],
  ["1 == 1 && !has(event.error.mesage)", "7:38", 'no field "mesage"', "event.error.message"],
  ['event["pipline"] == "x"', "7:17", 'no field "pipline"', "event.pipeline"],
  ["event.customer == 'x'", "7:17", "under metadata: event.metadata.customer", undefined],
  ["true && [1].exists(n, n == event.rowz)", "7:44", 'no field "rowz"', undefined],
  ["event.metadata[event.pipline] == 1", "7:32", 'no field "pipline"', "event.pipeline"],
] as const)(
  "a field that no event has is doubtful in a condition: %s",
  async ([when, place, message, suggestion]) => {
    const { warnings } = await loadText(withHook(`when: ${when}`));

    expectProblems(warnings, [[place, message, suggestion]]);
  },
);

test.for([
  'event.runId == "x" && event.error.causes[0].anything == 1',
  "has(event.metadata.anything.at_all)",
  'event.metadata["a.b"] == 1',
  "event.metadata[event.type].eror == 1",
  "event.metadata.list.exists(event, event.eror == 1)",
  'event.pipeline == "event.eror"',
])("what an event may have is said nothing of: %s", async (when) => {
  const { warnings } = await loadText(withHook(`when: ${JSON.stringify(when)}`));

  expect(warnings).toEqual([]);
});

test("metadata that declared types do not name is doubtful where all of them are declared", async () => {
  const paid = withHook("events: [order.paid]\nwhen: event.metadata.amonut > 1");
  const mixed = withHook("events: [order.paid, pipeline.end]\nwhen: event.metadata.amonut > 1");

  const [one, several] = await Promise.all([
    loadText(`${declared}${paid}`),
    loadText(`${declared}${mixed}`),
  ]);

  expectProblems(one.warnings, [["10:26", "does not name", "event.metadata.amount"]]);
  expect(several.warnings).toEqual([]);
});

test.for([
  withGate("join: { all_of: [{ name: a, events: pipeline.end, when: event.run_id == 'x' }] }"),
  withGate("join: { all_of: [{ name: a, events: pipeline.end }], fail_when: event.run_id == 'x' }"),
  withGate("digest: { every: 5m, flush_when: event.run_id == 'x' }"),
  withGate("alert: { resolve_on: pipeline.end, open_when: event.run_id == 'x' }"),
  withGate("absence: { expect: pipeline.end, every: 1h, when: event.run_id == 'x' }"),
])("a field that no event has is doubtful in a gate's condition (%#)", async (text) => {
  const { warnings } = await loadText(text);

  expect(warnings).toMatchObject([
    { message: expect.stringContaining('no field "run_id"'), suggestion: "event.runId" },
  ]);
});

test("the metadata of a gate's own events is known, too", async () => {
  const text = withGate(
    "events: pipeline.error\nwhen: event.metadata.amount > 1\nalert: { resolve_on: order.paid }",
  );

  const { warnings } = await loadText(`${declared}${text}`);

  expect(warnings).toEqual([]);
});

test("a configuration in code is told of a doubtful field by its path", async () => {
  const folder = folderWith({
    "pipehooks.config.mjs": `export default {
  hooks: [{ name: "a", events: ["*"], when: "event.run_id == 'x'", hook: () => {} }],
};
`,
  });

  const { warnings } = await loadConfig({ cwd: folder, file: "pipehooks.config.mjs", env: {} });

  expect(warnings).toMatchObject([{ path: "hooks[0].when", suggestion: "event.runId" }]);
});

test.for([
  ['event.type = "x"', "7:23", '"=" is written == in CEL', "=="],
  ['event.type <> "x"', "7:23", '"<>" is written != in CEL', "!="],
  ["event.a == 1 & event.b == 1", "7:25", '"&" is written && in CEL', "&&"],
  ["event.a == 1 and event.b == 1", "7:25", '"and" is written && in CEL', "&&"],
  ["event.a == 1 OR event.b == 1", "7:25", '"OR" is written || in CEL', "||"],
  ["not has(event.table)", "7:12", '"not" is written ! in CEL', "!"],
  ["true && (not event.x)", "7:21", '"not" is written ! in CEL', "!"],
  ["NOT(event.x)", "7:12", '"NOT" is written ! in CEL', "!"],
  ["event.table is null", "7:24", '"is" is written == in CEL', "=="],
  ['event.type.startswith("x")', "7:23", 'no function "startswith"', "startsWith"],
  ['true && event.type.contain("x")', "7:31", 'no function "contain"', "contains"],
  ["len(event.type) > 1", "7:12", 'no function "len"', "size"],
  ['event.type.toLowerCase() == "x"', "7:23", 'no function "toLowerCase"', "lowerAscii"],
  ["event.frobnicate()", "7:18", 'no function "frobnicate"', undefined],
  ['pipeline == "x"', "7:12", "Unknown variable: pipeline", "event.pipeline"],
  ['run_id == "x"', "7:12", "Unknown variable: run_id", "event.runId"],
  ['type == "pipeline.end"', "7:12", '"type" alone', "event.type"],
  ["event.x == True", "7:23", "Unknown variable: True", "true"],
  ["startsWith(event.type, 'x')", "7:12", "no matching overload", undefined],
] as const)(
  "a slip in CEL is named where it is, with what is meant: %s",
  async ([when, place, message, suggestion]) => {
    const problems = await problemsOf(
      withHook(`when: ${JSON.stringify(when).replaceAll('\\"', "'")}`),
    );

    expectProblems(problems, [[place, message, suggestion]]);
  },
);

test("a slip in an expression is named, too", async () => {
  const problems = await problemsOf(
    withGate("debounce: { wait: 1s, by: 'event.type.startswith(\"x\")' }"),
  );

  expectProblems(problems, [["7:43", 'Expression "event.type', "startsWith"]]);
});

test.for([
  ["pipeline.failed", "pipeline.error"],
  ["pipeline.failure", "pipeline.error"],
  ["action.crashed", "action.error"],
  ["pipeline.success", "pipeline.end"],
  ["pipeline.finished", "pipeline.end"],
  ["flowgroup.done", "flowgroup.end"],
  ["pipeline.started", "pipeline.start"],
  ["pipeline.ended", "pipeline.end"],
  ["pipelin.end", "pipeline.end"],
])("another tool's word for %s suggests the type that means it", async ([type, meant]) => {
  const [problem] = await problemsOf(withHook(`events: ${type}`));

  expect(problem?.suggestion).toBe(meant);
});
