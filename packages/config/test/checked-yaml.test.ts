import { type ConfigError, formatProblem, isConfigError, readCheckedYaml } from "@pipehooks/config";
import { expect, test } from "vitest";
import { z } from "zod";

const schema = z.strictObject({
  maxAge: z.int().optional(),
  items: z.array(
    z.strictObject({ name: z.string(), data: z.record(z.string(), z.unknown()).optional() }),
  ),
});
const read = (text: string) =>
  readCheckedYaml({ file: "/x/a.yaml", text, schema, atLeast: ["items:"] });

function problemsOf(text: string): readonly string[] {
  try {
    read(text);
    return [];
  } catch (error) {
    if (!isConfigError(error)) throw error;
    return (error as ConfigError).problems.map(
      ({ line, column, message }) => `${line}:${column} ${message}`,
    );
  }
}

test("keys are ours in snake_case, data stays as it is written, references too", () => {
  const { value } = read(
    'max_age: 3\nitems:\n  - name: "${env:X}"\n    data: { own_key: 2026-03-28, b: "${y}" }\n',
  );

  expect(value).toEqual({
    maxAge: 3,
    items: [{ name: "${env:X}", data: { own_key: "2026-03-28", b: "${y}" } }],
  });
});

test("everything wrong is told at once, each thing once, with its place", () => {
  expect(problemsOf("max_age: x\nitms: []\nitems: [{ nme: a }]\n")).toEqual([
    '1:10 "max_age" must be a number, not "x".',
    '2:1 this file has no key "itms".',
    '3:9 "name" is missing. It must be text.',
    '3:11 items[0] has no key "nme".',
  ]);
  expect(problemsOf("# nothing\n")).toEqual(['1:1 The file is empty. Write at least "items:".']);
  expect(problemsOf("- a\n")).toEqual([
    "1:1 The file must hold keys and values, such as `items:`.",
  ]);
  expect(problemsOf("items: [\n")).toHaveLength(1);
});

test("a problem can be said of any place of it later", () => {
  const { problemAt } = read("items:\n  - name: a\n  - name: b\n");

  const problem = problemAt({ steps: ["items", 1, "name"], message: "It is b." });

  expect(formatProblem(problem)).toBe(
    "/x/a.yaml:3:11: It is b.\n  3 |   - name: b\n    |           ^",
  );
});
