import { formatProblem } from "@pipehooks/config";
import { expect, test } from "vitest";
import { problemsOf, withHook } from "./workspace.ts";

test("a literal secret is masked in the line that is shown", async () => {
  const [problem] = await problemsOf(
    withHook("", 'labels: { api_token: "hunter2-hunter2", other: 5 }'),
  );

  expect(problem?.sourceLine).toBe('      labels: { api_token: "***************", other: 5 }');
});

test.each([
  ["token: ${env:MISSING_TOKEN}", "token: ${env:MISSING_TOKEN}"],
  ["token: sk-1${env:MISSING_TOKEN}", "token: ****${env:MISSING_TOKEN}"],
])("of %s the reference is shown", async (written, shown) => {
  const [problem] = await problemsOf(withHook(`labels: { ${written} }`));

  expect(problem?.sourceLine).toContain(`labels: { ${shown} }`);
});

test("the password of a URL is masked in the line that is shown", async () => {
  const [problem] = await problemsOf("version: 1\nstore: postgres://etl:hunter2@db/x\n");

  expect(problem?.sourceLine).toBe("store: postgres://etl:*******@db/x");
  expect(problem?.message).not.toContain("hunter2");
});

test.for([
  ["auth: { bearer: abc123, x: 1 }", "auth: { bearer: ******, x: 1 }"],
  ["auth: { user: u, pass: abc123 }", "auth: { user: u, pass: ****** }"],
  ["routing_key: abc123", "routing_key: ******"],
  ["secrets: [abc, 'd e', \"${env:MISSING}\"]", "secrets: [***, '* *', \"${env:MISSING}\"]"],
  ["url: https://a.example/x?sig=abc123&v=1", "url: https://a.example/x?sig=******&v=1"],
  ["passes: 5", "passes: 5"],
])("%s is shown as %s", async ([written, shown]) => {
  const [problem] = await problemsOf(withHook(`filter: { ${written} }`));

  expect(problem?.sourceLine).toBe(`    filter: { ${shown} }`);
});

test("an entry of a list of secrets is masked on its own line, and the line of something missing is not", async () => {
  const text = `version: 1
hooks:
  - name: a
    kind: webhook
    events: "*"
    options:
      url: https://a.example
      signing:
        secrets:
          - whsec_c2hvcnQ=
      auth:
        basic: { username: u }
`;

  const problems = await problemsOf(text);

  expect(problems.map(({ sourceLine }) => sourceLine)).toEqual([
    "          - **************",
    "        basic: { username: u }",
  ]);
});

test("a line of any length is shown at once, around the column only", async () => {
  const [problem] = await problemsOf(
    `{ "version": 1, "source": "/${"x".repeat(200_000)}", "colour": 1 }`,
  );

  const [, line = "", caret = ""] = problem ? formatProblem(problem).split("\n") : [];
  expect(line.length).toBeLessThan(260);
  expect(line.slice(caret.indexOf("^"))).toBe('"colour": 1 }');
}, 5000);
