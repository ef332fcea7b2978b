import { join } from "node:path";
import { type BuiltIn, findOfficialPlugins, loadConfig, loadKindsOf } from "@pipehooks/config";
import { definePlugin } from "@pipehooks/core";
import { webhook } from "@pipehooks/webhook";
import { expect, test } from "vitest";
import { folderWith } from "./workspace.ts";

const name = "@pipehooks/webhook";
const core = import.meta.resolve("@pipehooks/core");
const carried = definePlugin({ name, version: "2.0.0", core: "^2.0.0", hooks: [webhook] });
const builtIn: BuiltIn = {
  version: "2.0.0",
  plugins: { [name]: async () => ({ default: carried }) },
};
const yaml = `version: 1
hooks:
  - { name: a, kind: webhook, events: "*", options: { url: "https://example.com/x" } }
`;

/** The same package as it is installed in a folder. */
function installed(version: string, source = ""): Record<string, string> {
  return {
    [`node_modules/${name}/package.json`]: JSON.stringify({
      name,
      version,
      type: "module",
      exports: "./index.js",
    }),
    [`node_modules/${name}/index.js`]: `import { defineHook } from "${core}";
const options = { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } };
export default defineHook({ name: "webhook", options, create: () => ({ deliver() {} }) });
${source}`,
  };
}

async function pluginsOf(files: Readonly<Record<string, string>>, text = yaml) {
  const folder = folderWith({ ...files, "pipehooks.yaml": text });
  return (await loadConfig({ cwd: folder, builtIn })).plugins;
}

test("a built-in plugin serves a file whose folder does not have the package", async () => {
  expect(await pluginsOf({})).toMatchObject([{ name, version: "2.0.0", kinds: [webhook.kind] }]);
});

test("a built-in plugin is found by its name under plugins", async () => {
  const text = `plugins: ["${name}"]\n${yaml}`;

  expect(await pluginsOf({}, text)).toMatchObject([{ version: "2.0.0" }, { version: "2.0.0" }]);
});

test.for(["1.9.0", "2.0.1"])(
  "the folder's own version %s wins over a built-in one",
  async (own) => {
    expect(await pluginsOf(installed(own))).toMatchObject([{ name, version: own }]);
  },
);

test("a package of the built-in's version is not imported: it is the same code", async () => {
  const files = installed("2.0.0", "throw new Error('imported');");

  expect(await pluginsOf(files)).toMatchObject([{ kinds: [webhook.kind] }]);
});

test("plugins are held against the version of core that is built in", async () => {
  const folder = folderWith({
    "pipehooks.yaml": `plugins: [./old.mjs]\n${yaml}`,
    "old.mjs": 'export default { name: "old", version: "1.0.0", core: "^1.0.0" };',
  });

  await expect(loadConfig({ cwd: folder, builtIn })).rejects.toThrow(
    "old 1.0.0 works with @pipehooks/core ^1.0.0, and 2.0.0 is installed",
  );
});

test("a built-in plugin serves a file in TypeScript, and the lists of kinds and plugins", async () => {
  const hook =
    '{ name: "a", events: "*", kind: "webhook", options: { url: "https://example.com" } }';
  const folder = folderWith({
    "pipehooks.config.ts": `export default { hooks: [${hook}] };`,
    "pipehooks.yaml": yaml,
  });
  const file = join(folder, "pipehooks.config.ts");

  expect((await loadConfig({ file, builtIn })).kinds.get("webhook")).toBe(webhook.kind);
  expect((await loadKindsOf({ cwd: folder, builtIn })).get("webhook")).toBe(webhook.kind);
  // The others of the workspace, which work with another version of core, are out of sight behind these.
  const stand = builtIn.plugins[name];
  const others = ["alerts", "cloud-logging", "databricks", "dbt", "email", "hex"].map((other) => [
    `@pipehooks/${other}`,
    stand,
  ]);
  const plugins = { ...builtIn.plugins, ...Object.fromEntries(others) };
  expect(
    await findOfficialPlugins({ folder, resolveFrom: [], builtIn: { ...builtIn, plugins } }),
  ).toContainEqual(expect.objectContaining({ name, version: "2.0.0" }));
});
