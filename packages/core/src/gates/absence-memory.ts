import type { GateAction, GateMemory, GateStep } from "./gate.ts";
import { nextTime } from "./schedule.ts";
import { type AbsenceSpec, commonKey } from "./spec.ts";

/** What is remembered of one key that something is expected of, to be worked on. */
export interface AbsenceState {
  /** The schedule that the rest is about. */
  readonly plan: string;
  /** When the last expected event came; null before the first one. */
  last: number | null;
  /** When the last event came, or when the absence after it was first reported. */
  quietSince: number;
  /** The latest deadline that was reported as missed and has not been resolved. */
  missedAt: number | null;
  /** `after`: since when it is waited for; null while it is not. `every`: what the deadline is counted from. */
  since: number | null;
  /** `at`: the scheduled time that is waited for. */
  due: number;
  /** `at`: whether the event of that time came, and that of the time after it already. */
  came: boolean;
  next: boolean;
}

type Stored = { readonly [Key in keyof AbsenceState]: AbsenceState[Key] };

/** The beginning of a key. */
export function createAbsence(spec: AbsenceSpec, now: number): AbsenceState {
  const { schedule } = spec;
  return {
    plan: planOf(spec),
    last: null,
    quietSince: now,
    missedAt: null,
    since: schedule.type === "every" ? now : null,
    due: schedule.type === "at" ? nextTime(schedule.cron, now) : 0,
    came: false,
    next: false,
  };
}

/** Times of a clock that was set back since are lowered; with another schedule the waiting begins anew. */
export function readAbsence(
  spec: AbsenceSpec,
  memory: GateMemory | undefined,
  now: number,
): AbsenceState | undefined {
  if (memory === undefined) return undefined;
  // Written by `writeAbsence`.
  const stored = memory.value as Stored;
  const lower = (time: number | null) => (time === null ? null : Math.min(time, now));
  const lowered = {
    last: lower(stored.last),
    quietSince: Math.min(stored.quietSince, now),
    missedAt: lower(stored.missedAt),
    since: lower(stored.since),
  };
  if (stored.plan !== planOf(spec)) {
    return { ...createAbsence(spec, now), last: lowered.last, missedAt: lowered.missedAt };
  }
  const state = { ...stored, ...lowered };
  const due = Math.min(state.due, latestDue(spec, state.due, now));
  return due < state.due ? { ...state, due, came: false, next: false } : state;
}

export function writeAbsence(
  spec: AbsenceSpec,
  key: string,
  state: AbsenceState | undefined,
  actions: readonly GateAction[],
): GateStep {
  if (state === undefined) return { value: undefined, actions };
  const times = [alarmAt(spec, state), forgetAt(spec, key, state)].filter((t) => t !== undefined);
  const wakeAt = times.length === 0 ? undefined : Math.min(...times);
  return { value: { ...state }, wakeAt, actions };
}

/** When it is expected by, without grace; undefined while it is not waited for. */
export function deadlineOf({ schedule }: AbsenceSpec, state: AbsenceState): number | undefined {
  switch (schedule.type) {
    case "after":
      return state.since === null ? undefined : state.since + schedule.withinMs;
    case "every":
      // Reported once, until it comes again.
      return state.since === null || state.missedAt !== null
        ? undefined
        : state.since + schedule.everyMs;
    case "at":
      return state.due;
  }
}

/** When the deadline is looked at. */
export function alarmAt(spec: AbsenceSpec, state: AbsenceState): number | undefined {
  const deadline = deadlineOf(spec, state);
  return deadline === undefined ? undefined : deadline + spec.graceMs;
}

/** When a key is forgotten that is known from its events only: never before its absence has been reported. */
export function forgetAt(spec: AbsenceSpec, key: string, state: AbsenceState): number | undefined {
  if (isListed(spec, key)) return undefined;
  const isWaiting = spec.schedule.type === "after" ? state.since !== null : state.missedAt === null;
  return isWaiting ? undefined : state.quietSince + spec.forgetAfterMs;
}

/** Whether anything is expected of a key: where keys are listed, of those alone. */
export function isExpected({ keys }: AbsenceSpec, key: string): boolean {
  return keys.length === 0 || keys.includes(key);
}

/** The key as others are told of it. */
export function keyForOthers(key: string): string | null {
  return key === commonKey ? null : key;
}

function isListed({ keys }: AbsenceSpec, key: string): boolean {
  return keys.includes(key);
}

function planOf({ schedule }: AbsenceSpec): string {
  if (schedule.type !== "at") return schedule.type;
  return `${schedule.cron.cron} ${schedule.cron.timeZone}`;
}

// The next time may be settled before it comes, when the clock was set back by a little, so that it is not reported
// twice. What lies beyond the one after it is of a clock that was far ahead.
function latestDue({ schedule }: AbsenceSpec, due: number, now: number): number {
  if (schedule.type !== "at") return due;
  const next = nextTime(schedule.cron, now);
  return due <= next ? due : nextTime(schedule.cron, next);
}
