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
  ["signing: { ed25519: abc123 }", "signing: { ed25519: ****** }"],
  ["cert: a.pem, key: abc#123, x: 1", "cert: a.pem, key: *******, x: 1"],
  ["Ocp-Apim-Subscription-Key: abc123", "Ocp-Apim-Subscription-Key: ******"],
  ["Cookie: session=abc123", "Cookie: **************"],
  ["smtp_pass: abc123", "smtp_pass: ******"],
  ["pasword: abc123", "pasword: ******"],
  ["passwrod: abc123", "passwrod: ******"],
  ["client_secert: abc123", "client_secert: ******"],
  ["apiTokn: abc123", "apiTokn: ******"],
  ['token: "a\\"b"', 'token: "**"*"'],
  ["note: whsec_abc123", "note: whsec_******"],
  ["note: whsk_abc+/=", "note: whsk_******"],
  ["proxy: etl:abc123@proxy:3128", "proxy: etl:******@proxy:3128"],
  ["proxy: https://etl:a@b/c@proxy", "proxy: https://etl:*****@proxy"],
  ["proxy: ${env:USER}:${env:PASS}@proxy", "proxy: ${env:USER}:${env:PASS}@proxy"],
  ["store: a://x;SharedAccessKey=abc;y=1", "store: a://x;SharedAccessKey=***;y=1"],
])("%s is shown as %s", async ([written, shown]) => {
  const [problem] = await problemsOf(withHook(`filter: { ${written} }`));

  expect(problem?.sourceLine).toBe(`    filter: { ${shown} }`);
});

test("a secret with a comma is masked to the end of its line, but for a comment", async () => {
  const [problem] = await problemsOf(withHook("", "paswords: abc,123 {x} # of the test system"));

  expect(problem?.sourceLine).toBe("      paswords: ******* *** # of the test system");
});

test.for([
  "key: metadata.order.id",
  "key: event.pipeline",
  "by: pipeline",
  "order_by: customer",
  "dedup_key: orders",
  "api_key: true",
  "secure: maybe",
  "url: https://a.example:8080/x",
])("%s is no secret, and shown", async (written) => {
  const [problem] = await problemsOf(withHook(`filter: { ${written} }`));

  expect(problem?.sourceLine).toBe(`    filter: { ${written} }`);
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
        ed25519:
          - QUJDREVGR0g=
      auth:
        basic: { username: u }
`;

  const problems = await problemsOf(text);

  expect(problems.map(({ sourceLine }) => sourceLine)).toEqual([
    "          - **************",
    "          - ************",
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
