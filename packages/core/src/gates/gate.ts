import type { JsonObject, JsonValue } from "../json.ts";
import { reduceAbsence } from "./absence.ts";
import { reduceAlert } from "./alert.ts";
import { reduceDebounce } from "./debounce.ts";
import { reduceDigest } from "./digest.ts";
import { reduceJoin } from "./join.ts";
import type { GateSpec } from "./spec.ts";
import { reduceThreshold } from "./threshold.ts";

export { commonKey } from "./spec.ts";

/**
 * A gate stands between route and delivery and has memory. It is a pure function of (memory, input, now), so that
 * stores run it inside the transaction that accepts the event, and `explain` and route tests run it without a store.
 * What an event means to a gate (its key, which conditions hold) is worked out beforehand, where the configuration
 * is: a store gets data only.
 */
export type GateInput = GateEventInput | { readonly type: "timer" } | { readonly type: "seed" };

/** An event that comes to a gate. */
export interface GateEventInput {
  readonly type: "event";
  /** The number under which the store has the event; greater for later ones. */
  readonly ref: number;
  readonly facts: GateFacts;
}

/** What the conditions of a gate say of one event; each kind reads its own. */
export interface GateFacts {
  /** `digest`: `flush_when` holds. */
  readonly flush?: boolean | undefined;
  /** `join`: names of the inputs that it is. */
  readonly inputs?: readonly string[] | undefined;
  /** `join`: `fail_when` holds. */
  readonly failed?: boolean | undefined;
  /** `threshold`: it is one of `reset_on`. */
  readonly reset?: boolean | undefined;
  /** `threshold`: the value of `distinct`. */
  readonly distinct?: string | undefined;
  /** `absence`: it is what is expected. */
  readonly expected?: boolean | undefined;
  /** `absence`: it is one of `after.events`. */
  readonly begins?: boolean | undefined;
  /** `alert`: `open_when` holds. */
  readonly opens?: boolean | undefined;
  /** `alert`: it is one of `resolve_on`. */
  readonly resolves?: boolean | undefined;
}

/** What a gate remembers of one key. */
export interface GateMemory {
  /** The kind of the gate and what its reducer keeps; small and of bounded size, whatever comes. */
  readonly value: JsonValue;
  /** When the gate wants to be asked again if nothing else comes, in milliseconds since the epoch. */
  readonly wakeAt?: number | undefined;
  /** Ref of an event that is still needed by itself (see the action `again`). */
  readonly keep?: number | undefined;
  /** How many events are gathered. */
  readonly gathered: number;
}

/** What a reducer answers. */
export interface GateStep {
  /** `undefined` forgets the key. */
  readonly value: JsonValue | undefined;
  readonly wakeAt?: number | undefined;
  readonly keep?: number | undefined;
  /** To be done in this order. An `event` input has exactly one `hold`, `skip` or `dead` among them. */
  readonly actions: readonly GateAction[];
}

export type GateAction =
  /** The event joins what is gathered for the key (a delivery in the state `gathering`, made if there is none). */
  | { readonly type: "hold" }
  /** The event goes no further: a delivery of its own, settled as `skipped`. */
  | { readonly type: "skip"; readonly reason: string }
  /** The event cannot be taken: a delivery of its own, settled as `dead`. */
  | { readonly type: "dead"; readonly reason: string }
  /** What is gathered becomes due now, as one delivery. There is something gathered. */
  | { readonly type: "release"; readonly release: GateRelease }
  /** What is gathered, if anything, is settled as `skipped`. */
  | { readonly type: "drop"; readonly reason: string }
  /** Of what is gathered, the events up to this ref leave: a delivery of their own, settled as `skipped`. */
  | { readonly type: "expire"; readonly through: number; readonly reason: string }
  /** A delivery, due now, of the event that was kept (`keep` of the memory before). */
  | { readonly type: "again"; readonly ref: number; readonly release: GateRelease }
  /**
   * An event that the gate itself has to tell. It is stored, and routed to whoever takes its type by the next process
   * that can route; with `release` this hook gets it, too, as a delivery that is due now.
   */
  | {
      readonly type: "announce";
      readonly event: GateEvent;
      readonly release?: GateRelease | undefined;
    };

/** An event that a gate emits. */
export interface GateEvent {
  readonly type: GateEventType;
  readonly metadata: JsonObject;
}

export type GateEventType =
  | "pipehooks.absence.missed"
  | "pipehooks.absence.resolved"
  | "pipehooks.join.incomplete"
  | "pipehooks.gate.full";

/** What hooks and `explain` are told of a delivery that a gate let through. */
export interface GateRelease {
  /** Why now; for people and for `explain`. */
  readonly reason: string;
  /** Tells apart deliveries of the same event by the same hook and key: part of the idempotency key. */
  readonly tag?: string | undefined;
  /** `join`: what each input had. */
  readonly inputs?: { readonly [name: string]: JoinInput } | undefined;
  /** `join`: inputs that did not come. */
  readonly missing?: readonly string[] | undefined;
  /** `alert`: the state of the incident. */
  readonly alert?: AlertState | undefined;
}

/** How one input of a join stands. */
export interface JoinInput {
  readonly count: number;
  /** When its first and its last event since the last fire were accepted, in milliseconds since the epoch. */
  readonly firstAt: number;
  readonly lastAt: number;
}

/** One incident, as hooks see it. */
export interface AlertState {
  readonly state: "opened" | "reminder" | "resolved";
  /** Since when it lasts: when its first failure was accepted, ISO 8601. */
  readonly since: string;
  /** Failures so far. */
  readonly count: number;
  readonly key: string | null;
  /** The same over the whole incident, another one for the next incident of the key. */
  readonly incident: string;
}

/**
 * Takes a gate one step on. A timer that is overdue goes first, so what is released does not depend on how soon
 * somebody looked. What a gate of another kind has gathered, before the configuration changed, is let through.
 */
export function passGate(
  spec: GateSpec,
  key: string,
  before: GateMemory | undefined,
  input: GateInput,
  now: number,
): GateStep {
  const steps: GateStep[] = [];
  let memory = before;
  if (before !== undefined && memoryOf(spec, before) === undefined) {
    steps.push(letThrough(spec, before));
    memory = undefined;
  } else if (input.type === "event" && before?.wakeAt !== undefined && before.wakeAt <= now) {
    const step = reduce(spec, key, before, { type: "timer" }, now);
    steps.push(step);
    memory = remembered(step, before.gathered);
  }
  const last = reduce(spec, key, memory, input, now);
  return { ...last, actions: [...steps.flatMap(({ actions }) => actions), ...last.actions] };
}

/** What is remembered, as the reducer of this kind wrote it; undefined when one of another kind did. */
export function memoryOf(spec: GateSpec, memory: GateMemory): GateMemory | undefined {
  const [kind, value] = Array.isArray(memory.value) ? memory.value : [];
  return kind === spec.kind && value !== undefined ? { ...memory, value } : undefined;
}

/** Said of what a gate had gathered that its hook does not have any more. */
export const takenOut: GateRelease = {
  reason: "the gate was taken out of the hook while this was gathered",
};

function letThrough({ kind }: GateSpec, { gathered }: GateMemory): GateStep {
  if (gathered === 0) return { value: undefined, actions: [] };
  const release = { reason: `the gate was changed to ${kind} while this was gathered` };
  return { value: undefined, actions: [{ type: "release", release }] };
}

function remembered(
  { value, wakeAt, keep, actions }: GateStep,
  before: number,
): GateMemory | undefined {
  if (value === undefined) return undefined;
  return { value, wakeAt, keep, gathered: countGathered(before, actions) };
}

/** How many events are gathered after these actions; what `expire` takes away is not known here. */
export function countGathered(before: number, actions: readonly GateAction[]): number {
  let gathered = before;
  for (const { type } of actions) {
    if (type === "hold") gathered += 1;
    else if (type === "release" || type === "drop") gathered = 0;
  }
  return gathered;
}

function reduce(
  spec: GateSpec,
  key: string,
  before: GateMemory | undefined,
  input: GateInput,
  now: number,
): GateStep {
  const memory = before && memoryOf(spec, before);
  const step = reduceByKind(spec, key, memory, input, now);
  return step.value === undefined ? step : { ...step, value: [spec.kind, step.value] };
}

function reduceByKind(
  spec: GateSpec,
  key: string,
  memory: GateMemory | undefined,
  input: GateInput,
  now: number,
): GateStep {
  switch (spec.kind) {
    case "debounce":
      return reduceDebounce(spec, memory, input, now);
    case "digest":
      return reduceDigest(spec, memory, input, now);
    case "join":
      return reduceJoin(spec, key, memory, input, now);
    case "threshold":
      return reduceThreshold(spec, memory, input, now);
    case "absence":
      return reduceAbsence(spec, key, memory, input, now);
    case "alert":
      return reduceAlert(spec, key, memory, input, now);
  }
}
