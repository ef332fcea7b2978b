import { isoOf, passDeadlines, startOf } from "./absence-deadlines.ts";
import {
  type AbsenceState,
  createAbsence,
  deadlineOf,
  forgetAt,
  isExpected,
  keyForOthers,
  readAbsence,
  writeAbsence,
} from "./absence-memory.ts";
import type { GateAction, GateFacts, GateInput, GateMemory, GateStep } from "./gate.ts";
import { nextTime, previousTime } from "./schedule.ts";
import type { AbsenceSpec } from "./spec.ts";

/**
 * Reports what has not come by its deadline, and that it came after all. An event at the very deadline is late. What is
 * late resolves; with `at` it also stands for the time that is waited for next, if it is nearer to that one, so that
 * yesterday's late load is not taken for today's, and one load that never came does not make all after it late.
 */
export function reduceAbsence(
  spec: AbsenceSpec,
  key: string,
  memory: GateMemory | undefined,
  input: GateInput,
  now: number,
): GateStep {
  if (!isExpected(spec, key)) {
    const reason = `nothing is expected of "${key}": it is not listed under "for"`;
    return { value: undefined, actions: input.type === "event" ? [skip(reason)] : [] };
  }
  let state = readAbsence(spec, memory, now);
  const actions: GateAction[] = [];
  if (state !== undefined) {
    actions.push(...passDeadlines(spec, key, state, now));
    if ((forgetAt(spec, key, state) ?? Infinity) <= now) state = undefined;
  }
  if (input.type === "seed") state ??= createAbsence(spec, now);
  if (input.type === "event") {
    const taken = takeEvent(spec, key, state, input.facts, now);
    state = taken.state;
    actions.push(...taken.actions);
  }
  return writeAbsence(spec, key, state, actions);
}

interface Taken {
  readonly state: AbsenceState | undefined;
  readonly actions: readonly GateAction[];
}

function takeEvent(
  spec: AbsenceSpec,
  key: string,
  before: AbsenceState | undefined,
  facts: GateFacts,
  now: number,
): Taken {
  const [expected, begins] = [facts.expected === true, facts.begins === true];
  const isAfter = spec.schedule.type === "after";
  if (!expected && !(begins && isAfter)) {
    return { state: before, actions: [skip(`it is not ${spec.expect}, which is expected`)] };
  }
  // Where something else begins the wait, what is expected makes no key known.
  if (isAfter && !begins && before === undefined) {
    return { state: undefined, actions: [skip("was not waited for")] };
  }
  const state = before ?? createFirst(spec, now);
  state.quietSince = now;
  const resolved: GateAction[] = [];
  const reasons: string[] = [];
  if (expected && !(before === undefined && isAfter)) {
    if (state.missedAt !== null) resolved.push(announceResolved(spec, key, state.missedAt, now));
    const reason = takeExpected(spec, state, now);
    // What both ends and begins a wait has only begun one.
    if (reason !== undefined || !begins) reasons.push(reason ?? "was not waited for");
    Object.assign(state, { last: now, missedAt: null });
  }
  if (begins && isAfter) reasons.push(begin(spec, state, now));
  return { state, actions: [skip(reasons.join("; ")), ...resolved] };
}

/** Counts an expected event; answers what it was, or undefined when nothing waited for it. */
function takeExpected(spec: AbsenceSpec, state: AbsenceState, now: number): string | undefined {
  const { schedule } = spec;
  const { missedAt } = state;
  const late = missedAt === null ? undefined : `came late: it was expected by ${isoOf(missedAt)}`;
  switch (schedule.type) {
    case "after": {
      const isWaiting = state.since !== null;
      state.since = null;
      return isWaiting ? "came in time" : late;
    }
    case "every":
      state.since = now;
      return `${late ?? "came in time"}; ${nextBy(now + schedule.everyMs)}`;
    case "at": {
      const start = startOf(spec, state.due);
      const from = late === undefined ? start : (start + state.due) / 2;
      if (now < from) return `${late ?? "came for a time that is over"}; ${nextBy(state.due)}`;
      const following = nextTime(schedule.cron, state.due);
      const isNext = state.came && now >= state.due;
      if (isNext) state.next = true;
      else state.came = true;
      const by = isNext ? nextTime(schedule.cron, following) : following;
      return `came in time; ${nextBy(by)}`;
    }
  }
}

function begin(spec: AbsenceSpec, state: AbsenceState, now: number): string {
  const goesOn = state.since !== null;
  state.since ??= now;
  const until = isoOf(deadlineOf(spec, state) ?? now);
  if (goesOn) return `the wait for ${spec.expect} until ${until} goes on`;
  return `starts the wait for ${spec.expect} until ${until}`;
}

/** The beginning of a key by its first event, which may come in the grace after a scheduled time. */
function createFirst(spec: AbsenceSpec, now: number): AbsenceState {
  const state = createAbsence(spec, now);
  if (spec.schedule.type !== "at") return state;
  const previous = previousTime(spec.schedule.cron, now);
  return now < previous + spec.graceMs ? { ...state, due: previous } : state;
}

function announceResolved(
  spec: AbsenceSpec,
  key: string,
  missedAt: number,
  now: number,
): GateAction {
  const metadata = {
    hook: spec.hook,
    key: keyForOthers(key),
    expect: spec.expect,
    missed_at: isoOf(missedAt),
    came: isoOf(now),
  };
  return { type: "announce", event: { type: "pipehooks.absence.resolved", metadata } };
}

function nextBy(ms: number): string {
  return `next expected by ${isoOf(ms)}`;
}

function skip(reason: string): GateAction {
  return { type: "skip", reason };
}
