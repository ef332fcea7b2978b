import { dirname } from "node:path";
import {
  busOptionsSchema,
  createRedactor,
  defineEvents,
  type HookConfig,
  isHookError,
  messageOf,
  nearest,
} from "@pipehooks/core";
import { z } from "zod";
import { checkShape } from "./check-shape.ts";
import type { KindHookConfig, PipehooksConfig } from "./define-config.ts";
import { importModule } from "./import-module.ts";
import { loadKinds } from "./kinds.ts";
import { createKnowledge, inCode } from "./knowledge.ts";
import { kindsOf, type LoadContext, type LoadedConfig } from "./loaded.ts";
import { readModuleHook } from "./module-hook.ts";
import type { PluginSearch } from "./plugins.ts";
import { ConfigError, type Problem } from "./problem.ts";
import { createPathReport, type Report } from "./report.ts";
import { checkNames } from "./routes.ts";
import { defaultStoreUrl, toStoreUrl } from "./store-url.ts";

const configKeys: readonly string[] = Object.keys({
  store: 1,
  durability: 1,
  plugins: 1,
  hooks: 1,
  events: 1,
  allowUnknownTypes: 1,
  maxEventBytes: 1,
  source: 1,
  destinations: 1,
  defaults: 1,
  retention: 1,
  secrets: 1,
  logger: 1,
  clock: 1,
  random: 1,
  leaseMs: 1,
} satisfies Record<keyof PipehooksConfig, 1>);

const optionsSchema = busOptionsSchema.extend({
  durability: z.enum(["full", "normal"]).optional(),
});
/**
 * Imports `pipehooks.config.ts` and checks what it exports by default.
 * @throws ConfigError with every problem, each with its path
 */
export async function readModule({
  file,
  resolveFrom,
  builtIn,
}: LoadContext): Promise<LoadedConfig> {
  const { report, errors, warnings } = createPathReport(file);
  const config = await importConfig(file);
  for (const key of Object.keys(config).filter((name) => !configKeys.includes(name))) {
    report({
      steps: [key],
      message: `There is no key "${key}".`,
      suggestion: nearest(key, configKeys),
    });
  }
  const search: PluginSearch = { folder: dirname(file), resolveFrom, builtIn };
  const hooks = listOf(config.hooks, report);
  const kinds = await loadKinds(
    {
      plugins: namesOf(config.plugins, report),
      kinds: new Set(
        hooks.flatMap((hook) => ("kind" in hook && typeof hook.kind === "string" ? hook.kind : [])),
      ),
    },
    search,
    report,
  );
  const knowledge = createKnowledge(
    Object.assign({}, ...kinds.plugins.map(({ events }) => events), config.events),
    { allowUnknownTypes: config.allowUnknownTypes === true, spell: inCode },
  );
  checkShape(optionsSchema, config, { steps: [], report });
  checkEventTypes(config.events, report);
  checkNames(hooks, report);
  const destinations = Object.keys(config.destinations ?? {});
  const ready: HookConfig[] = [];
  for (const [index, hook] of hooks.entries()) {
    const context = { steps: ["hooks", index], knowledge, destinations, kinds, search, report };
    const checked = await readModuleHook(hook, context);
    if (checked !== undefined) ready.push(checked);
  }
  const storeUrl = toStoreUrl(config.store ?? defaultStoreUrl, search.folder, report);
  const redact = createRedactor(textsOf(config.secrets));
  const clean = (problem: Problem) => ({ ...problem, message: redact(problem.message) });
  if (errors.length > 0) throw new ConfigError(errors.map(clean));

  const {
    store: _store,
    durability = "full",
    plugins: _plugins,
    hooks: _hooks,
    ...options
  } = config;
  return {
    file,
    storeUrl: storeUrl ?? defaultStoreUrl,
    durability,
    plugins: kinds.plugins,
    kinds: kindsOf(kinds.plugins),
    options: {
      ...options,
      events: Object.assign({}, ...kinds.plugins.map(({ events }) => events), config.events),
      hooks: ready,
    },
    warnings: warnings.map(clean),
  };
}

async function importConfig(file: string): Promise<PipehooksConfig> {
  try {
    const module = await importModule(file, file, "CONFIG_INVALID");
    const config = module.default;
    if (typeof config === "object" && config !== null) return config;
    throw new ConfigError([
      {
        file,
        path: "",
        message: "Nothing is exported by default. Write: export default defineConfig({ … })",
        code: "CONFIG_INVALID",
      },
    ]);
  } catch (error) {
    if (!isHookError(error) || error instanceof ConfigError) throw error;
    throw new ConfigError([
      { file, path: "", message: error.message.replace(`${file} `, "It "), code: error.code },
    ]);
  }
}

function listOf(
  hooks: PipehooksConfig["hooks"],
  report: Report,
): readonly (HookConfig | KindHookConfig)[] {
  if (hooks === undefined) return [];
  if (!Array.isArray(hooks)) {
    report({ steps: ["hooks"], message: '"hooks" must be a list.' });
    return [];
  }
  return hooks.map((hook) => Object(hook));
}

function namesOf(plugins: PipehooksConfig["plugins"], report: Report): readonly string[] {
  if (plugins === undefined) return [];
  if (Array.isArray(plugins) && plugins.every((name) => typeof name === "string")) return plugins;
  report({ steps: ["plugins"], message: '"plugins" must be a list of names.' });
  return [];
}

function checkEventTypes(types: PipehooksConfig["events"], report: Report): void {
  try {
    defineEvents(types ?? {});
  } catch (error) {
    report({ steps: ["events"], message: messageOf(error) });
  }
}

/** Those that are texts: what else stands there is reported. */
function textsOf(values: unknown): readonly string[] {
  return Array.isArray(values) ? values.filter((value) => typeof value === "string") : [];
}
