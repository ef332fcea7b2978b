import type { PipehooksEvent } from "../event.ts";
import type { GateFacts } from "../gates/gate.ts";
import type { GateKind } from "../gates/spec.ts";
import type { JsonValue } from "../json.ts";
import type { AttemptRecord, DeliveryState } from "../store.ts";

/** Why hooks did, do or would react to an event, or not: plain data, without secrets. Times are ISO 8601. */
export interface Explanation {
  readonly event: PipehooksEvent;
  /** Whether the store has it; otherwise this says what would become of it if it were emitted now. */
  readonly stored: boolean;
  readonly acceptedAt?: string | undefined;
  /** Other sources of which the store has an event with this id: an id is unique within its source. */
  readonly otherSources: readonly string[];
  /** In the order of the configuration; then those that got the event and are not configured any more. */
  readonly hooks: readonly HookExplanation[];
}

/**
 * Of an event that is stored, what became of it; of another one, what would: `fires` at once, `gathering` at a gate,
 * `skipped` or `dead` by it.
 */
export type HookVerdict = "fires" | "not_reached" | DeliveryState;

/** What one hook makes of the event. */
export interface HookExplanation {
  readonly hook: string;
  /** Empty for a hook that is not configured any more. */
  readonly kind: string;
  readonly verdict: HookVerdict;
  /** One line for people. */
  readonly summary: string;
  /** Whether the event reaches the hook, or its gate, as it is configured now. */
  readonly reached: boolean;
  /** What became of it then and would not now, or the reverse: the configuration has changed since. */
  readonly changed?: string | undefined;
  /** In the order in which they are asked; what is not asked is left out. */
  readonly steps: readonly ExplainedStep[];
}

export type ExplainedStep =
  | EnabledStep
  | SwitchStep
  | EventsStep
  | FilterStep
  | WhenStep
  | GateStep
  | DeliveryStep;

interface CommonStep {
  /**
   * `passed`: the event goes on; `stopped`: it goes no further; `waits`: something holds it back for now; `unasked`: it
   * does not matter here.
   */
  readonly verdict: "passed" | "stopped" | "waits" | "unasked";
  /** One line for people. */
  readonly text: string;
}

/** `enabled` of the configuration. */
export interface EnabledStep extends CommonStep {
  readonly step: "enabled";
}

/** The switch in the store: off after failures, or because somebody said so. What is accepted waits. */
export interface SwitchStep extends CommonStep {
  readonly step: "switch";
  readonly disabledAt?: string | undefined;
  readonly because?: string | undefined;
}

/** The patterns over the event's type. */
export interface EventsStep extends CommonStep {
  readonly step: "events";
  readonly type: string;
  readonly patterns: readonly string[];
  /** Types that the hook's gate asks for besides. */
  readonly gatePatterns: readonly string[];
  /** The pattern that took the type. */
  readonly takenBy?: string | undefined;
  /** The pattern that took it away again. */
  readonly takenAwayBy?: string | undefined;
}

/** The globs over where the event comes from. */
export interface FilterStep extends CommonStep {
  readonly step: "filter";
  readonly fields: readonly {
    readonly field: "pipeline" | "flowgroup" | "action" | "table";
    readonly patterns: readonly string[];
    /** Absent where the event has none, which counts as an empty text. */
    readonly value?: string | undefined;
    readonly passed: boolean;
  }[];
}

/** The condition. */
export interface WhenStep extends CommonStep {
  readonly step: "when";
  /** Absent for a function that was not asked, since the event does not come that far. */
  readonly condition?: ExplainedCondition | undefined;
}

/** What stands between route and delivery. */
export interface GateStep extends CommonStep {
  readonly step: "gate";
  readonly kind: GateKind;
  /** The group that the event belongs to; null for the common one. */
  readonly key: string | null;
  /** What the gate's conditions say of the event; absent where it means nothing to the gate. */
  readonly facts?: GateFacts | undefined;
  /** The same in words. */
  readonly means: readonly string[];
  /** What the gate asks of events, each with its own truth. */
  readonly checks: readonly ExplainedCheck[];
  /** What the gate remembers of the key now. */
  readonly memory?: ExplainedMemory | undefined;
  /** Of an event that is not stored: what the gate would do now, in words and in order. */
  readonly would?: readonly string[] | undefined;
}

/** One of the conditions of a gate. */
export interface ExplainedCheck {
  /** The option of the gate, such as `resolve_on`; of a join also `input orders`. */
  readonly name: string;
  /** As written. */
  readonly text: string;
  readonly passed: boolean;
  readonly because: string;
  /** Absent where the type decides, or decided already. */
  readonly condition?: ExplainedCondition | undefined;
}

export interface ExplainedMemory {
  /** How many events are gathered. */
  readonly gathered: number;
  /** Id of the delivery that they wait in. */
  readonly delivery?: string | undefined;
  /** What happens by itself, and when. */
  readonly summary: string;
  /** What would change that. */
  readonly waitsFor: readonly string[];
  /** When it happens. */
  readonly until?: string | undefined;
}

/** A delivery that the event belongs to. */
export interface DeliveryStep extends CommonStep {
  readonly step: "delivery";
  readonly delivery: string;
  readonly state: DeliveryState;
  /** How many events it has. */
  readonly events: number;
  readonly reason?: string | undefined;
  /** Why its gate let it through. */
  readonly released?: string | undefined;
  readonly settledAt?: string | undefined;
  /** When it is due, or, while it runs, when its lease ends. */
  readonly dueAt?: string | undefined;
  readonly attempts: readonly ExplainedAttempt[];
  /** What keeps it from being tried, beside its own due time. */
  readonly heldBy: readonly ExplainedHold[];
}

export interface ExplainedAttempt
  extends Pick<AttemptRecord, "number" | "durationMs" | "outcome" | "code" | "message"> {
  readonly startedAt: string;
}

export interface ExplainedHold {
  /** `gate`, `order` (an earlier delivery with the same key), `lease`, `destination` (pause, breaker, budget), `switch`. */
  readonly by: "gate" | "order" | "lease" | "destination" | "switch" | "configuration";
  readonly text: string;
  readonly until?: string | undefined;
  /** `order`: the delivery that goes first. */
  readonly delivery?: string | undefined;
}

/** A condition taken apart where it says and, or, not. */
export interface ExplainedCondition {
  /** As written. */
  readonly text: string;
  /** null where it cannot be worked out, which counts as false. */
  readonly result: boolean | null;
  /** One line for people: what made it so. */
  readonly because: string;
  readonly operator?: "&&" | "||" | "!" | undefined;
  /** Of an operator: what it joins. */
  readonly parts: readonly ExplainedCondition[];
  /** Of what is not taken apart further: what it reads. */
  readonly values: readonly ReadValue[];
}

/** The value that a condition reads at a path. */
export interface ReadValue {
  /** As written: `event.error.severity`. */
  readonly path: string;
  readonly value?: JsonValue | undefined;
  /** Where the event has no value: the first step of the path that is missing. */
  readonly missing?: string | undefined;
}
