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
    'hooks[0].kind: "kind" must be text.',
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
