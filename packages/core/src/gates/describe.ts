import { formatDuration } from "../duration.ts";
import type { JsonObject } from "../json.ts";
import { deadlineOf, readAbsence } from "./absence-memory.ts";
import { countGathered, type GateAction, type GateMemory, memoryOf, passGate } from "./gate.ts";
import { missingOf } from "./join.ts";
import { joinDeadline, readJoin } from "./join-memory.ts";
import type {
  AbsenceSpec,
  AlertSpec,
  DebounceSpec,
  DigestSpec,
  GateSpec,
  JoinSpec,
  ThresholdSpec,
} from "./spec.ts";

/** What a gate waits for, and what happens when nothing else comes. */
export interface GateDescription {
  /** One sentence for people: `releases 3 events at 2026-03-29T04:00:00.000Z`. */
  readonly summary: string;
  /** What would change that; empty when nothing is waited for. */
  readonly waitsFor: readonly string[];
  /** When it happens, in milliseconds since the epoch; absent when nothing happens by itself. */
  readonly until?: number | undefined;
  /** How the gate stands, for machines; times are ISO 8601. */
  readonly detail: JsonObject;
}

/** What a kind of gate says of its memory. */
interface Standing {
  readonly waitsFor: readonly string[];
  readonly detail: JsonObject;
  /** What is so while nothing happens by itself. */
  readonly rest: string;
  /** Words for what its timer does; those for all gates where it has none. */
  readonly happens?: ((action: GateAction, at: string) => string | undefined) | undefined;
}

/** Asks the gate itself what its timer would do, so that this and the gate cannot differ. */
export function describeGate(
  spec: GateSpec,
  key: string,
  memory: GateMemory | undefined,
  now: number,
): GateDescription {
  const gathered = memory?.gathered ?? 0;
  const standing = standingOf(spec, memory && memoryOf(spec, memory), now);
  const { waitsFor } = standing;
  const detail = { gathered, ...standing.detail };
  const next = nextOf(spec, key, memory, now);
  if (next === undefined) return { summary: standing.rest, waitsFor, detail };
  const at = isoOf(next.at);
  const words = next.actions.flatMap(
    (action) => standing.happens?.(action, at) ?? wordsFor(action, gathered, at) ?? [],
  );
  const summary = words.length > 0 ? words.join(", ") : `${standing.rest}; forgotten at ${at}`;
  return { summary, waitsFor, until: next.at, detail };
}

const mostSteps = 10;

/** The first thing that happens by itself: an action, or that the key is forgotten. */
function nextOf(
  spec: GateSpec,
  key: string,
  memory: GateMemory | undefined,
  now: number,
): { readonly at: number; readonly actions: readonly GateAction[] } | undefined {
  let current = memory;
  let at = now;
  // A deadline that something came for passes without a word; what happens at the next one is asked for.
  for (let step = 0; step < mostSteps && current?.wakeAt !== undefined; step += 1) {
    at = Math.max(at, current.wakeAt);
    const { value, wakeAt, keep, actions } = passGate(spec, key, current, { type: "timer" }, at);
    if (actions.length > 0 || value === undefined) return { at, actions };
    current = { value, wakeAt, keep, gathered: countGathered(current.gathered, actions) };
  }
  return undefined;
}

function wordsFor(action: GateAction, gathered: number, at: string): string | undefined {
  switch (action.type) {
    case "release":
      return `releases ${eventsText(gathered)} at ${at}`;
    case "drop":
      return gathered === 0
        ? undefined
        : `drops ${eventsText(gathered)} at ${at}: ${action.reason}`;
    case "again":
      return `delivers the last event again at ${at}`;
    case "announce":
      return `emits ${action.event.type} at ${at}`;
    case "hold":
    case "skip":
    case "dead":
    case "expire":
      return undefined;
  }
}

function standingOf(spec: GateSpec, memory: GateMemory | undefined, now: number): Standing {
  switch (spec.kind) {
    case "debounce":
      return ofDebounce(spec, memory);
    case "digest":
      return ofDigest(spec, memory);
    case "join":
      return ofJoin(spec, memory, now);
    case "threshold":
      return ofThreshold(spec, memory);
    case "absence":
      return ofAbsence(spec, memory, now);
    case "alert":
      return ofAlert(spec, memory);
  }
}

function ofDebounce({ waitMs }: DebounceSpec, memory: GateMemory | undefined): Standing {
  if (memory === undefined) return { waitsFor: [], detail: {}, rest: "waits for a first event" };
  const { first, last } = remembered<{ readonly first?: number; readonly last: number }>(memory);
  return {
    waitsFor: [`no event for ${formatDuration(waitMs)}`],
    detail: { ...(first !== undefined && { first: isoOf(first) }), last: isoOf(last) },
    rest: "gathers what comes in this burst",
  };
}

function ofDigest({ max, every }: DigestSpec, memory: GateMemory | undefined): Standing {
  if (memory === undefined) return { waitsFor: [], detail: {}, rest: "waits for a first event" };
  const { first } = remembered<{ readonly first: number }>(memory);
  const period = typeof every === "number" ? formatDuration(every) : `"${every.cron}"`;
  const more = max === undefined ? [] : [`${eventsText(max - memory.gathered)} more, of ${max}`];
  return {
    waitsFor: [`the end of the period (${period})`, ...more],
    detail: { first: isoOf(first) },
    rest: "gathers the events of the period",
  };
}

function ofJoin(spec: JoinSpec, memory: GateMemory | undefined, now: number): Standing {
  const state = readJoin(spec, memory, now);
  const deadline = joinDeadline(spec, state);
  const came = [...state.came].map(([name, { count, firstAt, lastAt }]) => [
    name,
    { count, firstAt: isoOf(firstAt), lastAt: isoOf(lastAt) },
  ]);
  const missing = missingOf(spec, state);
  const names = missing.join(", ");
  const waiting = `waits for ${spec.needed === spec.inputs.length ? "" : `${spec.needed} of ${spec.inputs.length} inputs; not come yet: `}${names}`;
  const happens = (action: GateAction, at: string): string | undefined => {
    if (action.type === "release")
      return `releases ${eventsText(memory?.gathered ?? 0)} at ${at}, without ${names}`;
    if (action.type === "drop") return `gives up at ${at}: missing ${names}`;
    return action.type === "announce" ? "and reports it" : undefined;
  };
  return {
    waitsFor: missing,
    detail: {
      came: Object.fromEntries(came),
      missing,
      ...(state.since !== undefined && { since: isoOf(state.since) }),
      ...(deadline !== undefined && { deadline: isoOf(deadline) }),
      ...(state.late !== undefined && { late: state.late.missing }),
    },
    rest:
      state.since === undefined || deadline !== undefined
        ? waiting
        : `${waiting}, for as long as it takes`,
    happens,
  };
}

function ofThreshold(spec: ThresholdSpec, memory: GateMemory | undefined): Standing {
  const { count } = spec;
  const { firedAt, seen = [] } =
    memory === undefined
      ? {}
      : remembered<{ readonly firedAt?: number; readonly seen?: readonly unknown[] }>(memory);
  if (firedAt !== undefined) {
    return {
      waitsFor: [`no event for ${formatDuration(spec.withinMs)}`],
      detail: { firedAt: isoOf(firedAt) },
      rest: `fired at ${isoOf(firedAt)} and stays quiet`,
    };
  }
  const left = count - seen.length;
  const what = spec.distinct
    ? `${left} different ${left === 1 ? "value" : "values"}`
    : eventsText(left);
  return {
    waitsFor: [seen.length === 0 ? what : `${what} more`],
    detail: { seen: seen.length, count },
    rest: `has ${seen.length} of ${count}`,
  };
}

function ofAbsence(spec: AbsenceSpec, memory: GateMemory | undefined, now: number): Standing {
  const state = readAbsence(spec, memory, now);
  if (state === undefined) return { waitsFor: [], detail: {}, rest: "knows no such key yet" };
  const { last, missedAt } = state;
  const deadline = deadlineOf(spec, state);
  const isMissing = missedAt !== null;
  return {
    waitsFor: deadline === undefined && !isMissing ? [] : [spec.expect],
    detail: {
      last: last === null ? null : isoOf(last),
      missedAt: missedAt === null ? null : isoOf(missedAt),
      ...(deadline !== undefined && { deadline: isoOf(deadline) }),
      ...(spec.schedule.type === "at" && { came: state.came }),
    },
    rest: isMissing
      ? `has reported the absence of ${spec.expect}, expected by ${isoOf(missedAt)}`
      : `does not wait for ${spec.expect}`,
    happens: (action, at) =>
      action.type === "announce" ? `reports the absence of ${spec.expect} at ${at}` : undefined,
  };
}

function ofAlert(spec: AlertSpec, memory: GateMemory | undefined): Standing {
  if (memory === undefined) return { waitsFor: [], detail: {}, rest: "no incident is open" };
  const { state, since, count, reminders } = remembered<{
    readonly state: "confirming" | "open";
    readonly since: number;
    readonly count: number;
    readonly reminders: number;
  }>(memory);
  const { maxReminders } = spec;
  const reminder = `reminds (${reminders + 1} of ${maxReminders})`;
  return {
    waitsFor: ["a success"],
    detail: { state, since: isoOf(since), count, reminders, maxReminders },
    rest: `open since ${isoOf(since)}; no more reminders`,
    happens({ type }, at) {
      if (type !== "release" && type !== "again") return undefined;
      return state === "confirming" ? `opens the incident at ${at}` : `${reminder} at ${at}`;
    },
  };
}

// Written by the reducer of the same kind.
function remembered<Value>({ value }: GateMemory): Value {
  return value as unknown as Value;
}

function eventsText(count: number): string {
  return count === 1 ? "1 event" : `${count} events`;
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
