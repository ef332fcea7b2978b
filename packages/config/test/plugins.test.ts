import { findOfficialPlugins, loadKindsOf } from "@pipehooks/config";
import { expect, test } from "vitest";
import { fixture, folderWith, loadText, problemsOf, resolveFrom, withHook } from "./workspace.ts";

const core = import.meta.resolve("@pipehooks/core");

/** Source of a module that exports a kind (and what `more` says). */
function kindModule(name: string, more = ""): string {
  return `import { defineHook, definePlugin } from "${core}";
const anything = { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } };
const hook = defineHook({ name: "${name}", options: anything, create: () => ({ deliver() {} }), ${more} });
`;
}

/** An npm package as it lies in node_modules. */
function packageFiles(name: string, source: string): Record<string, string> {
  return {
    [`node_modules/${name}/package.json`]: JSON.stringify({
      name,
      version: "1.2.3",
      type: "module",
      exports: { ".": { types: "./index.d.ts", import: "./lib/index.js" } },
    }),
    [`node_modules/${name}/lib/index.js`]: source,
  };
}

const using = (plugin: string, kind: string) => `version: 1
plugins: [${JSON.stringify(plugin)}]
hooks:
  - { name: a, kind: ${kind}, events: "*", options: { any_key: 1 } }
`;

test("an official kind is found by itself", async () => {
  const { plugins, kinds } = await loadText(`version: 1
hooks:
  - { name: a, kind: webhook, events: "*", options: { url: "https://example.com/x" } }
`);

  expect(plugins).toMatchObject([{ name: "@pipehooks/webhook" }]);
  expect([...kinds.keys()]).toEqual(["webhook"]);
});

test("the options of an official kind are checked at their place, in the words of the file", async () => {
  const problems = await problemsOf(`version: 1
hooks:
  - name: a
    kind: webhook
    events: "*"
    options:
      url: http://example.com/x
`);

  expect(problems).toMatchObject([
    {
      line: 7,
      column: 12,
      code: "HOOK_OPTIONS_INVALID",
      message: expect.stringContaining('"allow_http"'),
    },
  ]);
});

test("a package is found from the folder of the file, by its exports, with its version", async () => {
  const { plugins } = await loadText(using("@acme/jira", "jira"), {
    files: packageFiles("@acme/jira", `${kindModule("jira")} export default hook;`),
  });

  expect(plugins).toMatchObject([
    {
      name: "@acme/jira",
      version: "1.2.3",
      kinds: [{ name: "jira" }],
      from: expect.stringMatching(/lib\/index\.js$/),
    },
  ]);
});

test.for([
  ["a factory by default", "export default hook;"],
  ["a list by default", "export default [hook];"],
  ["a named factory", "export { hook as jira };"],
  [
    "a plugin",
    'export default definePlugin({ name: "p", version: "2.0.0", core: "*", hooks: [hook] });',
  ],
])("a local file may export %s", async ([, source]) => {
  const { options } = await loadText(using("./jira.mjs", "jira"), {
    files: { "jira.mjs": kindModule("jira") + source },
  });

  expect(options.hooks).toHaveLength(1);
});

test("a kind without JSON Schema gets its options as written", async () => {
  const { options } = await loadText(using("./jira.mjs", "jira"), {
    files: { "jira.mjs": `${kindModule("jira")} export default hook;` },
  });

  expect(options.hooks).toMatchObject([{ hook: { options: { any_key: 1 } } }]);
});

test("event types of a plugin are known", async () => {
  const source = `${kindModule("jira")} export default definePlugin({
    name: "p", version: "1.0.0", core: "*", hooks: [hook], events: { "jira.closed": anything } });`;
  const text = using("./jira.mjs", "jira").replace('"*"', '["jira.closed"]');

  const { options } = await loadText(text, { files: { "jira.mjs": source } });

  expect(Object.keys(options.events ?? {})).toEqual(["jira.closed"]);
});

test.for([
  ["another core", '"^99.0.0"', "PLUGIN_INCOMPATIBLE", "works with @pipehooks/core ^99.0.0"],
  ["no range", '"latest!"', "PLUGIN_INVALID", "which is no version range"],
] as const)("a plugin for %s is refused", async ([, range, code, message]) => {
  const source = `${kindModule("jira")} export default definePlugin({ name: "p", version: "1.0.0", core: ${range}, hooks: [hook] });`;

  const problems = await problemsOf(using("./jira.mjs", "jira"), { files: { "jira.mjs": source } });

  expect(problems[0]).toMatchObject({
    line: 2,
    column: 11,
    code,
    message: expect.stringContaining(message),
  });
});

test("a module that exports no plugin is refused", async () => {
  const [problem] = await problemsOf(using("./x.mjs", "jira"), {
    files: { "x.mjs": "export const a = 1;" },
  });

  expect(problem).toMatchObject({
    line: 2,
    code: "PLUGIN_INVALID",
    message: expect.stringContaining("exports no plugin"),
  });
});

test.for([
  ["hooks: [5]", 'has other "hooks" than a list of what defineHook gives'],
  ["hooks: { hook }", 'has other "hooks" than a list of what defineHook gives'],
  ["sources: [{}]", 'has other "sources" than a list of what defineSource gives'],
  ['events: { "jira.closed": 5 }', 'has "events" that are no schemas'],
  ["events: { Closed: anything }", 'Event type "Closed" is not a dotted lower-case name'],
] as const)(
  "a plugin with %s is refused at its place, beside all other problems",
  async ([part, message]) => {
    const source = `${kindModule("jira")} export default { name: "p", version: "1.0.0", core: "*", ${part} };`;
    const text = using("./jira.mjs", "webhok");

    const problems = await problemsOf(text, { files: { "jira.mjs": source } });

    expect(problems).toMatchObject([
      { line: 2, column: 11, code: "PLUGIN_INVALID", message: expect.stringContaining(message) },
      { line: 4, suggestion: "webhook" },
    ]);
  },
);

test("a kind whose check of the options throws is reported at them", async () => {
  const source = `${kindModule("jira")}
const check = { "~standard": { version: 1, vendor: "test", validate: ({ any_key }) => ({ value: new URL(any_key) }) } };
export default defineHook({ name: "jira", options: check, create: () => ({ deliver() {} }) });`;

  const problems = await problemsOf(using("./jira.mjs", "jira"), { files: { "jira.mjs": source } });

  expect(problems).toMatchObject([
    {
      line: 4,
      path: "hooks[0].options",
      code: "HOOK_OPTIONS_INVALID",
      message: expect.stringContaining('The kind "jira" could not check them: Invalid URL'),
    },
  ]);
});

test("a plugin that throws while it loads is reported with its own place", async () => {
  const [problem] = await problemsOf(using("./x.mjs", "jira"), {
    files: { "x.mjs": '\nthrow new Error("no luck");\n' },
  });

  expect(problem?.message).toMatch(/^\.\/x\.mjs cannot be loaded: no luck \(.*x\.mjs:2:\d+\)$/);
});

test("a kind that two plugins bring is refused", async () => {
  const source = `${kindModule("jira")} export default hook;`;
  const text = using("./a.mjs", "jira").replace('["./a.mjs"]', "[./a.mjs, ./b.mjs]");

  const problems = await problemsOf(text, { files: { "a.mjs": source, "b.mjs": source } });

  expect(problems).toMatchObject([
    { line: 2, column: 20, message: expect.stringContaining('bring the kind "jira"') },
  ]);
});

test("a plugin of one's own wins over an official kind", async () => {
  const source = `${kindModule("webhook")} export default hook;`;

  const { kinds } = await loadText(using("./w.mjs", "webhook"), { files: { "w.mjs": source } });

  expect(kinds.get("webhook")?.options["~standard"].vendor).toBe("test");
});

test("an optional package that a kind needs is asked for with the install command, unless the hook is off", async () => {
  const source = `${kindModule("jira", 'needs: ["acme-sdk"]')} export default hook;`;
  const files = { "jira.mjs": source };
  const text = using("./jira.mjs", "jira");

  const problems = await problemsOf(text, { files });

  expect(problems).toMatchObject([
    {
      line: 4,
      column: 22,
      code: "PACKAGE_MISSING",
      message: expect.stringContaining("npm install acme-sdk"),
    },
  ]);
  expect(await problemsOf(text.replace("name: a", "name: a, enabled: false"), { files })).toEqual(
    [],
  );
  expect(await problemsOf(text, { files: { ...files, ...packageFiles("acme-sdk", "") } })).toEqual(
    [],
  );
});

test("an optional package is asked for where the options make use of it", async () => {
  const needs = 'needs: ({ provider }) => provider === "acme" ? ["acme-sdk"] : []';
  const files = { "jira.mjs": `${kindModule("jira", needs)} export default hook;` };
  const text = using("./jira.mjs", "jira");
  const withProvider = (provider: string) => text.replace("any_key: 1", `provider: ${provider}`);

  expect(await problemsOf(withProvider("other"), { files })).toEqual([]);
  expect(await problemsOf(withProvider("acme"), { files })).toMatchObject([
    { line: 4, column: 22, code: "PACKAGE_MISSING" },
  ]);
});

test("the kinds of a file are known even where the file is wrong", async () => {
  const folder = folderWith({ "pipehooks.yaml": withHook("nonsense: 1") });

  const kinds = await loadKindsOf({ cwd: folder });

  expect([...kinds.keys()]).toEqual(["recorder"]);
});

test("the official plugins that are installed can be listed", async () => {
  const plugins = await findOfficialPlugins({ folder: folderWith({}), resolveFrom });

  expect(plugins.map(({ name }) => name)).toContain("@pipehooks/webhook");
});

test("a plugin in TypeScript is loaded", async () => {
  const { plugins } = await loadText(
    using(fixture("recorder.ts"), "recorder").replace("any_key: 1", "output_file: x"),
  );

  expect(plugins).toMatchObject([{ kinds: [{ name: "recorder" }] }]);
});
