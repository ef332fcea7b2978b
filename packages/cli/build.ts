import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { type ChunkingContext, type OutputChunk, type Plugin, rolldown } from "rolldown";

// Bundles the command: to find and read some 300 modules takes longer than all that `emit` does. Each command stays a
// chunk that is loaded when it is asked for.
const folder = import.meta.dirname;
const dist = join(folder, "dist");
const packages = dirname(folder);

const bundle = await rolldown({
  cwd: folder,
  platform: "node",
  transform: { target: "node22.19" },
  input: {
    bin: "src/bin.ts",
    index: "src/index.ts",
    // The thread of the store is looked for beside the module that starts it.
    "sqlite-thread": "../sqlite/src/sqlite-thread.ts",
  },
  // undici talks to the network: whoever installed the command can update it alone. The others few commands need.
  external: ["undici", "@marcbachmann/cel-js", "croner"],
  plugins: [quickBuiltIns()],
});
const { output } = await bundle.write({
  dir: dist,
  chunkFileNames: "[name].js",
  // Without spaces it loads faster; with its names a stack can still be read.
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  codeSplitting: {
    groups: [
      { name: "node", test: /^\0/, priority: 4 },
      // The thread of the store loads it without the rest.
      {
        debugName: "gates",
        name: (id, modules) => (isOfGates(id, modules) ? "gates" : null),
        priority: 3,
      },
      // Wherever one of these is needed, so are nearly all; the guard of targets is for hooks that connect.
      {
        name: "pipehooks",
        test: (id) => inside("core", "config")(id) && !inside(join("core", "src", "targets"))(id),
        priority: 2,
      },
      {
        debugName: "main",
        name: (id, modules) => (isOfMain(id, modules) ? "main" : null),
        priority: 1,
      },
    ],
  },
});
await bundle.close();
writeFileSync(join(dist, "THIRD-PARTY-LICENSES.txt"), licences(output));

/**
 * An `import` of one of Node's modules evaluates all that it exports, whole streams and standard input among them;
 * `getBuiltinModule` does not.
 */
function quickBuiltIns(): Plugin {
  return {
    name: "quick-built-ins",
    resolveId: {
      filter: { id: /^node:/ },
      handler(id, importer = "") {
        // An old Node has no `getBuiltinModule`, and `bin` has to run there.
        const asItIs = importer.startsWith("\0") || importer === join(folder, "src", "bin.ts");
        return asItIs ? null : { id: `\0${id}`, moduleSideEffects: false };
      },
    },
    load: {
      filter: { id: /^\0node:/ },
      handler: (id) =>
        `module.exports = process.getBuiltinModule(${JSON.stringify(id.slice("\0".length))});`,
    },
  };
}

/** What belongs to no one command and needs none of our other packages: `--version` loads no more than that. */
function isOfMain(id: string, modules: ChunkingContext): boolean {
  const isShared = dirname(id) === join(folder, "src");
  const isEntry = modules.getModuleInfo(id)?.isEntry === true;
  return isShared && !isEntry && !needsOtherPackages(id, modules, new Set());
}

function needsOtherPackages(id: string, modules: ChunkingContext, seen: Set<string>): boolean {
  if (seen.has(id)) return false;
  seen.add(id);
  if (inside("core", "config", "sqlite", "plugins")(id)) return true;
  const imported = modules.getModuleInfo(id)?.importedIds ?? [];
  return imported.some((other) => needsOtherPackages(other, modules, seen));
}

/** What stores run inside their transactions. */
function isOfGates(id: string, modules: ChunkingContext): boolean {
  const seen = new Set([join(packages, "core", "src", "gates", "index.ts")]);
  for (const module of seen) {
    if (module === id) return true;
    for (const imported of modules.getModuleInfo(module)?.importedIds ?? []) seen.add(imported);
  }
  return false;
}

/** Whether a module is source of ours, in one of these folders. */
function inside(...names: readonly string[]): (id: string) => boolean {
  return (id) => names.some((name) => id.startsWith(join(packages, name) + sep));
}

function licences(chunks: readonly { readonly type: string }[]): string {
  const modules = chunks
    .filter((chunk): chunk is OutputChunk => chunk.type === "chunk")
    .flatMap(({ moduleIds }) => moduleIds);
  const folders = new Set(
    modules.filter((id) => id.includes(`${sep}node_modules${sep}`)).map(packageFolder),
  );
  const texts = [...folders].map(licence);
  return `The files beside this one contain these packages.\n\n${[...new Set(texts)].sort().join("\n")}`;
}

/** The folder of a module's package: a `package.json` without a name is not one. */
function packageFolder(file: string): string {
  for (let at = dirname(file); at !== dirname(at); at = dirname(at)) {
    if (existsSync(join(at, "package.json")) && describe(at).name !== undefined) return at;
  }
  throw new Error(`${file} belongs to no package.`);
}

function licence(at: string): string {
  const { name, version, license } = describe(at);
  const file = readdirSync(at).find((each) => /^licen[cs]e/i.test(each));
  const text = file === undefined ? "" : `\n${readFileSync(join(at, file), "utf8").trim()}\n`;
  if (text === "" && license === undefined) throw new Error(`${name} has no licence.`);
  return `--- ${name} ${version} (${license})\n${text}`;
}

function describe(at: string): { name?: string; version?: string; license?: string } {
  return JSON.parse(readFileSync(join(at, "package.json"), "utf8"));
}
