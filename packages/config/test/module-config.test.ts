import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { defineConfig, isConfigError, loadConfig, openPipehooks } from "@pipehooks/config";
import { silentLogger } from "@pipehooks/core";
import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { fixture, folderWith, resolveFrom } from "./workspace.ts";

const head = `import { defineConfig } from "${import.meta.resolve("@pipehooks/config")}";
import { defineHook } from "${import.meta.resolve("@pipehooks/core")}";
import { z } from "${import.meta.resolve("zod")}";
import { recorder } from "${new URL("./fixtures/recorder.ts", import.meta.url).href}";
`;

async function load(body: string, files: Readonly<Record<string, string>> = {}) {
  const folder = folderWith({
    ...files,
    "pipehooks.config.ts": `${head}export default ${body};\n`,
  });
  return { folder, loaded: await loadConfig({ cwd: folder, resolveFrom }) };
}

async function problemsOf(body: string) {
  const folder = folderWith({ "pipehooks.config.ts": `${head}export default ${body};\n` });
  const error = await loadConfig({ cwd: folder, resolveFrom }).catch((thrown: unknown) => thrown);
  if (!isConfigError(error)) throw error;
  return error.problems;
}

test("hooks are made by factories, by kind and options, and from functions", async () => {
  const { folder, loaded } = await load(
    `defineConfig({
  store: "sqlite:x.db",
  durability: "normal",
  source: "/ts",
  plugins: ["${fixture("recorder.ts")}"],
  destinations: { hex: { concurrency: 2 } },
  hooks: [
    { name: "a", hook: recorder({ outputFile: "a" }), events: "*", destination: "hex" },
    { name: "b", kind: "recorder", options: { outputFile: "b" }, events: ["pipeline.*"], timeoutMs: 5 },
    { name: "c", hook: () => {}, events: "pipeline.end", when: (event) => event.pipeline === "x" },
  ],
})`,
  );

  expect(loaded).toMatchObject({
    file: join(folder, "pipehooks.config.ts"),
    storeUrl: `sqlite:${join(folder, "x.db")}`,
    durability: "normal",
    options: {
      source: "/ts",
      hooks: [
        { name: "a", hook: { kind: { name: "recorder" }, options: { outputFile: "a" } } },
        {
          name: "b",
          hook: { kind: { name: "recorder" }, options: { outputFile: "b" } },
          timeoutMs: 5,
        },
        { name: "c" },
      ],
    },
  });
  expect(loaded.options).not.toHaveProperty("plugins");
  expect(loaded.options).not.toHaveProperty("durability");
});

test("what it loads can be opened", async () => {
  const { loaded } = await load(
    `defineConfig({ store: "memory:", hooks: [{ name: "c", hook: ({ event }) => { globalThis.seenByTsConfig = event.type; }, events: "*" }] })`,
  );

  const bus = await openPipehooks(loaded, { logger: silentLogger });
  await bus.emit("pipeline.end", { pipeline: "a" });
  await bus.drain();
  await bus.close();

  expect(Reflect.get(globalThis, "seenByTsConfig")).toBe("pipeline.end");
});

test("every mistake comes at once, with file and path", async () => {
  const problems = await problemsOf(`{
  store: "postgres://x",
  sorce: "/x",
  defaults: { timeout: "soon" },
  hooks: [
    { name: "a", hook: recorder({ outputFile: "" }), events: "pipeline.{end" },
    { name: "a", kind: "recoder", events: ["pipeline.ended"], when: "event.x ==", concurrency: 0 },
    { events: "*" },
  ],
}`);

  expect(problems.map(({ path }) => path).sort()).toEqual(
    [
      "store",
      "sorce",
      "defaults.timeout",
      "hooks[0].events",
      "hooks[0].hook.outputFile",
      "hooks[1].name",
      "hooks[1].kind",
      "hooks[1].events[0]",
      "hooks[1].when",
      "hooks[1].concurrency",
      "hooks[2]",
      "hooks[2].name",
    ].sort(),
  );
  expect(problems.find(({ path }) => path === "sorce")?.suggestion).toBe("source");
  expect(
    problems.every(({ file, line }) => file.endsWith("pipehooks.config.ts") && line === undefined),
  ).toBe(true);
});

test.for([
  ['source: "a b"', "source", "without spaces"],
  ['durability: "ful"', "durability", '"full"|"normal"'],
  ['allowUnknownTypes: "no"', "allowUnknownTypes", "boolean"],
  ["maxEventBytes: 0", "maxEventBytes", ">0"],
  ["leaseMs: 1", "leaseMs", ">=10"],
  ['retention: { maxAge: "400d" }', "retention.maxAge", "at most 365d"],
  ['retention: { maxage: "4d" }', "retention.maxage", "no key"],
  [
    "destinations: { hex: { breaker: { disableAfter: 3 } } }",
    "destinations.hex.breaker.disableAfter",
    "no key",
  ],
  ['events: { "Bad Name": z.object({}) }', "events", "dotted lower-case"],
  ['secrets: "x"', "secrets", "array"],
  ["secrets: [5]", "secrets[0]", "string"],
  ["logger: console.log", "logger", "debug, info, warn, error"],
  ["clock: Date", "clock", "now, timer"],
  ["random: 4", "random", "a function"],
] as const)("%s is told with its path, as opening it would", async ([option, path, message]) => {
  const problems = await problemsOf(`{ ${option}, hooks: [{ events: "*" }] }`);

  expect(problems.map((problem) => problem.path).sort()).toEqual(
    [path, "hooks[0]", "hooks[0].name"].sort(),
  );
  expect(problems.find((problem) => problem.path === path)?.message).toContain(message);
});

test.for([
  ['filter: { pipelines: "a" }', "hooks[0].filter.pipelines", "array"],
  ['filter: { pipeline: ["a"] }', "hooks[0].filter.pipeline", "no key"],
  ["when: 5", "hooks[0].when", "a function"],
  ['destination: ""', "hooks[0].destination", "characters"],
  ["hook: 5", "hooks[0].hook", "webhook({ … })"],
  ["hook: { kind: 5 }", "hooks[0].hook", "webhook({ … })"],
  ['hook: { kind: { name: "x" } }', "hooks[0].hook", "webhook({ … })"],
  ["events: []", "hooks[0].events", "is empty"],
  ['kind: "recorder", hook: undefined, options: []', "hooks[0].options", "object"],
  ['kind: "recorder", options: { outputFile: "x" }', "hooks[0]", '"hook" and "kind"'],
  ['evnets: "*"', "hooks[0].evnets", "no key"],
] as const)("%s of a hook is told with its path", async ([option, path, message]) => {
  const problems = await problemsOf(
    `{ plugins: ["${fixture("recorder.ts")}"], hooks: [{ name: "a", hook: () => {}, events: "*", ${option} }] }`,
  );

  expect(problems).toMatchObject([{ path, message: expect.stringContaining(message) }]);
});

test("of two hooks of one name each is told what is wrong with its own options", async () => {
  const problems = await problemsOf(`{
  hooks: [
    { name: "a", hook: recorder({ outputFile: "x" }), events: "*" },
    { name: "a", hook: recorder({ outputFile: "" }), events: "*" },
    { hook: recorder({ outputFile: "" }), events: "*" },
  ],
}`);

  expect(problems.map(({ path }) => path)).toEqual([
    "hooks[1].name",
    "hooks[1].hook.outputFile",
    "hooks[2].name",
    "hooks[2].hook.outputFile",
  ]);
});

test("keys are named as code has them", async () => {
  const problems = await problemsOf(`{
  hooks: [
    { name: "a", hook: () => {}, events: "orders.done" },
    { name: "b", hook: () => {}, events: ["pipeline.end"], threshold: { by: "metadata.n", count: 2, within: "1m", resetOn: "pipeline.start" } },
  ],
}`);
  const { loaded } = await load(
    `{ hooks: [{ name: "c", hook: () => {}, events: ["pipeline.end"], alert: { by: "pipeline", resolveOn: "pipeline.start" } }] }`,
  );

  expect(problems[0]?.message).toContain(
    'Declare it under "events", or set allowUnknownTypes: true.',
  );
  expect(loaded.warnings[0]?.message).toContain('Say what does with "openWhen".');
});

test.for([
  ["nothing by default", "undefined", "Nothing is exported by default"],
  ["an exception", '(() => { throw new Error("no luck"); })()', "cannot be loaded: no luck"],
])("%s is reported with the file", async ([, body, message]) => {
  const [problem] = await problemsOf(body as string);

  expect(problem?.message).toContain(message);
  expect(problem?.file).toMatch(/pipehooks\.config\.ts$/);
});

test("plugins and kinds that are no names are reported with all the rest", async () => {
  const problems = await problemsOf(
    '{ plugins: [5], sorce: "/x", hooks: [{ name: "a", kind: 5, events: "*" }] }',
  );

  expect(problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([
    'sorce: There is no key "sorce".',
    'plugins: "plugins" must be a list of names.',
    "hooks[0].kind: It must be text.",
  ]);
});

test("Node itself loads TypeScript configuration and local plugins, errors name their line", async () => {
  const folder = folderWith({
    "pipehooks.config.ts": `${head}const wanted: string = "memory:";
export default defineConfig({ store: wanted, hooks: [] });\n`,
    "broken/pipehooks.config.ts": "export default {\n  store: = 1,\n};\n",
    "run.mjs": `import { loadConfig } from "${import.meta.resolve("@pipehooks/config")}";
try { console.log((await loadConfig({ cwd: process.argv[2] })).storeUrl); } catch (error) { console.log(error.message); }
`,
  });
  const run = promisify(execFile);
  const load = async (cwd: string) =>
    (await run(process.execPath, [join(folder, "run.mjs"), cwd])).stdout.trim();

  const [right, broken] = await Promise.all([load(folder), load(join(folder, "broken"))]);

  expect(right).toBe("memory:");
  expect(broken).toMatch(/pipehooks\.config\.ts: It cannot be loaded: .*pipehooks\.config\.ts:2/s);
});

test("defineConfig types events and gives back what it is given", () => {
  const events = { "data.check": z.object({ rows: z.number() }) };
  const given = { events, hooks: [{ name: "a", hook: () => {}, events: "*" }] };

  const config = defineConfig(given);

  expect(config).toBe(given);
  expectTypeOf(config.events).toEqualTypeOf<typeof events | undefined>();
  // @ts-expect-error a hook needs a name
  defineConfig({ hooks: [{ kind: "webhook", events: "*" }] });
});
