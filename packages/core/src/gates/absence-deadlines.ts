import {
  type AbsenceState,
  alarmAt,
  deadlineOf,
  forgetAt,
  keyForOthers,
} from "./absence-memory.ts";
import type { GateAction } from "./gate.ts";
import { nextTime, previousTime } from "./schedule.ts";
import type { AbsenceSpec } from "./spec.ts";

/** Periods that are gone through one by one when nobody has looked for long; `missed` counts no more than these. */
const mostPeriods = 366;

/** What was missed: the latest deadline of those that are over, and how many of them nothing came for. */
interface Missed {
  readonly since: number;
  readonly deadline: number;
  readonly count: number;
}

/**
 * Goes over the deadlines that have passed. However many they are, and however late somebody looks, one event tells of
 * them, and none of them is told again.
 */
export function passDeadlines(
  spec: AbsenceSpec,
  key: string,
  state: AbsenceState,
  now: number,
): GateAction[] {
  const { schedule } = spec;
  const missed =
    schedule.type === "at" ? passTimes(spec, key, state, now) : passOne(spec, state, now);
  return missed === undefined ? [] : [announceMissed(spec, key, state, missed)];
}

function passOne(spec: AbsenceSpec, state: AbsenceState, now: number): Missed | undefined {
  const [deadline, at, { since }] = [deadlineOf(spec, state), alarmAt(spec, state), state];
  if (deadline === undefined || at === undefined || since === null || at > now) return undefined;
  miss(state, deadline);
  if (spec.schedule.type === "after") state.since = null;
  return { since, deadline, count: 1 };
}

function passTimes(
  spec: AbsenceSpec,
  key: string,
  state: AbsenceState,
  now: number,
): Missed | undefined {
  if (spec.schedule.type !== "at") return undefined;
  const { cron } = spec.schedule;
  let count = 0;
  let deadline = 0;
  for (let passed = 0; state.due + spec.graceMs <= now; passed += 1) {
    // A key is not expected any more once it is forgotten, whenever somebody looks.
    if ((forgetAt(spec, key, state) ?? Infinity) <= state.due + spec.graceMs) break;
    if (passed === mostPeriods) state.due = previousTime(cron, now - spec.graceMs);
    if (!state.came) {
      count = Math.min(count + 1, mostPeriods);
      deadline = state.due;
      miss(state, deadline);
    }
    Object.assign(state, { due: nextTime(cron, state.due), came: state.next, next: false });
  }
  return count === 0 ? undefined : { since: startOf(spec, deadline), deadline, count };
}

function miss(state: AbsenceState, deadline: number): void {
  if (state.missedAt === null) state.quietSince = Math.max(state.quietSince, deadline);
  state.missedAt = deadline;
}

/** Where the period begins that a scheduled time ends. */
export function startOf({ schedule }: AbsenceSpec, due: number): number {
  return schedule.type === "at" ? previousTime(schedule.cron, due - 1) : due;
}

function announceMissed(
  spec: AbsenceSpec,
  key: string,
  { last }: AbsenceState,
  { since, deadline, count }: Missed,
): GateAction {
  const times = count === 1 ? "" : `, ${count} times in a row`;
  const reason = `${spec.expect} did not come by ${isoOf(deadline)}${times}`;
  const metadata = {
    hook: spec.hook,
    key: keyForOthers(key),
    expect: spec.expect,
    since: isoOf(since),
    deadline: isoOf(deadline),
    last: last === null ? null : isoOf(last),
    missed: count,
  };
  return {
    type: "announce",
    event: { type: "pipehooks.absence.missed", metadata },
    release: { reason },
  };
}

export function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
