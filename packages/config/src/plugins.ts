import { isAbsolute, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  defineEvents,
  HookError,
  type HookFactory,
  type HookKind,
  isKind,
  isSchema,
  messageOf,
  type Plugin,
  type SourceKind,
  withoutStop,
} from "@pipehooks/core";
import { importModule } from "./import-module.ts";
import { findPackage, type InstalledPackage, lookupFrom, ownVersionOf } from "./packages.ts";

/** A plugin that was loaded for a file. */
export interface LoadedPlugin {
  readonly name: string;
  readonly version: string;
  /** Hook kinds it brings. */
  readonly kinds: readonly HookKind[];
  readonly sources: readonly SourceKind[];
  readonly events: NonNullable<Plugin["events"]>;
  /** Absolute path of the module; of a built-in one, of the module that holds it. */
  readonly from: string;
}

/** What a bundled program carries in itself. */
export interface BuiltIn {
  /** Version of all packages in it, `@pipehooks/core` among them: they are released together. */
  readonly version: string;
  /** Imports plugin packages by name. One that the file's folder has in another version is taken from there. */
  readonly plugins: Readonly<Record<string, () => Promise<Readonly<Record<string, unknown>>>>>;
}

/** Where plugins are looked for. */
export interface PluginSearch {
  /** Folder of the configuration file. */
  readonly folder: string;
  /** Files (paths or `file:` URLs) whose packages are seen too, such as the command's own. */
  readonly resolveFrom: readonly string[];
  readonly builtIn?: BuiltIn | undefined;
}

/**
 * Loads what an entry of `plugins` names: an npm package or a local file.
 * @throws HookError PACKAGE_MISSING, PLUGIN_INVALID, PLUGIN_INCOMPATIBLE
 */
export async function loadPlugin(name: string, search: PluginSearch): Promise<LoadedPlugin> {
  if (name.trim() === "") {
    throw new HookError("PLUGIN_INVALID", "A plugin has a name: a package or a file.");
  }
  if (isLocal(name)) {
    const file = resolve(search.folder, name);
    const local = { name, version: "0.0.0", entry: file };
    return toPlugin(await importModule(file, name), local, search);
  }
  const found = findPlugin(name, search);
  if (found === undefined) {
    throw new HookError(
      "PACKAGE_MISSING",
      `The package ${name} is not installed. Install it: npm install ${name}`,
    );
  }
  return toPlugin(await found.load(), found, search);
}

/** The package of that name: from the file's folder first, then the built-in one, then from `resolveFrom`, then from here. */
export function findPlugin(
  name: string,
  { folder, resolveFrom, builtIn }: PluginSearch,
): (InstalledPackage & { load(): Promise<Readonly<Record<string, unknown>>> }) | undefined {
  const beside = findPackage(name, [lookupFrom(folder)]);
  const load = Object.hasOwn(builtIn?.plugins ?? {}, name) ? builtIn?.plugins[name] : undefined;
  // Of the same version they are the same code, and the one at hand loads faster.
  if (builtIn && load && (beside === undefined || beside.version === builtIn.version)) {
    return { name, version: builtIn.version, entry: fileURLToPath(import.meta.url), load };
  }
  const found = beside ?? findPackage(name, [...resolveFrom, import.meta.url]);
  return found && { ...found, load: () => importModule(found.entry, name) };
}

/** Optional packages of a kind that cannot be found from where the kind is. */
export function missingNeeds(
  { needs = [] }: HookKind,
  options: unknown,
  plugin: LoadedPlugin,
  search: PluginSearch,
): readonly string[] {
  const from = [plugin.from, lookupFrom(search.folder), ...search.resolveFrom];
  const names = typeof needs === "function" ? needs(options) : needs;
  return names.filter((name) => findPackage(name, from) === undefined);
}

/** Whether an entry of `plugins` is a file, not a package. */
export function isLocal(name: string): boolean {
  return /^\.{1,2}[\\/]/.test(name) || isAbsolute(name) || /\.[cm]?[jt]s$/.test(name);
}

/** What a module exports, as a plugin. */
async function toPlugin(
  module: Readonly<Record<string, unknown>>,
  { name, version, entry }: InstalledPackage,
  { builtIn }: PluginSearch,
): Promise<LoadedPlugin> {
  const main = module.default;
  if (isPlugin(main)) {
    await checkRange(main, builtIn?.version ?? ownVersionOf("@pipehooks/core"));
    checkParts(main);
    return {
      name: main.name,
      version: main.version,
      kinds: (main.hooks ?? []).map(({ kind }) => kind),
      sources: (main.sources ?? []).map(({ kind }) => kind),
      events: main.events ?? {},
      from: entry,
    };
  }
  const exported = [main, ...Object.values(module)].flat();
  const kinds = new Set(exported.filter(isHookFactory).map(({ kind }) => kind));
  if (kinds.size === 0) {
    throw new HookError(
      "PLUGIN_INVALID",
      `${name} exports no plugin. Export by default what definePlugin or defineHook gives.`,
    );
  }
  return { name, version, kinds: [...kinds], sources: [], events: {}, from: entry };
}

// A plugin without types may hold anything.
function checkParts({ name, version, ...parts }: Plugin): void {
  const hooks: unknown = parts.hooks ?? [];
  const sources: unknown = parts.sources ?? [];
  const events = parts.events ?? {};
  const refuse = (why: string) => {
    throw new HookError("PLUGIN_INVALID", `${name} ${version} ${why}.`);
  };
  if (!Array.isArray(hooks) || !hooks.every(isHookFactory)) {
    refuse('has other "hooks" than a list of what defineHook gives');
  }
  if (!Array.isArray(sources) || !sources.every(hasKind)) {
    refuse('has other "sources" than a list of what defineSource gives');
  }
  if (!Object.values(events).every(isSchema)) {
    refuse('has "events" that are no schemas');
  }
  try {
    defineEvents(events);
  } catch (error) {
    refuse(`cannot be used: ${withoutStop(messageOf(error))}`);
  }
}

async function checkRange({ name, version, core }: Plugin, installed: string): Promise<void> {
  // The usual case needs no parser of ranges, which takes longer to load than the rest of the check.
  if (core === `^${installed}` || core === installed) return;
  const { default: semver } = await import("semver");
  if (semver.validRange(core) === null) {
    throw new HookError(
      "PLUGIN_INVALID",
      `${name} ${version} asks for @pipehooks/core "${core}", which is no version range.`,
    );
  }
  if (semver.satisfies(installed, core, { includePrerelease: true })) return;
  throw new HookError(
    "PLUGIN_INCOMPATIBLE",
    `${name} ${version} works with @pipehooks/core ${core}, and ${installed} is installed. Install a version of ${name} that fits: npm install ${name}@latest`,
  );
}

function isPlugin(value: unknown): value is Plugin {
  const has = (key: string) => typeof Reflect.get(Object(value), key) === "string";
  return (
    typeof value === "object" && value !== null && has("name") && has("version") && has("core")
  );
}

function isHookFactory(value: unknown): value is HookFactory<unknown> {
  return hasKind(value);
}

function hasKind(value: unknown): boolean {
  return typeof value === "function" && isKind(Reflect.get(value, "kind"));
}
