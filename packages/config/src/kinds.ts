import { type HookKind, isHookError, missingPackagesMessage, nearest } from "@pipehooks/core";
import { missingKindMessage, officialKinds } from "./official.ts";
import {
  findPlugin,
  isLocal,
  type LoadedPlugin,
  loadPlugin,
  missingNeeds,
  type PluginSearch,
} from "./plugins.ts";
import type { Report } from "./report.ts";

/** Every kind that a file can use, with the plugin that brings it. */
export interface Kinds {
  readonly plugins: readonly LoadedPlugin[];
  get(kind: string): { readonly kind: HookKind; readonly plugin: LoadedPlugin } | undefined;
  /** Names of all kinds that could be meant. */
  readonly names: readonly string[];
}

/**
 * Loads the plugins that a file names and the official ones that its hooks use, all at the same time; what fails is
 * reported at the entry of `plugins`.
 */
export async function loadKinds(
  wanted: { readonly plugins: readonly string[]; readonly kinds: ReadonlySet<string> },
  search: PluginSearch,
  report: Report,
): Promise<Kinds> {
  const official = [...wanted.kinds].flatMap((kind) => officialKinds.get(kind)?.package ?? []);
  const [named, found] = await Promise.all([
    Promise.all(wanted.plugins.map((name, index) => loadNamed(name, index, search, report))),
    Promise.all([...new Set(official)].map((name) => loadOfficial(name, search))),
  ]);
  return createKinds(
    [...named, ...found].filter((plugin) => plugin !== undefined),
    report,
  );
}

/** The official plugins that are installed, whether a file uses them or not. */
export async function findOfficialPlugins(search: PluginSearch): Promise<readonly LoadedPlugin[]> {
  const names = new Set([...officialKinds.values()].map((kind) => kind.package));
  const found = await Promise.all([...names].map((name) => loadOfficial(name, search)));
  return found.filter((plugin) => plugin !== undefined);
}

async function loadNamed(
  name: string,
  index: number,
  search: PluginSearch,
  report: Report,
): Promise<LoadedPlugin | undefined> {
  try {
    return await loadPlugin(name, search);
  } catch (error) {
    if (!isHookError(error)) throw error;
    const official = [...new Set([...officialKinds.values()].map((kind) => kind.package))];
    report({
      steps: ["plugins", index],
      message: error.message,
      code: error.code,
      suggestion: isLocal(name) ? undefined : suggestPackage(name, official),
    });
    return undefined;
  }
}

function suggestPackage(name: string, packages: readonly string[]): string | undefined {
  const similar = nearest(name, packages);
  return similar === name ? undefined : similar;
}

async function loadOfficial(name: string, search: PluginSearch): Promise<LoadedPlugin | undefined> {
  return findPlugin(name, search) === undefined ? undefined : loadPlugin(name, search);
}

function createKinds(plugins: readonly LoadedPlugin[], report: Report): Kinds {
  const byName = new Map<string, { kind: HookKind; plugin: LoadedPlugin }>();
  for (const [index, plugin] of plugins.entries()) {
    for (const kind of plugin.kinds) {
      const before = byName.get(kind.name);
      if (before === undefined) {
        byName.set(kind.name, { kind, plugin });
      } else if (before.plugin.from !== plugin.from && !isOfficial(kind.name, plugin)) {
        report({
          steps: ["plugins", index],
          message: `Both ${before.plugin.name} and ${plugin.name} bring the kind "${kind.name}". Name only one of them.`,
          code: "PLUGIN_INVALID",
        });
      }
    }
  }
  return {
    plugins,
    get: (name) => byName.get(name),
    names: [...new Set([...byName.keys(), ...officialKinds.keys()])],
  };
}

// A plugin that is named in the file wins over an official one of the same kind.
function isOfficial(kind: string, { name }: LoadedPlugin): boolean {
  return officialKinds.get(kind)?.package === name;
}

/** Whether a hook's kind can be used; what is in the way is reported. `skip`: the hook is off, so it may be left out. */
export function checkKind(
  name: string,
  kinds: Kinds,
  context: {
    readonly steps: readonly PropertyKey[];
    readonly enabled: boolean;
    readonly report: Report;
  },
): HookKind | "skip" | undefined {
  const { steps, enabled, report } = context;
  const found = kinds.get(name);
  if (found === undefined) {
    const official = officialKinds.get(name);
    if (official !== undefined) {
      report({
        steps,
        message: enabled
          ? missingKindMessage(name, official)
          : `This hook is off and left out: ${official.package} is not installed.`,
        code: "PACKAGE_MISSING",
        warning: !enabled,
      });
      return enabled ? undefined : "skip";
    }
    const known = [...kinds.names];
    const suggestion = nearest(name, known);
    report({
      steps,
      message: `No kind is called "${name}". A kind of your own is named under "plugins".`,
      suggestion,
      code: "HOOK_KIND_UNKNOWN",
    });
    return undefined;
  }
  return found.kind;
}

/** Whether the optional packages that a hook needs are there; `options` have passed the kind's schema. */
export function checkNeeds(
  name: string,
  options: unknown,
  kinds: Kinds,
  context: {
    readonly steps: readonly PropertyKey[];
    readonly search: PluginSearch;
    readonly report: Report;
  },
): void {
  const { steps, search, report } = context;
  const found = kinds.get(name);
  if (found === undefined) return;
  const missing = missingNeeds(found.kind, options, found.plugin, search);
  if (missing.length === 0) return;
  const message = missingPackagesMessage(`The kind "${name}"`, missing);
  report({ steps, message, code: "PACKAGE_MISSING" });
}
