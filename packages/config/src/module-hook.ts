import {
  type ConfiguredHook,
  gateKinds,
  gateShape,
  type HookConfig,
  hookConfigShape,
  policyShape,
  withoutStop,
} from "@pipehooks/core";
import { z } from "zod";
import { checkOptionsOf } from "./check-options.ts";
import { checkShape } from "./check-shape.ts";
import type { KindHookConfig } from "./define-config.ts";
import { gatesOf, needsEvents, type Steps } from "./gate-parts.ts";
import { checkGates } from "./gates.ts";
import { checkKind, checkNeeds, type Kinds } from "./kinds.ts";
import type { Knowledge } from "./knowledge.ts";
import type { PluginSearch } from "./plugins.ts";
import type { Report } from "./report.ts";
import { checkRoute } from "./routes.ts";

interface HookContext {
  /** Where the hook is. */
  readonly steps: Steps;
  readonly knowledge: Knowledge;
  readonly destinations: readonly string[];
  readonly kinds: Kinds;
  readonly search: PluginSearch;
  readonly report: Report;
}

// What is missing or empty is said in words of its own, and what the options lack by their kind.
const hookSchema = z.strictObject({
  ...policyShape,
  ...z.object(hookConfigShape).partial().shape,
  events: z.union([z.string(), z.array(z.string())]).optional(),
  kind: z.string("It must be text").optional(),
  options: z.unknown().optional(),
});

/**
 * One hook of a configuration in code, checked; absent where nothing is to be made of it. The options of one that a factory
 * made are checked, too, so that all problems come at once.
 */
export async function readModuleHook(
  hook: HookConfig | KindHookConfig,
  context: HookContext,
): Promise<HookConfig | undefined> {
  const { steps, report } = context;
  const written: Partial<HookConfig & KindHookConfig> = { ...hook };
  checkParts(written, context);
  const { kind, hook: reaction } = written;
  if (kind !== undefined && reaction !== undefined) {
    report({ steps, message: 'It has "hook" and "kind". Keep one of them.' });
    return undefined;
  }
  if (kind === undefined && reaction === undefined) {
    report({
      steps,
      message: 'A hook needs "hook", such as webhook({ … }), or "kind" and "options".',
    });
    return undefined;
  }
  return kind === undefined ? readMade(hook as HookConfig, context) : readNamed(written, context);
}

function checkParts(
  written: Partial<HookConfig & KindHookConfig>,
  { steps, knowledge, destinations, report }: HookContext,
): void {
  checkRoute(written, { steps, knowledge, destinations, report });
  for (const gate of gatesOf(written)) {
    checkShape(gateShape[gate], written[gate], { steps: [...steps, gate], report });
  }
  checkGates(written, { steps, knowledge, report });
  checkShape(hookSchema, withoutGates(written), { steps, report });
  if (written.name === undefined) {
    report({ steps: [...steps, "name"], message: '"name" is missing.' });
  }
  if (written.events === undefined && needsEvents(written)) {
    report({ steps: [...steps, "events"], message: '"events" is missing.' });
  }
}

/** With what a factory made, an object or a function. */
async function readMade(config: HookConfig, context: HookContext): Promise<HookConfig> {
  const { hook } = config;
  // What is no hook was reported by the shape.
  const isMade = hookConfigShape.hook.safeParse(hook).success;
  if (isMade && typeof hook === "object" && "kind" in hook) {
    await checkOptions(hook, [...context.steps, "hook"], context);
  }
  return config;
}

/** With the name of a kind, which a plugin brings. */
async function readNamed(
  { kind: name, options = {}, ...rest }: Partial<HookConfig & KindHookConfig>,
  context: HookContext,
): Promise<HookConfig | undefined> {
  const { kinds, search, report } = context;
  if (typeof name !== "string") return undefined;
  const steps = [...context.steps, "kind"];
  const enabled = rest.enabled !== false;
  const kind = checkKind(name, kinds, { steps, enabled, report });
  if (kind === undefined || kind === "skip") return undefined;
  const hook = { kind, options };
  const checked = await checkOptions(hook, [...context.steps, "options"], context);
  if (checked !== undefined && enabled) {
    checkNeeds(kind.name, checked.value, kinds, { steps, search, report });
  }
  return { ...(rest as Omit<HookConfig, "hook">), hook };
}

/** The options as their kind reads them; absent where it refuses them. */
async function checkOptions(
  { kind, options }: ConfiguredHook,
  at: Steps,
  { report }: HookContext,
): Promise<{ readonly value: unknown } | undefined> {
  const result = await checkOptionsOf(kind, options);
  for (const { path = [], message } of result.issues ?? []) {
    const steps = path.map((step) => (typeof step === "object" ? step.key : step));
    report({
      steps: [...at, ...steps],
      message: `${withoutStop(message)}.`,
      code: "HOOK_OPTIONS_INVALID",
    });
  }
  return result.issues === undefined ? { value: result.value } : undefined;
}

function withoutGates(hook: object): object {
  const isGate = (key: string) => gateKinds.some((kind) => kind === key);
  return Object.fromEntries(Object.entries(hook).filter(([key]) => !isGate(key)));
}
