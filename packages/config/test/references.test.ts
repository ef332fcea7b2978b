import { compileTemplate, createRedactor } from "@pipehooks/core";
import { expect, test } from "vitest";
import { loadText, problemsOf, withHook } from "./workspace.ts";

interface Context {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
}

async function optionsOf(text: string, context: Context = {}) {
  const { options } = await loadText(withHook("", text), context);
  const hook = options.hooks?.[0]?.hook as { readonly options: Record<string, unknown> };
  return { options: hook.options, secrets: options.secrets };
}

test("a variable of the environment is read, and its value is a secret", async () => {
  const { options, secrets } = await optionsOf('api_token: "Bearer ${env:TOKEN}"', {
    env: { TOKEN: "t0p-s3cret" },
  });

  expect(options.apiToken).toBe("Bearer t0p-s3cret");
  expect(secrets).toEqual(["t0p-s3cret"]);
});

test("a file is read relative to the configuration, without its last line break", async () => {
  const { options, secrets } = await optionsOf('api_token: "${file:secrets/token}"', {
    files: { "secrets/token": "from-a-file\n" },
  });

  expect(options.apiToken).toBe("from-a-file");
  expect(secrets).toEqual(["from-a-file"]);
});

test("a file's byte order mark is no part of a secret, and a file that is no text is refused", async () => {
  const { options } = await optionsOf('api_token: "${file:token}"', {
    files: { token: "\uFEFFfrom-a-file\r\n" },
  });
  const problems = await problemsOf(withHook("", 'api_token: "${file:token}"'), {
    files: { token: Buffer.from("k\u00e9y", "latin1") },
  });

  expect(options.apiToken).toBe("from-a-file");
  expect(problems.map(({ message }) => message)).toEqual([
    "The file token is not text in UTF-8. Keep the secret as text, such as base64.",
  ]);
});

test.for([
  ["it is missing", {}],
  ["it is empty", { TOKEN: "" }],
] as const)(
  "a default stands in where %s, and is no secret: it stands in the file",
  async ([, env]) => {
    const { options, secrets } = await optionsOf('api_token: "${env:TOKEN:-none}"', { env });

    expect(options.apiToken).toBe("none");
    expect(secrets).toEqual([]);
  },
);

test("a variable that is set to nothing is as good as missing", async () => {
  const [problem] = await problemsOf(withHook("", 'api_token: "${env:TOKEN}"'), {
    env: { TOKEN: "" },
  });

  expect(problem?.message).toBe("The environment variable TOKEN is empty.");
});

test.for([
  "{ a: { b: '${env:MISSING}' } }",
  "[b, '${env:MISSING}']",
  "{ a: '${env:DOLLAR}${pipeline}' }",
])("what is wrong inside a payload is said once: %s", async (payload) => {
  const text = `version: 1
hooks:
  - name: a
    kind: webhook
    events: "*"
    options: { url: "https://a.example", payload: ${payload} }
`;

  const problems = await problemsOf(text, { env: { DOLLAR: "5$" } });

  expect(problems.map(({ message }) => message)).toEqual([
    expect.stringMatching(/MISSING is not set|ends in \$/),
  ]);
});

test("what is missing beside something broken is said too", async () => {
  const text = `version: 1
hooks:
  - name: a
    kind: webhook
    events: "*"
    options: { headers: { A: "\${env:MISSING}" }, tls: { cert: "\${env:MISSING}" } }
`;

  const problems = await problemsOf(text);

  expect(problems.map(({ path }) => path)).toEqual([
    "hooks[0].options.url",
    "hooks[0].options.headers.A",
    "hooks[0].options.tls.key",
    "hooks[0].options.tls.cert",
  ]);
});

test("a similar variable is suggested by its name only", async () => {
  const [problem] = await problemsOf(withHook("", 'api_token: "${env:TOKN}"'), {
    env: { TOKEN: "t0p-s3cret" },
  });

  expect(problem?.suggestion).toBe("${env:TOKEN}");
  expect(JSON.stringify(problem)).not.toContain("t0p-s3cret");
});

test("a number and a boolean may come from outside whole, and are no secrets", async () => {
  const { options, secrets } = await optionsOf(
    'max_lines: "${env:LINES}"\nverbose: "${env:VERBOSE}"',
    { env: { LINES: "12", VERBOSE: "true" } },
  );

  expect(options).toMatchObject({ maxLines: 12, verbose: true });
  expect(secrets).toEqual([]);
});

test("a text that is no number is refused without being shown", async () => {
  const [problem] = await problemsOf(withHook("", 'max_lines: "${env:LINES}"'), {
    env: { LINES: "plenty-of-them" },
  });

  expect(problem).toMatchObject({ line: 9, message: '"max_lines" must be a number, not text.' });
});

test("names, events, filters, conditions and policies may come from outside and are no secrets", async () => {
  const text = withHook(
    'events: ["${env:TYPE}"]\nfilter: { pipelines: ["${env:STAGE}_*"] }\nwhen: event.pipeline == "${env:STAGE}"\ntimeout: "${env:SECONDS}s"\nenabled: "${env:ON}"\nconcurrency: "${env:MANY}"',
  ).replace("name: log", 'name: "log-${env:STAGE}"');

  const { options } = await loadText(`source: "/\${env:STAGE}"\n${text}`, {
    env: { TYPE: "pipeline.end", STAGE: "prod", SECONDS: "5", ON: "false", MANY: "3" },
  });

  expect(options).toMatchObject({ source: "/prod", secrets: [] });
  expect(options.hooks?.[0]).toMatchObject({
    name: "log-prod",
    events: ["pipeline.end"],
    filter: { pipelines: ["prod_*"] },
    when: 'event.pipeline == "prod"',
    timeout: "5s",
    enabled: false,
    concurrency: 3,
  });
});

test.for([
  ["${env:VALUE}", "a ${pipeline} b"],
  ["x ${env:VALUE} ${type}", "x a ${pipeline} b pipeline.end"],
  ["$${env:VALUE}", "${env:VALUE}"],
  ["${env:DOLLAR}{type}", "${type}"],
  ["$${type} ${env:VALUE}", "${type} a ${pipeline} b"],
] as const)(
  "in a template %s gives its value, and never becomes a template",
  async ([text, expected]) => {
    const { options } = await optionsOf(`line: '${text}'`, {
      env: { VALUE: "a ${pipeline} b", DOLLAR: "$" },
    });

    const template = compileTemplate(options.line as string);
    expect(template.render({ type: "pipeline.end", pipeline: "orders" })).toBe(expected);
  },
);

test("a dollar that would change what follows it in a template is refused", async () => {
  const [problem] = await problemsOf(withHook("", 'line: "${env:DOLLAR}${type}"'), {
    env: { DOLLAR: "5$" },
  });

  expect(problem?.message).toContain("ends in $");
});

test("outside templates a doubled dollar is a literal one", async () => {
  const { options } = await optionsOf('api_token: "a $${b} c"');

  expect(options.apiToken).toBe("a ${b} c");
});

test("what a validator says about a secret is redacted", async () => {
  const plugin = `import { defineHook } from "CORE";
export default defineHook({
  name: "loud",
  options: { "~standard": { version: 1, vendor: "x", validate: (value) => ({
    issues: [{ message: "cannot use " + value.key, path: ["key"] }] }) } },
  create: () => ({ deliver() {} }),
});
`.replace("CORE", import.meta.resolve("@pipehooks/core"));
  const text = `version: 1
plugins: [./loud.mjs]
hooks:
  - { name: a, kind: loud, events: "*", options: { key: "\${env:KEY}" } }
`;

  const problems = await problemsOf(text, {
    env: { KEY: "t0p-s3cret" },
    files: { "loud.mjs": plugin },
  });

  expect(problems).toMatchObject([{ line: 4, message: '"key" cannot use [redacted].' }]);
});

test("the secrets given to the bus hide the values in their usual codings", async () => {
  const { secrets = [] } = await optionsOf('api_token: "${env:TOKEN}"', {
    env: { TOKEN: 'a"b c d' },
  });

  expect(createRedactor(secrets)(`${JSON.stringify('a"b c d')} a%22b%20c%20d`)).toBe(
    '"[redacted]" [redacted]',
  );
});
