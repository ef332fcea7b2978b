import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { checkBundled } from "./packed-bundle.ts";
import { checkPackedCommand } from "./packed-command.ts";
import { run } from "./run.ts";

// Packs every public package as it would be published, checks the tarballs, installs them into an empty folder
// and uses them there. Says nothing but one line when all is well; needs `pnpm build` before.
interface Packed {
  readonly name: string;
  readonly version: string;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** The part of a packed manifest that is looked at here. */
interface Manifest {
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly bin?: Readonly<Record<string, string>>;
}

const folder = await mkdtemp(join(tmpdir(), "pipehooks-pack-"));
const quiet = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
try {
  const packages = await pack();
  const problems = [
    ...packages.flatMap(checkFiles),
    ...(await twoAtATime(packages.flatMap((p) => [() => checkPublint(p), () => checkTypes(p)]))),
  ];
  if (problems.length > 0) throw new Error(problems.join("\n"));
  await install(packages);
  const specifiers = await Promise.all(packages.map(checkTargets));
  await importAll(specifiers.flat());
  await checkDeclarations();
  await checkCommand(packages.find(({ name }) => name === "pipehooks")?.version ?? "");
  console.log(`${packages.length} packages packed, checked, installed and imported`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function pack(): Promise<readonly Packed[]> {
  const args = ["--filter", "./packages/**", "-r", "pack", "--json", "--pack-destination", folder];
  return JSON.parse(await must("pnpm", args));
}

function checkFiles({ name, files }: Packed): readonly string[] {
  const paths = files.map(({ path }) => path);
  const allowed = /^(?:(?:dist|src)\/.+|package\.json|LICENSE|README\.md|CHANGELOG\.md)$/;
  const unwanted = /\.test\.|\.tsbuildinfo$|(?:^|\/)test\//;
  const required = ["LICENSE", "README.md", "src/index.ts"];
  const built = ["dist/index.js", "dist/index.d.ts"];
  const missing = (path: string) => !paths.includes(path);
  return [
    ...paths
      .filter((path) => !allowed.test(path) || unwanted.test(path))
      .map((path) => `${name}: ${path} does not belong in the tarball.`),
    ...required.filter(missing).map((path) => `${name}: ${path} is missing. Write it.`),
    ...built.filter(missing).map((path) => `${name}: ${path} is missing. Run \`pnpm build\`.`),
  ];
}

async function checkPublint({ name, filename }: Packed): Promise<readonly string[]> {
  const tarball = Uint8Array.from(await readFile(filename)).buffer;
  const { messages, pkg } = await publint({ pack: { tarball }, level: "warning", strict: true });
  return messages.map((it) => `${name}: publint: ${formatMessage(it, pkg) ?? it.code}`);
}

async function checkTypes({ name, filename }: Packed): Promise<readonly string[]> {
  const args = [filename, "--profile", "esm-only", "--no-color", "--no-emoji", "--format", "ascii"];
  const { ok, output } = await run("attw", args);
  return ok ? [] : [`${name}: attw:\n${output}`];
}

async function install(packages: readonly Packed[]): Promise<void> {
  await writeFile(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  await must("npm", ["install", ...quiet, ...packages.map(({ filename }) => filename)]);
}

/** Every target is in dist; answers what can be imported. */
async function checkTargets({ name }: Packed): Promise<readonly string[]> {
  const file = join(folder, "node_modules", name, "package.json");
  const manifest: Manifest = JSON.parse(await readFile(file, "utf8"));
  const exported = Object.entries(manifest.exports ?? {});
  const wrong = [...exported.map(([, target]) => target), ...Object.values(manifest.bin ?? {})]
    .flatMap((target) => (typeof target === "string" ? [target] : Object.values(target ?? {})))
    .filter((target) => target !== "./package.json" && !String(target).startsWith("./dist/"));
  if (wrong.length > 0) {
    throw new Error(`${name}: ${wrong.join(", ")} is published; publishConfig must point to dist.`);
  }
  return exported
    .filter(([, target]) => target !== "./package.json")
    .map(([path]) => name + path.slice(1));
}

async function importAll(specifiers: readonly string[]): Promise<void> {
  const code = specifiers
    .map((specifier) => `await import(${JSON.stringify(specifier)});`)
    .join("\n");
  await must(process.execPath, ["--input-type=module", "--eval", code]);
}

/** A library that exports a bus or a configuration: its own declarations can name what they are. */
async function checkDeclarations(): Promise<void> {
  const file = join(folder, "library.ts");
  await writeFile(
    file,
    `import { defineConfig } from "@pipehooks/config";
import { createPipehooks, defineEvents, defineHook } from "@pipehooks/core";
import { testStore } from "@pipehooks/testing";
import { webhook } from "@pipehooks/webhook";
import { z } from "zod";

export const bus = createPipehooks({ hooks: [] });
export const events = defineEvents({ "data.checked": z.object({ rows: z.int() }) });
export const typed = createPipehooks({ events });
export const config = defineConfig({ hooks: [] });
export const ops = webhook({ url: "https://api.example.com/" });
export const kind = defineHook({ name: "k", options: z.object({}), create: () => ({ deliver() {} }) });
export { testStore };
`,
  );
  const options = "--declaration --emitDeclarationOnly --outDir types --strict --module nodenext";
  const types = join(import.meta.dirname, "../node_modules/@types");
  const args = `${options} --target es2024 --types node --typeRoots ${types}`.split(" ");
  const { ok, output } = await run("tsc", [...args, file], { cwd: folder });
  if (!ok) throw new Error(`What a library declares of Pipehooks cannot be named:\n${output}`);
}

/** The command, as somebody who installed it meets it. */
async function checkCommand(version: string): Promise<void> {
  const said = (await must("npx", ["--no-install", "pipehooks", "--version"])).trim();
  if (said !== version) throw new Error(`pipehooks --version said "${said}", not "${version}".`);
  const oldest = await installOldestNode();
  const commands = async () => {
    const nodes = [process.execPath, oldest];
    for (const node of nodes) await checkPackedCommand(folder, node);
    await checkBundled(folder, nodes);
  };
  await Promise.all([commands(), checkStore(oldest)]);
  await checkOldNode();
}

/** The first version that the packages say they run on: much of what they use was newer once. */
async function installOldestNode(): Promise<string> {
  const own = join(folder, "oldest");
  await mkdir(own);
  await writeFile(join(own, "package.json"), '{ "private": true }\n');
  const args = ["install", ...quiet, "--prefix", own, "node@22.19.0"];
  await must("npm", args);
  return join(own, "node_modules/node/bin/node");
}

/** The store as it is published passes the suite that is published with it. */
async function checkStore(node: string): Promise<void> {
  const code = `
    import { describe, test } from "node:test";
    import { sqliteStore } from "@pipehooks/sqlite";
    import { testStore } from "@pipehooks/testing";
    for (const worker of [true, false]) {
      let opened = 0;
      const openAgain = () => sqliteStore({ path: \`stores/\${worker}-\${opened}.db\`, worker, durability: "normal" });
      const open = () => { opened += 1; return openAgain(); };
      testStore({ name: \`worker: \${worker}\`, open, openAgain, describe, test });
    }
  `;
  await must(node, ["--input-type=module", "--eval", code]);
}

async function checkOldNode(): Promise<void> {
  const old = await findOldNode();
  if (old === undefined) {
    console.log("SKIPPED pipehooks on a Node that is too old: no Node below 22.19 on PATH");
    return;
  }
  const bin = join(folder, "node_modules/pipehooks/dist/bin.js");
  const { ok, output } = await run(old, [bin, "--version"], { cwd: folder });
  if (ok || !output.includes("22.19") || /\n\s+at /.test(output)) {
    throw new Error(`pipehooks on ${old} must name the Node it needs and end; it said:\n${output}`);
  }
}

async function findOldNode(): Promise<string | undefined> {
  const folders = new Set((process.env.PATH ?? "").split(delimiter));
  for (const each of folders) {
    const { ok, output } = await run(join(each, "node"), ["--version"]);
    const [major = 0, minor = 0] = output.replace("v", "").split(".").map(Number);
    if (ok && (major < 22 || (major === 22 && minor < 19))) return join(each, "node");
  }
  return undefined;
}

async function twoAtATime<T>(jobs: readonly (() => Promise<readonly T[]>)[]): Promise<T[]> {
  const queue = [...jobs];
  const results: T[] = [];
  const worker = async () => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      results.push(...(await job()));
    }
  };
  await Promise.all([worker(), worker()]);
  return results;
}

async function must(command: string, args: readonly string[]): Promise<string> {
  const cwd = command === "pnpm" ? process.cwd() : folder;
  const { ok, output, stdout } = await run(command, args, { cwd });
  if (!ok) throw new Error(`${command} ${args.join(" ")}\n${output}`);
  return stdout;
}
