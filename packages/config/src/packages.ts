import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** A package that is installed. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** Absolute path of the module that importing the package by name gives. */
  readonly entry: string;
}

/** Looks for a package as an import from each of the files would, in that order. */
export function findPackage(name: string, from: readonly string[]): InstalledPackage | undefined {
  for (const file of from) {
    const found = findPackageFrom(name, file);
    if (found !== undefined) return found;
  }
  return undefined;
}

function findPackageFrom(name: string, from: string): InstalledPackage | undefined {
  const file = packageFile(name, from);
  if (file === undefined) return undefined;
  const description = JSON.parse(readFileSync(file, "utf8")) as PackageDescription;
  const entry = entryOf(description);
  if (entry === undefined) return undefined;
  return {
    name: description.name ?? name,
    version: description.version ?? "0.0.0",
    entry: resolve(dirname(file), entry),
  };
}

function packageFile(name: string, from: string): string | undefined {
  const base = from.startsWith("file:") ? from : pathToFileURL(from).href;
  try {
    return findPackageJSON(name, base);
  } catch {
    return undefined;
  }
}

interface PackageDescription {
  readonly name?: string;
  readonly version?: string;
  readonly main?: string;
  readonly exports?: Exports;
}

type Exports = string | null | readonly Exports[] | { readonly [condition: string]: Exports };

// `import.meta.resolve` takes no other folder to look from, and `require.resolve` does not see packages that are
// for `import` only: so the one case that is needed, the package's own name, is decided here.
function entryOf({ exports, main }: PackageDescription): string | undefined {
  if (exports === undefined || exports === null) return main ?? "index.js";
  const isMapOfPaths =
    typeof exports === "object" &&
    !Array.isArray(exports) &&
    Object.keys(exports).some((key) => key.startsWith("."));
  return pick(isMapOfPaths ? (exports as Record<string, Exports>)["."] : exports);
}

const conditions = new Set(["node", "import", "module-sync", "default"]);

function pick(exports: Exports | undefined): string | undefined {
  if (typeof exports === "string") return exports;
  if (exports === undefined || exports === null) return undefined;
  const branches = Array.isArray(exports)
    ? (exports as readonly Exports[])
    : Object.entries(exports)
        .filter(([condition]) => conditions.has(condition))
        .map(([, branch]) => branch as Exports);
  for (const branch of branches) {
    const found = pick(branch);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Version of a package as this one sees it. */
export function ownVersionOf(name: string): string {
  return findPackage(name, [import.meta.url])?.version ?? "0.0.0";
}

/** A file as the start of a package look-up in a folder. */
export function lookupFrom(folder: string): string {
  return join(folder, "pipehooks.yaml");
}
