import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { loadConfig } from "@pipehooks/config";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Block, readBlocks, root, toBlocks } from "./markdown.ts";
import { findUnknown } from "./shell-commands.ts";

const execute = promisify(execFile);
const blocks = await readBlocks();
// Inside the workspace, so that imports resolve as in a project that installed the packages.
const folder = await mkdtemp(join(root, "docs/.code-blocks-"));

beforeAll(async () => {
  await Promise.all(ofLanguage("ts").map((b) => writeFile(fileOf(b), moduleOf(b))));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test("every TypeScript block of the pages type-checks", async () => {
  const compilerOptions = {
    noEmit: true,
    allowImportingTsExtensions: true,
    noUnusedLocals: false,
    noUnusedParameters: false,
  };
  const tsconfig = {
    extends: "../../tsconfig.base.json",
    compilerOptions,
    include: ["*.ts", "../../modules.d.ts"],
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(tsconfig));

  const found = await outputOf("tsc", ["-p", folder, "--pretty", "false"]);

  expect(ofLanguage("ts").reduce(toPlaces, found)).toBe("");
});

test.for(blocks.filter(({ runs }) => runs))("$place ends well when executed", async (block) => {
  const cwd = await mkdtemp(join(tmpdir(), "pipehooks-block-"));

  const args = isShell(block) ? ["-e", "-c", block.code] : [fileOf(block)];
  const command = isShell(block) ? "bash" : process.execPath;
  await execute(command, args, { cwd, env: withWorkspace(), timeout: 25_000 });

  await rm(cwd, { recursive: true, force: true });
});

const configurations = ofLanguage("yaml").filter(({ code }) =>
  /^(?:#.*\n)*version: 1\b/.test(code),
);

test.for(configurations)("the configuration of $place loads", async ({ code }) => {
  const cwd = await mkdtemp(join(folder, "configuration-"));
  const file = join(cwd, "pipehooks.yaml");
  await writeFile(file, code);

  await loadConfig({ file, env: environmentOf(code) });
});

test.for(ofLanguage("json"))("the JSON of $place parses", ({ code }) => {
  expect(() => JSON.parse(code)).not.toThrow();
});

test.for(blocks.filter(isShell))("the commands of $place exist", async ({ code }) => {
  await execute("bash", ["-n", "-c", code]);

  const unknown = await findUnknown(code);

  expect(unknown).toEqual([]);
});

test("a block under a comment that gives a reason is left out", () => {
  const page = "<!-- not run: needs an account -->\n\n```ts\nnope\n```\n\n```ts run\nyes\n```\n";

  const found = toBlocks("page.md", page);

  expect(found.map(({ place, runs, code }) => ({ place, runs, code }))).toEqual([
    { place: "page.md:8", runs: true, code: "yes\n" },
  ]);
});

test("a block may not be left out without a reason", () => {
  expect(() => toBlocks("page.md", "<!-- not run -->\n```ts\nnope\n```\n")).toThrow("page.md:3");
});

function ofLanguage(language: string): readonly Block[] {
  return blocks.filter((block) => block.language === language);
}

function isShell({ language }: Block): boolean {
  return language === "sh" || language === "bash";
}

function fileOf({ page, line }: Block): string {
  return join(folder, `${page.replaceAll("/", "-").replace(/\.md$/, "")}-${line}.ts`);
}

/** A value for each variable that a configuration reads; one that is right as an address, too. */
function environmentOf(code: string): Record<string, string> {
  const names = [...code.matchAll(/\$\{env:(\w+)/g)].map(([, name = ""]) => name);
  const textFor = (name: string) =>
    name.includes("SECRET")
      ? `whsec_${Buffer.from(name.padEnd(24, "x")).toString("base64")}`
      : `https://example.com/${name}`;
  return Object.fromEntries(names.map((name) => [name, textFor(name)]));
}

/** Blank lines before the code, so that what the compiler says has the page's own line numbers. */
function moduleOf({ line, code }: Block): string {
  const isModule = /^(?:import|export)\s/m.test(code);
  return `${"\n".repeat(line - 1)}${code}${isModule ? "" : "export {};\n"}`;
}

function toPlaces(output: string, block: Block): string {
  return output.replaceAll(`docs/${basename(folder)}/${basename(fileOf(block))}`, block.page);
}

function withWorkspace(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${join(root, "node_modules/.bin")}:${process.env.PATH}` };
}

async function outputOf(command: string, args: readonly string[]): Promise<string> {
  const ended = execute(command, [...args], { cwd: root, env: withWorkspace() });
  const { stdout } = await ended.catch((failed: { stdout: string }) => failed);
  return stdout;
}
