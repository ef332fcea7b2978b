import { existsSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import {
  type ErrorCode,
  HookError,
  type HookFactory,
  type HookKind,
  isHookError,
  messageOf,
  type Plugin,
  type SourceKind,
} from "@pipehooks/core";
import { findPackage, type InstalledPackage, lookupFrom, ownVersionOf } from "./packages.ts";

/** A plugin that was loaded for a file. */
export interface LoadedPlugin {
  readonly name: string;
  readonly version: string;
  /** Hook kinds it brings. */
  readonly kinds: readonly HookKind[];
  readonly sources: readonly SourceKind[];
  readonly events: NonNullable<Plugin["events"]>;
  /** Absolute path of the module. */
  readonly from: string;
}

/** Where plugins are looked for. */
export interface PluginSearch {
  /** Folder of the configuration file. */
  readonly folder: string;
  /** Files (paths or `file:` URLs) whose packages are seen too, such as the command's own. */
  readonly resolveFrom: readonly string[];
}

/**
 * Loads what an entry of `plugins` names: an npm package or a local file.
 * @throws HookError PACKAGE_MISSING, PLUGIN_INVALID, PLUGIN_INCOMPATIBLE
 */
export async function loadPlugin(name: string, search: PluginSearch): Promise<LoadedPlugin> {
  if (isLocal(name)) {
    const file = resolve(search.folder, name);
    return toPlugin(await importModule(file, name), { name, version: "0.0.0", entry: file });
  }
  const installed = findInstalled(name, search);
  if (installed === undefined) {
    throw new HookError(
      "PACKAGE_MISSING",
      `The package ${name} is not installed. Install it: npm install ${name}`,
    );
  }
  return toPlugin(await importModule(installed.entry, name), installed);
}

/** The installed package of that name: from the file's folder first, then from `resolveFrom`, then from here. */
export function findInstalled(name: string, search: PluginSearch): InstalledPackage | undefined {
  return findPackage(name, [lookupFrom(search.folder), ...search.resolveFrom, import.meta.url]);
}

/** Optional packages of a kind that cannot be found from where the kind is. */
export function missingNeeds(
  kind: HookKind,
  plugin: LoadedPlugin,
  search: PluginSearch,
): readonly string[] {
  const from = [plugin.from, lookupFrom(search.folder), ...search.resolveFrom];
  return (kind.needs ?? []).filter((name) => findPackage(name, from) === undefined);
}

/** Whether an entry of `plugins` is a file, not a package. */
export function isLocal(name: string): boolean {
  return /^\.{1,2}[\\/]/.test(name) || isAbsolute(name) || /\.[cm]?[jt]s$/.test(name);
}

/**
 * Imports a module by its path, TypeScript by Node's type stripping.
 * @throws HookError PLUGIN_INVALID with the place that Node names
 */
export async function importModule(
  file: string,
  shown: string,
  code: ErrorCode = "PLUGIN_INVALID",
): Promise<Readonly<Record<string, unknown>>> {
  if (!existsSync(file))
    throw new HookError(code, `${shown} cannot be loaded: there is no such file.`);
  try {
    return (await import(/* @vite-ignore */ pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (cause) {
    if (isHookError(cause)) throw cause;
    throw new HookError(code, `${shown} cannot be loaded: ${importTrouble(cause, file)}`, {
      cause,
    });
  }
}

function importTrouble(cause: unknown, file: string): string {
  const message = messageOf(cause).split("\n", 1)[0] ?? "";
  const place = placeIn(cause, file);
  return `${message}${place === undefined ? "" : ` (${place})`}`;
}

// A syntax error carries `file:line` as the first line of its stack, others `file:line:column` in a frame.
function placeIn(cause: unknown, file: string): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  const line = (cause.stack ?? "").split("\n").find((text) => text.includes(file));
  const position = line?.slice(line.indexOf(file) + file.length);
  const [, numbers] = /^(?:\?[^:]*)?(:\d+(?::\d+)?)/.exec(position ?? "") ?? [];
  return numbers === undefined ? undefined : `${file}${numbers}`;
}

/** What a module exports, as a plugin. */
async function toPlugin(
  module: Readonly<Record<string, unknown>>,
  { name, version, entry }: InstalledPackage,
): Promise<LoadedPlugin> {
  const main = module.default;
  if (isPlugin(main)) {
    await checkRange(main);
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

async function checkRange({ name, version, core }: Plugin): Promise<void> {
  const installed = ownVersionOf("@pipehooks/core");
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
  if (typeof value !== "function") return false;
  const kind: unknown = Reflect.get(value, "kind");
  const part = (key: string): unknown => Reflect.get(Object(kind), key);
  const isSchema = Reflect.has(Object(part("options")), "~standard");
  return typeof part("name") === "string" && typeof part("create") === "function" && isSchema;
}
