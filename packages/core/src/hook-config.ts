import type { StandardSchemaV1 } from "@standard-schema/spec";
import { z } from "zod";
import type { Clock } from "./clock.ts";
import { compileCondition, functionCondition } from "./condition.ts";
import { issuesText } from "./create-event.ts";
import { HookError, messageOf } from "./errors.ts";
import type { PipehooksEvent } from "./event.ts";
import type { ConfiguredHook, Delivery, Hook, HookContext, HookKind, Outcome } from "./hook.ts";
import type { Logger } from "./logger.ts";
import { type Policy, type PolicyInput, policyShape, toPolicy } from "./policy.ts";
import type { Redact } from "./redact.ts";
import { compileFilter, compileTypePatterns, type FilterInput, type Route } from "./router.ts";

/** A named, configured reaction: which events reach it, what it does, and under which policies. */
export interface HookConfig extends PolicyInput {
  /** Unique; part of the idempotency key, so a renamed hook is a new one. */
  readonly name: string;
  /** What reacts: `webhook({ … })`, an object with `deliver`, or a function. */
  readonly hook: ConfiguredHook | Hook | DeliverFunction;
  /** Globs over event types; `!` takes away; `*` is every type but Pipehooks' own. */
  readonly events: string | readonly string[];
  readonly filter?: FilterInput | undefined;
  /** A CEL expression over `event`, or a function; what throws counts as false and is logged. */
  readonly when?: string | ((event: PipehooksEvent) => boolean) | undefined;
  /** Hooks with an equal destination share budget, pause and breaker. @default what the kind says, else the hook's name */
  readonly destination?: string | undefined;
}

export type DeliverFunction = (delivery: Delivery) => Promise<Outcome | void> | Outcome | void;

/** A checked {@link HookConfig}. */
export interface PreparedHook {
  readonly name: string;
  readonly kind: string;
  readonly route: Route;
  readonly policy: Policy;
  readonly destination: string;
  readonly events: readonly string[];
  readonly filter: FilterInput;
  readonly when: string | undefined;
  readonly secrets: readonly string[];
  readonly create: (context: HookContext) => Hook | Promise<Hook>;
}

const namePattern = /^[A-Za-z0-9][\w.-]{0,99}$/;
const configSchema = z.strictObject({
  ...policyShape,
  name: z.string().regex(namePattern, "a name has letters, digits, - _ and . only, at most 100"),
  hook: z.custom<HookConfig["hook"]>(isReaction, "give webhook({ … }), a function, or { deliver }"),
  events: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
  filter: z
    .strictObject({
      pipelines: z.array(z.string()).optional(),
      flowgroups: z.array(z.string()).optional(),
      actions: z.array(z.string()).optional(),
      tables: z.array(z.string()).optional(),
    })
    .optional(),
  when: z
    .union([
      z.string(),
      z.custom<(event: PipehooksEvent) => boolean>((v) => typeof v === "function"),
    ])
    .optional(),
  destination: z.string().min(1).optional(),
});

/**
 * Checks hooks as configured, all of them, and compiles their routes.
 * @throws HookError CONFIG_INVALID naming every problem with the path of each
 */
export function prepareHooks(
  configs: readonly HookConfig[],
  environment: { readonly defaults: PolicyInput | undefined; readonly logger: Logger },
): readonly PreparedHook[] {
  const problems: string[] = [];
  const names = new Set<string>();
  const prepared = configs.flatMap((config, index) => {
    const at = typeof config?.name === "string" ? `hook "${config.name}"` : `hooks[${index}]`;
    try {
      const hook = prepareHook(config, environment);
      if (names.has(hook.name)) throw new Error("the name is used twice");
      names.add(hook.name);
      return [hook];
    } catch (error) {
      problems.push(`${at}: ${messageOf(error)}`);
      return [];
    }
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
  { defaults, logger }: { defaults: PolicyInput | undefined; logger: Logger },
): PreparedHook {
  const checked = configSchema.safeParse(config);
  if (!checked.success) throw new Error(issuesText(checked.error.issues));
  const { name, filter = {}, when } = config;
  const events = typeof config.events === "string" ? [config.events] : config.events;
  const reaction = toReaction(name, config.hook);
  const policy = toPolicy(defaults, reaction.policy, config);
  const condition =
    when === undefined
      ? undefined
      : typeof when === "string"
        ? compileCondition(when, (why) =>
            logger.warn(`Hook "${name}": its condition failed: ${why}`),
          )
        : functionCondition(when, (why) =>
            logger.warn(`Hook "${name}": its condition threw: ${why}`),
          );
  return {
    name,
    kind: reaction.kind,
    policy,
    destination: config.destination ?? reaction.destination ?? name,
    events,
    filter,
    when: condition?.text,
    secrets: reaction.secrets,
    create: reaction.create,
    route: {
      hook: name,
      patterns: events,
      matchesType: compileTypePatterns(events),
      filter: compileFilter(filter),
      when: condition,
      orderBy: policy.orderBy,
    },
  };
}

interface Reaction {
  readonly kind: string;
  readonly policy: PolicyInput | undefined;
  readonly destination: string | undefined;
  readonly secrets: readonly string[];
  readonly create: (context: HookContext) => Hook | Promise<Hook>;
}

function toReaction(name: string, hook: HookConfig["hook"]): Reaction {
  if (typeof hook === "function") return plain({ deliver: hook });
  if ("deliver" in hook) return plain(hook);
  const options = checkOptions(hook.kind, hook.options, name);
  return {
    kind: hook.kind.name,
    policy: hook.kind.policy,
    destination: hook.kind.destination?.(options),
    secrets: hook.kind.secrets?.(options) ?? [],
    create: (context) => hook.kind.create(options, context),
  };
}

function plain(hook: Hook): Reaction {
  return {
    kind: "code",
    policy: undefined,
    destination: undefined,
    secrets: [],
    create: () => hook,
  };
}

/**
 * Checks a kind's options by its own schema.
 * @throws HookError HOOK_OPTIONS_INVALID naming every problem with the path of each
 */
export function checkOptions(kind: HookKind, options: unknown, hook: string): unknown {
  const result: StandardSchemaV1.Result<unknown> | Promise<StandardSchemaV1.Result<unknown>> =
    kind.options["~standard"].validate(options);
  if (result instanceof Promise) {
    throw new HookError(
      "HOOK_OPTIONS_INVALID",
      `Hook "${hook}": the options of kind "${kind.name}" are checked asynchronously. Use a synchronous schema.`,
    );
  }
  if (result.issues === undefined) return result.value;
  throw new HookError(
    "HOOK_OPTIONS_INVALID",
    `options of ${kind.name}: ${issuesText(result.issues)}`,
  );
}

function isReaction(value: unknown): boolean {
  if (typeof value === "function") return !("kind" in value);
  if (typeof value !== "object" || value === null) return false;
  return "deliver" in value ? typeof value.deliver === "function" : "kind" in value;
}

/** What a hook is made with. */
export function hookContext(
  name: string,
  parts: {
    readonly logger: Logger;
    readonly clock: Clock;
    readonly random: () => number;
    readonly redact: Redact;
  },
): HookContext {
  return { name, ...parts };
}
