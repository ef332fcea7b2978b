import { dirname } from "node:path";
import {
  createRedactor,
  gateKinds,
  gateShape,
  type HookConfig,
  isHookError,
  policySchema,
} from "@pipehooks/core";
import type { z } from "zod";
import { checkOptionsOf } from "./check-options.ts";
import type { KindHookConfig, PipehooksConfig } from "./define-config.ts";
import { gateHint, gatesOf, needsEvents } from "./gate-parts.ts";
import { checkGates } from "./gates.ts";
import { importModule } from "./import-module.ts";
import { knownKeys, sharpIssues } from "./issues.ts";
import { checkKind, checkNeeds, type Kinds, loadKinds } from "./kinds.ts";
import { createKnowledge } from "./knowledge.ts";
import { kindsOf, type LoadContext, type LoadedConfig } from "./loaded.ts";
import { nearest } from "./nearest.ts";
import type { PluginSearch } from "./plugins.ts";
import { ConfigError, type Problem } from "./problem.ts";
import { createPathReport, type Report } from "./report.ts";
import { checkNames, checkRoute } from "./routes.ts";
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
    config.allowUnknownTypes === true,
  );
  checkShape(policySchema.optional(), config.defaults, { steps: ["defaults"], report });
  checkNames(hooks, report);
  const destinations = Object.keys(config.destinations ?? {});
  const ready: HookConfig[] = [];
  for (const [index, hook] of hooks.entries()) {
    const steps = ["hooks", index];
    const written = { ...hook };
    checkRoute(written, { steps, knowledge, destinations, report });
    for (const gate of gatesOf(written)) {
      checkShape(gateShape[gate], written[gate], { steps: [...steps, gate], report });
    }
    checkGates(written, { steps, knowledge, report });
    const {
      name,
      hook: reaction,
      events,
      filter,
      when,
      destination,
      kind,
      options,
      ...policy
    } = hook as Partial<HookConfig & KindHookConfig>;
    checkShape(policySchema, withoutGates(policy), { steps, report });
    if (typeof name !== "string")
      report({ steps: [...steps, "name"], message: '"name" is missing.' });
    if (events === undefined && needsEvents(written))
      report({ steps: [...steps, "events"], message: '"events" is missing.' });
    if (kind === undefined) {
      if (reaction === undefined) {
        report({
          steps,
          message: 'A hook needs "hook", such as webhook({ … }), or "kind" and "options".',
        });
      }
      ready.push(hook as HookConfig);
      continue;
    }
    if (typeof kind !== "string") {
      report({ steps: [...steps, "kind"], message: '"kind" must be text.' });
      continue;
    }
    const found = checkKind(kind, kinds, {
      steps: [...steps, "kind"],
      enabled: hook.enabled !== false,
      report,
    });
    if (found === undefined || found === "skip") continue;
    const { kind: _kind, options: _options, ...rest } = hook as KindHookConfig;
    ready.push({ ...rest, hook: { kind: found, options: options ?? {} } });
  }
  await checkOptions(hooks, ready, { kinds, search, report });
  const storeUrl = toStoreUrl(config.store ?? defaultStoreUrl, search.folder, report);
  const redact = createRedactor(config.secrets ?? []);
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

function withoutGates(policy: object): object {
  const isGate = (key: string) => gateKinds.some((kind) => kind === key);
  return Object.fromEntries(Object.entries(policy).filter(([key]) => !isGate(key)));
}

function checkShape(
  schema: z.ZodType,
  value: unknown,
  { steps, report }: { readonly steps: readonly PropertyKey[]; readonly report: Report },
): void {
  const { error } = schema.safeParse(value);
  for (const issue of sharpIssues(error?.issues ?? [])) {
    const { path, keys = [], message } = issue;
    for (const key of keys) {
      report({
        steps: [...steps, ...path, key],
        message: `There is no key "${key}" here. ${gateHint(key) ?? ""}`.trim(),
        suggestion: nearest(key, knownKeys(schema, path)),
      });
    }
    if (keys.length === 0) report({ steps: [...steps, ...path], message: `${message}.` });
  }
}

// Hooks made by a factory are checked here too, so that all problems come at once.
async function checkOptions(
  hooks: readonly (HookConfig | KindHookConfig)[],
  ready: readonly HookConfig[],
  { kinds, search, report }: { kinds: Kinds; search: PluginSearch; report: Report },
): Promise<void> {
  for (const { name, hook, enabled } of ready) {
    if (typeof hook !== "object" || !("kind" in hook)) continue;
    const index = hooks.findIndex((written) => written.name === name);
    const where = "kind" in (hooks[index] ?? {}) ? ["options"] : ["hook"];
    const result = await checkOptionsOf(hook.kind, hook.options);
    if (result.issues === undefined && where[0] === "options" && enabled !== false) {
      const steps = ["hooks", index, "kind"];
      checkNeeds(hook.kind.name, result.value, kinds, { steps, search, report });
    }
    for (const { path = [], message } of result.issues ?? []) {
      const steps = path.map((step: unknown) =>
        typeof step === "object" ? Reflect.get(Object(step), "key") : step,
      );
      report({
        steps: ["hooks", index, ...where, ...steps],
        message: `${message.replace(/\.$/, "")}.`,
        code: "HOOK_OPTIONS_INVALID",
      });
    }
  }
}
