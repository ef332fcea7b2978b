import { z } from "zod";
import type { BatchLimits } from "./batch.ts";
import type { Clock } from "./clock.ts";
import { type Condition, compileCondition, functionCondition } from "./condition.ts";
import { HookError, messageOf } from "./errors.ts";
import type { PipehooksEvent } from "./event.ts";
import { type Gate, prepareGate } from "./gates/gate-of.ts";
import { type GateOptions, gateShape } from "./gates/options.ts";
import type { ConfiguredHook, Hook, HookContext } from "./hook.ts";
import { issuesText } from "./issues-text.ts";
import type { Logger } from "./logger.ts";
import { type Policy, type PolicyInput, policyShape, toPolicy } from "./policy.ts";
import { type DeliverFunction, isReaction, toReaction } from "./reaction.ts";
import type { Redact } from "./redact.ts";
import { compileFilter, compileTypePatterns, type FilterInput, type Route } from "./router.ts";
import { seldom } from "./seldom.ts";

/** A named, configured reaction: which events reach it, what it does, and under which policies. */
export interface HookConfig extends PolicyInput, GateOptions {
  /** Unique; part of the idempotency key, so a renamed hook is a new one. */
  readonly name: string;
  /** What reacts: `webhook({ … })`, an object with `deliver`, or a function. */
  readonly hook: ConfiguredHook | Hook | DeliverFunction;
  /**
   * Globs over event types; `!` takes away; `*` is every type but Pipehooks' own. May be left out with `join` and
   * `absence`, which name their events themselves.
   */
  readonly events?: string | readonly string[] | undefined;
  readonly filter?: FilterInput | undefined;
  /** A CEL expression over `event`, or a function; what throws counts as false and is logged. */
  readonly when?: string | ((event: PipehooksEvent) => boolean) | undefined;
  /** Hooks with an equal destination share budget, pause and breaker. @default what the kind says, else the hook's name */
  readonly destination?: string | undefined;
}

/** A checked {@link HookConfig}. */
export interface PreparedHook {
  readonly name: string;
  readonly kind: string;
  readonly route: Route;
  readonly policy: Policy;
  readonly gate: Gate | undefined;
  readonly destination: string;
  /** Where it sends many deliveries in one call. */
  readonly batch: BatchLimits | undefined;
  /** Whether a delivery's state outlives its death, for a replay. */
  readonly keepState: boolean;
  readonly events: readonly string[];
  readonly filter: FilterInput;
  readonly when: string | undefined;
  readonly secrets: readonly string[];
  readonly create: (context: HookContext) => Hook | Promise<Hook>;
  /** The hook itself, where the configuration holds one: it is disposed of also when it was never used. */
  readonly given: Hook | undefined;
}

const namePattern = /^[A-Za-z0-9][\w.-]{0,99}$/;
/** Shape of a {@link HookConfig} without policies and gates; configuration in code is checked by the same one. */
export const hookConfigShape = {
  name: z.string().regex(namePattern, "a name has letters, digits, - _ and . only, at most 100"),
  hook: z.custom<HookConfig["hook"]>(isReaction, "give webhook({ … }), a function, or { deliver }"),
  events: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).optional(),
  filter: z
    .strictObject({
      pipelines: z.array(z.string()).optional(),
      flowgroups: z.array(z.string()).optional(),
      actions: z.array(z.string()).optional(),
      tables: z.array(z.string()).optional(),
    })
    .optional(),
  when: z
    .custom<string | ((event: PipehooksEvent) => boolean)>(
      (value) => typeof value === "string" || typeof value === "function",
      "give a CEL expression as text, or a function",
    )
    .optional(),
  destination: z.string().min(1).optional(),
};
const configSchema = z.strictObject({ ...policyShape, ...gateShape, ...hookConfigShape });

/**
 * Checks hooks as configured, all of them, and compiles their routes.
 * @throws HookError CONFIG_INVALID naming every problem with the path of each
 */
export function prepareHooks(
  configs: readonly HookConfig[],
  environment: {
    /** What is wrong elsewhere in the configuration, reported with the rest. */
    readonly problems: readonly string[];
    readonly defaults: PolicyInput | undefined;
    /** CloudEvents `source` of what gates announce. */
    readonly source: string;
    readonly logger: Logger;
    readonly now: () => number;
  },
): readonly PreparedHook[] {
  const problems: string[] = [...environment.problems];
  const names = new Set<string>();
  const prepared = configs.flatMap((config, index) => {
    const at = typeof config?.name === "string" ? `hook "${config.name}"` : `hooks[${index}]`;
    const report = (problem: string) => void problems.push(`${at}: ${problem}`);
    if (names.has(at)) report("the name is used twice");
    names.add(at);
    return prepareHook(config, report, environment) ?? [];
  });
  if (problems.length > 0) {
    throw new HookError(
      "CONFIG_INVALID",
      `The configuration has problems.\n${problems.join("\n")}`,
    );
  }
  return prepared;
}

function prepareHook(
  config: HookConfig,
  report: (problem: string) => void,
  {
    problems,
    defaults,
    source,
    logger,
    now,
  }: {
    problems: readonly string[];
    defaults: PolicyInput | undefined;
    source: string;
    logger: Logger;
    now: () => number;
  },
): PreparedHook | undefined {
  const checked = configSchema.safeParse(config);
  if (!checked.success) {
    const known = Object.keys(configSchema.shape);
    for (const issue of checked.error.issues) report(issuesText([issue], known));
    return undefined;
  }
  const { name, filter = {} } = config;
  const { events: written = [] } = config;
  const events = typeof written === "string" ? [written] : written;
  // Each part by itself, so that all that is wrong is said at once.
  const part = <Part>(make: () => Part): Part | undefined => {
    try {
      return make();
    } catch (error) {
      report(messageOf(error));
      return undefined;
    }
  };
  const reaction = part(() => toReaction(name, config.hook));
  const warn = seldom((why) => logger.warn(`Hook "${name}": ${why}`), now);
  const condition = part(() => toCondition(config.when, warn));
  const matchesType = part(() => compileTypePatterns(events));
  const steps = part(() => compileFilter(filter));
  const gate = part(() => ({ gate: prepareGate(config, { hook: name, source, warn }) }))?.gate;
  if (events.length === 0 && gate?.namesEvents !== true) {
    report('it has no "events". Name the types that reach it, such as "pipeline.error"');
    return undefined;
  }
  // Defaults that are wrong are reported with the problems of the bus.
  if (problems.length > 0 || !reaction || !matchesType || !steps) return undefined;
  const policy = toPolicy(defaults, reaction.policy, config);
  return {
    name,
    kind: reaction.kind,
    policy,
    gate,
    destination: config.destination ?? reaction.destination ?? name,
    batch: reaction.batch,
    keepState: reaction.keepState,
    events,
    filter,
    when: condition?.text,
    secrets: reaction.secrets,
    create: reaction.create,
    given: reaction.given,
    route: {
      hook: name,
      patterns: events,
      matchesType,
      filter: steps,
      when: condition,
      orderBy: policy.orderBy,
      gate: gate && { ...gate, matchesType: compileTypePatterns(gate.patterns) },
    },
  };
}

function toCondition(when: HookConfig["when"], warn: (why: string) => void): Condition | undefined {
  if (when === undefined) return undefined;
  const failed = (how: string) => (why: string) => warn(`its condition ${how}: ${why}`);
  return typeof when === "string"
    ? compileCondition(when, failed("failed"))
    : functionCondition(when, failed("threw"));
}

/** What a hook is made with. */
export function hookContext(
  name: string,
  parts: {
    readonly logger: Logger;
    readonly clock: Clock;
    readonly random: () => number;
    readonly redact: Redact;
    readonly budget: HookContext["budget"];
    readonly shared: HookContext["shared"];
  },
): HookContext {
  const { logger, clock, random, redact, budget, shared } = parts;
  return { name, logger, clock, random, redact, budget, shared };
}
