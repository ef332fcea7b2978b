import type { PipehooksEvent } from "../event.ts";

export { gateKinds, gateShape, gateTextShape } from "./gate-shape.ts";

/** Milliseconds, or a text such as `"30s"`. */
export type GateDuration = number | string;

/**
 * What is read of an event: a path (`"pipeline"`, `"metadata.customer"`), a CEL expression over `event`, or in code a
 * function. Where there is nothing to read it is nothing.
 */
export type GateValue = string | ((event: PipehooksEvent) => unknown);

/**
 * What events are grouped by, one value or several together. Each group has a memory of its own; events of which
 * nothing can be read make one common group, and so do all events where `by` is left out. Texts are keys as they are,
 * everything else is as JSON.
 */
export type GateBy = GateValue | readonly GateValue[];

/** A CEL expression over `event` or a function; what throws counts as false and is logged. */
export type GateCondition = string | boolean | ((event: PipehooksEvent) => boolean);

/** Globs over event types, as in `events` of a hook. */
export type GateEvents = string | readonly string[];

/** The gate of a hook, at most one: what stands between route and delivery and has memory. */
export interface GateOptions {
  /** One delivery for a burst of events. */
  readonly debounce?: DebounceOptions | undefined;
  /** One delivery for the events of a period. */
  readonly digest?: DigestOptions | undefined;
  /** One delivery once all of several inputs have come. */
  readonly join?: JoinOptions | undefined;
  /** One delivery once there are many. */
  readonly threshold?: ThresholdOptions | undefined;
  /** A delivery when something has not come. */
  readonly absence?: AbsenceOptions | undefined;
  /** One incident of many failures: opened, reminded of, resolved. */
  readonly alert?: AlertOptions | undefined;
}

/** What every gate takes. */
export interface GateLimits {
  readonly by?: GateBy | undefined;
  /** Most events that a delivery carries whole; of more it has the first ones, the very last and the ids of the rest. @default 1000 */
  readonly maxEvents?: number | undefined;
  /** Most groups that are remembered; an event of one more becomes a dead letter. @default 100_000 */
  readonly maxKeys?: number | undefined;
}

/** Gathers the events of a burst until it is over. */
export interface DebounceOptions extends GateLimits {
  /** How long it must be quiet. */
  readonly wait: GateDuration;
  /** Longest time that the first of the gathered events waits. @default no limit */
  readonly maxWait?: GateDuration | undefined;
  /** The first event of a burst is delivered at once, and those after it are gathered. @default false */
  readonly leading?: boolean | undefined;
}

/** Gathers the events of a period. Needs one of `every` and `cron`. */
export interface DigestOptions extends GateLimits {
  /** Length of a period, which begins with its first event. */
  readonly every?: GateDuration | undefined;
  /** When periods end: five fields, such as `"0 8 * * MON-FRI"`. */
  readonly cron?: string | undefined;
  /** Time zone of `cron`, an IANA name. @default "UTC" */
  readonly timeZone?: string | undefined;
  /** So many events end the period. @default no limit */
  readonly max?: number | undefined;
  /** An event for which it holds ends the period, and belongs to it. */
  readonly flushWhen?: GateCondition | undefined;
}

/**
 * Fires when every input has an event that is newer than the last fire. Needs one of `allOf` and `anyOf`. The hook needs
 * no `events`; where it has some, an input must be among them.
 */
export interface JoinOptions extends GateLimits {
  /** Inputs that must all come. */
  readonly allOf?: readonly JoinInputOptions[] | undefined;
  /** Inputs of which `atLeast` must come. */
  readonly anyOf?: readonly JoinInputOptions[] | undefined;
  /** How many of `anyOf` are needed. @default 1 */
  readonly atLeast?: number | undefined;
  /** How long after its first event the window ends. @default it does not */
  readonly within?: GateDuration | undefined;
  /**
   * `last_fire`: after a fire every input must come anew. `ever`: an input that came once stays, so that after the
   * first fire every further event fires at once.
   * @default "last_fire"
   */
  readonly baseline?: "last_fire" | "ever" | undefined;
  /**
   * What an event of an input does for which `failWhen` holds. `wait`: it is gathered, but its input has not come.
   * `cancel`: what is gathered is dropped, and the join starts over. `fire`: it fires at once, and says which inputs are
   * missing.
   * @default "wait"
   */
  readonly onFailedInput?: "wait" | "cancel" | "fire" | undefined;
  /** Which events of inputs are failures. @default those whose type ends with ".error" */
  readonly failWhen?: GateCondition | undefined;
  /**
   * What happens when the window ends and inputs are missing. `drop`: what is gathered is skipped, and the reason names
   * them. `fire_partial`: it is delivered, and `delivery.gate.missing` names them. `emit`: it is skipped, and an event
   * `pipehooks.join.incomplete` names them.
   * @default "drop"
   */
  readonly onDeadline?: "drop" | "fire_partial" | "emit" | undefined;
  /**
   * What becomes of the event of an input that was missing when the window ended. `next`: it belongs to the next
   * window. `drop`: it is skipped, once for each input, and within another `within` after the end.
   * @default "next"
   */
  readonly late?: "next" | "drop" | undefined;
}

export interface JoinInputOptions {
  /** Unique in the join; letters, digits, - _ and . only. */
  readonly name: string;
  readonly events: GateEvents;
  readonly when?: GateCondition | undefined;
}

/** Fires at so many events in a window that slides, and then not again until a reset, or until the window has emptied. */
export interface ThresholdOptions extends GateLimits {
  readonly count: number;
  readonly within: GateDuration;
  /** Counts different values of it instead of events. */
  readonly distinct?: GateValue | undefined;
  /** Types that begin the count anew; they need not be among the hook's `events`. */
  readonly resetOn?: GateEvents | undefined;
}

/**
 * Delivers an event `pipehooks.absence.missed` when what is expected has not come by its deadline, and emits
 * `pipehooks.absence.resolved` when it comes late. Needs one of `after`, `at` and `every`. The hook needs no `events`;
 * where it has some, what is expected must be among them.
 */
export interface AbsenceOptions extends GateLimits {
  /** Types of which one is expected. */
  readonly expect: GateEvents;
  /** Which of them count. */
  readonly when?: GateCondition | undefined;
  /** Expected within a time after an event that begins the wait. While it goes on, no other event begins it anew. */
  readonly after?: { readonly events: GateEvents; readonly within: GateDuration } | undefined;
  /** Expected between two of these times of day, at the latest by the second one: `"06:00"`. */
  readonly at?: string | undefined;
  /** Time zone of `at`, an IANA name. @default "UTC" */
  readonly timeZone?: string | undefined;
  /** Days on which `at` is: `"mon-fri"`, `["mon", "thu"]`. @default every day */
  readonly days?: string | readonly string[] | undefined;
  /** Expected at least so often, counted from the last one. */
  readonly every?: GateDuration | undefined;
  /** How much later than its deadline it may come. @default 0 */
  readonly grace?: GateDuration | undefined;
  /**
   * Keys that it is expected of, from the beginning and for ever; nothing is expected of others. Needs `by`.
   * @default every key that an event had
   */
  readonly for?: readonly string[] | undefined;
  /** A key that is not listed is forgotten so long after its absence was first reported. @default "7d" */
  readonly forgetAfter?: GateDuration | undefined;
}

/** Makes one incident of the failures of a key. Needs `resolveOn`. */
export interface AlertOptions extends GateLimits {
  /** Which of the hook's events are failures. @default those whose type ends with ".error" */
  readonly openWhen?: GateCondition | undefined;
  /** Types that end the incident; they need not be among the hook's `events`. */
  readonly resolveOn: GateEvents;
  /** How long it must last before it is opened; one that ends sooner is told nobody. @default 0 */
  readonly confirmFor?: GateDuration | undefined;
  /** When reminders come, counted from the opening, such as `["4h", "24h"]`; the last one repeats. @default never */
  readonly remind?: readonly GateDuration[] | undefined;
  /** Most reminders of an incident. @default as many as `remind` has entries */
  readonly maxReminders?: number | undefined;
}
