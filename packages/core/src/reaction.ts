import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { BatchLimits } from "./batch.ts";
import { isSchema } from "./catalogue.ts";
import { HookError, messageOf } from "./errors.ts";
import type { ConfiguredHook, Delivery, Hook, HookContext, HookKind, Outcome } from "./hook.ts";
import { issuesText } from "./issues-text.ts";
import { type PolicyInput, policySchema } from "./policy.ts";

export type DeliverFunction = (delivery: Delivery) => Promise<Outcome | void> | Outcome | void;

/** What a hook does with a delivery, and what its kind says of that. */
export interface Reaction {
  readonly kind: string;
  readonly policy: PolicyInput | undefined;
  readonly destination: string | undefined;
  readonly batch: BatchLimits | undefined;
  readonly keepState: boolean;
  readonly secrets: readonly string[];
  readonly create: (context: HookContext) => Hook | Promise<Hook>;
  readonly given: Hook | undefined;
}

/** @throws HookError HOOK_OPTIONS_INVALID, PLUGIN_INVALID where the kind itself is wrong */
export function toReaction(name: string, hook: ConfiguredHook | Hook | DeliverFunction): Reaction {
  if (typeof hook === "function") return plain({ deliver: hook });
  if ("deliver" in hook) return plain(hook);
  const { kind } = hook;
  const options = checkOptions(kind, hook.options, name);
  const { batch } = kind;
  const ask = <Said>(what: string, question: () => Said): Said => {
    try {
      return question();
    } catch (cause) {
      throw wrongKind(kind, `its ${what} threw: ${messageOf(cause)}`, cause);
    }
  };
  return {
    kind: kind.name,
    policy: checkPolicy(kind),
    destination: ask("destination()", () => kind.destination?.(options)),
    batch: typeof batch === "function" ? ask("batch()", () => batch(options)) : batch,
    keepState: kind.keepState ?? false,
    secrets: checkSecrets(
      kind,
      ask("secrets()", () => kind.secrets?.(options) ?? []),
    ),
    create(context) {
      const made = kind.create(options, context);
      return made instanceof Promise
        ? made.then((hook) => checkMade(kind, hook))
        : checkMade(kind, made);
    },
    given: undefined,
  };
}

function checkMade(kind: HookKind, made: Hook): Hook {
  if (typeof (made as Partial<Hook> | undefined)?.deliver === "function") return made;
  throw wrongKind(kind, "its create() must answer an object with deliver()");
}

function checkPolicy(kind: HookKind): PolicyInput | undefined {
  if (kind.policy === undefined) return undefined;
  const checked = policySchema.safeParse(kind.policy);
  if (checked.success) return kind.policy;
  throw wrongKind(kind, `its policy: ${issuesText(checked.error.issues)}`);
}

/** An option that was left out is no secret. */
function checkSecrets(kind: HookKind, said: unknown): readonly string[] {
  if (!Array.isArray(said)) throw wrongKind(kind, "its secrets() must answer a list of texts");
  return said.filter((secret) => typeof secret === "string");
}

function wrongKind({ name }: HookKind, why: string, cause?: unknown): HookError {
  return new HookError("PLUGIN_INVALID", `The kind "${name}" is wrong: ${why}.`, { cause });
}

function plain(hook: Hook): Reaction {
  return {
    kind: "code",
    policy: undefined,
    destination: undefined,
    batch: undefined,
    keepState: false,
    secrets: [],
    create: () => hook,
    given: hook,
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
    `options of ${kind.name}: ${issuesText(result.issues, Object.keys(Object(Reflect.get(kind.options, "shape"))))}`,
  );
}

/** Whether it is something that a hook may be. */
export function isReaction(value: unknown): boolean {
  if (typeof value === "function") return !("kind" in value);
  if (typeof value !== "object" || value === null) return false;
  if ("deliver" in value) return typeof value.deliver === "function";
  return "kind" in value && isKind(value.kind);
}

/** Whether it is a kind of hooks or of sources: what a factory has under `kind`. */
export function isKind(value: unknown): boolean {
  const { name, options, create }: Partial<Record<keyof HookKind, unknown>> = Object(value);
  return typeof name === "string" && isSchema(options) && typeof create === "function";
}
