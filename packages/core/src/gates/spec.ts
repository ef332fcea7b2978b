/** A gate as data, which goes with each event into the store. Durations in milliseconds. */
export type GateSpec =
  | DebounceSpec
  | DigestSpec
  | JoinSpec
  | ThresholdSpec
  | AbsenceSpec
  | AlertSpec;

export type GateKind = GateSpec["kind"];

/** The common group of events that have no key. */
export const commonKey = "";

interface CommonSpec {
  /** Name of the hook. */
  readonly hook: string;
  /** CloudEvents `source` of what the gate itself emits. */
  readonly source: string;
  /** Most keys that are remembered at a time; an event of one more becomes a dead letter. */
  readonly maxKeys: number;
  /** Most events that one delivery carries whole; of those beyond it carries the ids. */
  readonly maxEvents: number;
  /** The field of events that the key is, where it is one: the gate's own events carry it too. */
  readonly keyField?: "pipeline" | "flowgroup" | "action" | "table" | "subject" | undefined;
}

export interface DebounceSpec extends CommonSpec {
  readonly kind: "debounce";
  readonly waitMs: number;
  readonly maxWaitMs: number | undefined;
  readonly leading: boolean;
}

export interface DigestSpec extends CommonSpec {
  readonly kind: "digest";
  readonly every: number | CronSpec;
  readonly max: number | undefined;
}

/** A schedule in a time zone. */
export interface CronSpec {
  /** Five fields. */
  readonly cron: string;
  /** IANA name. */
  readonly timeZone: string;
}

export interface JoinSpec extends CommonSpec {
  readonly kind: "join";
  readonly inputs: readonly string[];
  /** How many of the inputs are needed. */
  readonly needed: number;
  readonly withinMs: number | undefined;
  readonly baseline: "last_fire" | "ever";
  readonly onFailedInput: "wait" | "cancel" | "fire";
  readonly onDeadline: "drop" | "fire_partial" | "emit";
  readonly late: "next" | "drop";
}

export interface ThresholdSpec extends CommonSpec {
  readonly kind: "threshold";
  readonly count: number;
  readonly withinMs: number;
  readonly distinct: boolean;
}

export interface AbsenceSpec extends CommonSpec {
  readonly kind: "absence";
  /** What is expected, for people: the patterns as written. */
  readonly expect: string;
  readonly schedule:
    | { readonly type: "after"; readonly withinMs: number }
    | { readonly type: "at"; readonly cron: CronSpec }
    | { readonly type: "every"; readonly everyMs: number };
  readonly graceMs: number;
  /** Keys that are expected from the beginning; without `by` the common one. */
  readonly keys: readonly string[];
  /** A key known from history is forgotten after so long without an event. */
  readonly forgetAfterMs: number;
}

export interface AlertSpec extends CommonSpec {
  readonly kind: "alert";
  readonly confirmForMs: number;
  /** When reminders come, counted from the opening; the last one repeats. */
  readonly remindMs: readonly number[];
  readonly maxReminders: number;
}
