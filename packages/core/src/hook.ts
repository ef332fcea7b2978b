import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { BatchLimits, BatchSender } from "./batch.ts";
import type { Budget } from "./budget.ts";
import type { Clock } from "./clock.ts";
import type { Answer, HookError } from "./errors.ts";
import type { EventFields, PipehooksEvent } from "./event.ts";
import type { AlertState, GateRelease } from "./gates/gate.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import type { Logger } from "./logger.ts";
import type { PolicyInput } from "./policy.ts";
import type { SharedValue } from "./shared-value.ts";

/** What one attempt may end in besides a thrown error. Returning nothing means `delivered`. */
export type Outcome =
  | { readonly type: "delivered"; readonly answer?: Answer | undefined }
  | {
      readonly type: "pending";
      /** Kept in the store and given back as {@link Delivery.state}. */
      readonly state: JsonValue;
      /** When to look again, in milliseconds from now. */
      readonly againMs: number;
      readonly answer?: Answer | undefined;
      /** What it waits for, for people; shown with the delivery. */
      readonly reason?: string | undefined;
      /** What went wrong with this look, for the record and the destination's health; it fails nothing. */
      readonly error?: HookError | undefined;
      /** `false`: nothing was sent, so nothing of the destination's rate limit is used up. @default true */
      readonly sent?: boolean | undefined;
      /** `false`: nothing new was learned, so no attempt is recorded. @default true */
      readonly record?: boolean | undefined;
    }
  | { readonly type: "skipped"; readonly reason: string };

/** The receiver has it; `answer` is kept with the attempt. */
export function delivered(answer?: Answer): Outcome {
  return { type: "delivered", answer };
}

/** A remote run goes on: `state` is stored, the slot is free, and the hook is asked again after `againMs`. */
export function pending(outcome: {
  readonly state: JsonValue;
  readonly againMs: number;
  readonly answer?: Answer | undefined;
  readonly reason?: string | undefined;
  readonly error?: HookError | undefined;
  readonly sent?: boolean | undefined;
  readonly record?: boolean | undefined;
}): Outcome {
  return { type: "pending", ...outcome };
}

/** There was nothing to do, and why. */
export function skipped(reason: string): Outcome {
  return { type: "skipped", reason };
}

/** One attempt of one hook at one event (or at the events that a gate let through together). */
export interface Delivery {
  /** Id of the delivery in the store, such as `dlv_42`. */
  readonly id: string;
  /** The configured hook's name. */
  readonly hook: string;
  /** The event, or the last of {@link Delivery.events}. */
  readonly event: PipehooksEvent;
  /** All events, oldest first; of more than the gate's `maxEvents` the first ones and the very last. */
  readonly events: readonly PipehooksEvent[];
  /** {@link Delivery.events} as the JSON texts that are stored: who sends them spares another `JSON.stringify`. */
  readonly eventTexts: readonly string[];
  /** How many events it has, those included that are not given whole. */
  readonly count: number;
  /** The group by which the hook's gate gathers; null without a gate and for the common group. */
  readonly key: string | null;
  /** What the hook's gate let through; absent without a gate. */
  readonly gate?: DeliveredGate | undefined;
  /** The incident, when the gate is an `alert`. */
  readonly alert?: AlertState | undefined;
  /** 1 for the first attempt; looking again at something pending does not count. */
  readonly attempt: number;
  /** `[a-z0-9_]`, the same over attempts, restarts and replays. */
  readonly idempotencyKey: string;
  /**
   * Since when it is being delivered, in milliseconds since the epoch: the same over attempts and restarts, another one
   * after a replay. Absent in deliveries made by hand.
   */
  readonly since?: number | undefined;
  /** What the last {@link pending} outcome stored. */
  readonly state: JsonValue | undefined;
  /** Aborts at the attempt's time-out and when the bus closes. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /**
   * Emits an event caused by this one. It is stored in the transaction that settles this attempt, so it is
   * neither lost nor doubled by a crash. After the attempt it is too late, which is logged.
   * @throws HookError EVENT_INVALID, EVENT_TOO_LARGE, EVENT_TYPE_UNKNOWN, EVENT_LOOP
   */
  emit(type: string, fields?: EventFields<JsonObject>): void;
}

/** What a gate says of the events that it let through together. */
export interface DeliveredGate extends Omit<GateRelease, "tag" | "alert"> {
  /** Ids of the events that are not among {@link Delivery.events}. */
  readonly restIds: readonly string[];
}

/** What a plugin author writes. */
export interface Hook {
  /**
   * One attempt; no retry in here. Throw a `HookError` to say whether another attempt is worth it; anything
   * else thrown counts as worth it.
   */
  deliver(delivery: Delivery): Promise<Outcome | void> | Outcome | void;
  /** Whether the receiver can be reached and the credentials are good; sends nothing. */
  check?(signal: AbortSignal, options?: CheckOptions): Promise<CheckReport | void>;
  /**
   * What {@link Hook.deliver} would send, without sending it and without secrets: for dry runs and route tests.
   * @throws HookError where `deliver` would throw before it sends, such as TEMPLATE_FIELD_MISSING
   */
  render?(delivery: Delivery): Promise<Rendered> | Rendered;
  /**
   * What {@link Hook.deliver} would return, or throw, if the receiver answered so: for route tests. Without it
   * 2xx is delivered, 408, 425, 429 and 5xx are worth another attempt, and everything else is not.
   */
  answered?(answer: GivenAnswer, delivery: Delivery): Outcome | void;
  /** Where the kind has {@link HookDefinition.batch}: how many go in one call. `deliver` is for a single one then. */
  readonly batch?: BatchSender | undefined;
  [Symbol.asyncDispose]?(): Promise<void>;
}

/** A request as a hook would send it. */
export interface Rendered {
  /** Where it goes, for people: `POST https://api.example.com/events`. */
  readonly target: string;
  /** Names in lower case; secrets are replaced. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body: JsonValue;
}

/** What a receiver is said to have answered. */
export interface GivenAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonValue;
}

export interface CheckReport {
  /** One line for a person: what was reached. */
  readonly summary: string;
  /** What else could be told, a line each, such as what there is to choose from; where it was asked for. */
  readonly details?: readonly string[] | undefined;
}

export interface CheckOptions {
  /** Whether details are wanted, which may cost requests. @default false */
  readonly verbose?: boolean | undefined;
}

/** What a hook gets when it is made. */
export interface HookContext {
  /** The configured hook's name. */
  readonly name: string;
  readonly logger: Logger;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Replaces every known secret in a text. */
  readonly redact: (text: string) => string;
  /**
   * A budget of rates such as `["18/1m", "55/1h"]`, shared by all hooks and processes that name it: for limits on what
   * the destination's `rate_limit`, which counts every attempt, does not tell apart. Of different windows of
   * equal length under one name the strictest holds.
   */
  readonly budget: (name: string, windows: readonly string[]) => Budget;
  /**
   * A small value shared by all hooks and processes that name it, kept in the store: which runs hold a place, for
   * instance.
   */
  readonly shared: (name: string) => SharedValue;
}

export interface HookDefinition<Input, Options> {
  /** Name of the kind as written in YAML: lower case and dashes. */
  readonly name: string;
  /** Any Standard Schema validator (https://standardschema.dev); zod gives JSON Schema too. */
  readonly options: StandardSchemaV1<Input, Options>;
  /** Optional npm packages that this kind loads when used (by `loadOptional`), where need be by its options. */
  readonly needs?: readonly string[] | ((options: Options) => readonly string[]);
  /** Where it delivers to: hooks with an equal destination share budget, pause and breaker. */
  readonly destination?: (options: Options) => string | undefined;
  /** Option values that must not appear anywhere. */
  readonly secrets?: (options: Options) => readonly string[];
  /** Paths of options that are templates over the event, such as `payload` or `mail.subject`. */
  readonly templates?: readonly string[];
  /**
   * How much goes into one call, for a kind whose hooks have {@link Hook.batch}. Of its policies `concurrency`, `rateLimit` and
   * `timeout` count calls then.
   */
  readonly batch?: BatchLimits | ((options: Options) => BatchLimits) | undefined;
  /**
   * Whether a replay of a dead delivery finds the state that its last attempt left, as progress that must not be made
   * twice. @default false: a replay begins anew
   */
  readonly keepState?: boolean | undefined;
  /** Policies this kind wants unless the user says otherwise. */
  readonly policy?: PolicyInput;
  /** Makes the live hook, when its first delivery is due. Load what is heavy in here. */
  readonly create: (options: Options, context: HookContext) => Hook | Promise<Hook>;
}

/** A kind with its options: what `webhook({ url })` returns. */
export interface ConfiguredHook {
  readonly kind: HookKind;
  /** As written; validated when the bus is made. */
  readonly options: unknown;
}

/** A {@link HookDefinition} whose option types are behind its schema. */
// biome-ignore lint/suspicious/noExplicitAny: options are checked by the definition's own schema before use
export type HookKind = HookDefinition<any, any>;

/** Options in, configured hook out; carries its kind for YAML. */
export interface HookFactory<Input> {
  (options: Input): ConfiguredHook;
  readonly kind: HookKind;
}

/** Defines a hook kind. No side effect: the hook is made when its first delivery is due. */
export function defineHook<Input, Options>(
  definition: HookDefinition<Input, Options>,
): HookFactory<Input> {
  const kind: HookKind = Object.freeze({ ...definition });
  const factory = (options: Input): ConfiguredHook => ({ kind, options });
  return Object.assign(factory, { kind });
}
