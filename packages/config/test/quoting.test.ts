import { migrate } from "@pipehooks/config";
import { expect, test } from "vitest";
import { expectProblems } from "./expect-problems.ts";
import { problemsOf, withHook } from "./workspace.ts";

const tag = "A text that begins with ! is a tag to YAML. Put it in quotes.";
const alias = "A text that begins with * is an alias to YAML. Put it in quotes.";
const brace = "Put the text in quotes.";

test.for([
  ["events: [pipeline.*, !pipeline.start]", "6:26", tag, '"!pipeline.start"'],
  ["events: !pipeline.start", "6:13", tag, '"!pipeline.start"'],
  ["events: [!pipeline.{start,end}, pipeline.*]", "6:14", tag, '"!pipeline.{start,end}"'],
  ["events: !pipeline.{start,end}", "6:13", tag, '"!pipeline.{start,end}"'],
  ["events:\n  - pipeline.*\n  - !pipeline.start # not it", "8:9", tag, '"!pipeline.start"'],
  ["when: !has(event.table)", "7:11", tag, '"!has(event.table)"'],
  ["when: ! has(event.table)", "7:11", tag, '"! has(event.table)"'],
  [
    "when: !has(event.table) && event.x in ['a', 'b']",
    "7:11",
    tag,
    `"!has(event.table) && event.x in ['a', 'b']"`,
  ],
  [`when: !(event.pipeline == "x")`, "7:11", tag, `'!(event.pipeline == "x")'`],
  ["filter: { pipelines: [prod_*, !prod_scratch] }", "7:35", tag, '"!prod_scratch"'],
  ["events: *", "6:13", alias, '"*"'],
  ["events: [*]", "6:14", alias, '"*"'],
  ["events: *.error", "6:13", alias, '"*.error"'],
  ["events: [*.error, pipeline.end]", "6:14", alias, '"*.error"'],
  ["events: *.{end,error}", "6:13", alias, '"*.{end,error}"'],
  ["events: [*.{end,error}, pipeline.start]", "6:14", alias, '"*.{end,error}"'],
  ["filter: { pipelines: *_orders }", "7:26", alias, '"*_orders"'],
  ["events: [ pipeline.{end,error} ]", "6:15", brace, '"pipeline.{end,error}"'],
] as const)(
  "an unquoted text is shown in quotes, and nothing else said: %s",
  async ([more, ...expected]) => {
    expectProblems(await problemsOf(withHook(more)), [expected]);
  },
);

test.for([
  ["line: { text: ${pipeline} failed }", "9:21", '"${pipeline} failed"'],
  ["line: { text: the ${pipeline} failed }", "9:21", '"the ${pipeline} failed"'],
  ["line: { text: ${pipeline}/${table} failed, b: 1 }", "9:21", '"${pipeline}/${table} failed"'],
  ["line: {text: a, b: ${pipeline}}", "9:26", '"${pipeline}"'],
  ["line: [ ${pipeline}, a ]", "9:15", '"${pipeline}"'],
  ["line: [ a, ${pipeline} ]", "9:18", '"${pipeline}"'],
  ["line: { url: https://a.b/${pipeline} }", "9:20", '"https://a.b/${pipeline}"'],
  ["line:\n  { text: ${pipeline}, b: c }", "10:17", '"${pipeline}"'],
] as const)(
  "so is a reference between braces or brackets: %s",
  async ([options, place, suggestion]) => {
    const problems = await problemsOf(`${withHook("", options)}defaults: {}\n`);

    expectProblems(problems, [[place, brace, suggestion]]);
  },
);

test("several such texts of one line are said, whichever the parser stumbles over", async () => {
  const problems = await problemsOf(withHook("events: [*, pipeline.{end,error}, !a.b]"));

  expect(problems.map(({ suggestion }) => suggestion)).toEqual([
    '"*"',
    '"pipeline.{end,error}"',
    '"!a.b"',
  ]);
});

test("what else is wrong behind such a text is said, too", async () => {
  const text = withHook("events: [*, !a.b]\ntimeot: 5s", "outputt_file: x");

  const problems = await problemsOf(text);

  expect(problems.map(({ suggestion }) => suggestion)).toEqual([
    '"*"',
    '"!a.b"',
    "timeout",
    "output_file",
  ]);
});

test.for(["api_token: !hush-hush", "api_token: *.hush-hush", "api_token:\n  !hush-hush"])(
  "an unquoted secret is not shown: %s",
  async (options) => {
    const problems = await problemsOf(withHook("", options));

    expect(problems).toMatchObject([{ message: expect.stringContaining("in quotes") }]);
    expect(JSON.stringify(problems)).not.toContain("hush-hush");
  },
);

test("migrate says it the same way", () => {
  const text = "plugins:\n  config:\n    event_hooks:\n      webhook: { events: !x.y }\n";

  expect(() => migrate(text)).toThrow('Did you mean "!x.y"?');
});
