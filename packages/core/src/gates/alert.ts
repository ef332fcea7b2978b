import { formatDuration } from "../duration.ts";
import type {
  AlertState,
  GateAction,
  GateEventInput,
  GateInput,
  GateMemory,
  GateRelease,
  GateStep,
} from "./gate.ts";
import { type AlertSpec, commonKey } from "./spec.ts";

interface Incident {
  readonly id: string;
  /** When its first failure came; told as it is. */
  readonly since: number;
  readonly count: number;
  readonly state: "confirming" | "open";
  /** Since when it is in this state; lowered when the clock is set back. */
  readonly from: number;
  /** Which of `remindMs` comes next; its length once the last one repeats. */
  readonly next: number;
  /** How many reminders there were, and when the last one was. */
  readonly reminders: number;
  readonly remindedAt: number;
}

/**
 * Makes one incident of the failures of a key: opened once it has lasted for `confirm_for`, reminded of, resolved by
 * the next success. An event that is both, opens: no failure is taken for a success.
 */
export function reduceAlert(
  spec: AlertSpec,
  key: string,
  memory: GateMemory | undefined,
  input: GateInput,
  now: number,
): GateStep {
  // The value was written by this reducer.
  const value = memory?.value as unknown as Incident | undefined;
  const incident = value === undefined ? undefined : lower(value, now);
  const keep = memory?.keep;
  if (input.type === "event") {
    if (input.facts.opens === true) return fail(spec, key, incident, input, now);
    if (input.facts.resolves === true) return succeed(spec, key, incident);
    return remember(spec, incident, keep, [{ type: "skip", reason: "neither opens nor resolves" }]);
  }
  const wakeAt = incident === undefined ? undefined : wakeOf(spec, incident);
  if (incident === undefined || wakeAt === undefined || input.type === "seed" || now < wakeAt) {
    return remember(spec, incident, keep, []);
  }
  if (incident.state === "confirming") return confirm(spec, key, incident, keep, now);
  return remind(spec, key, incident, memory, now);
}

function fail(
  spec: AlertSpec,
  key: string,
  before: Incident | undefined,
  { ref }: GateEventInput,
  now: number,
): GateStep {
  const hold: GateAction = { type: "hold" };
  if (before !== undefined) {
    return remember(spec, { ...before, count: before.count + 1 }, ref, [hold]);
  }
  const incident: Incident = {
    id: `${now.toString(36)}_${ref.toString(36)}`,
    since: now,
    count: 1,
    state: spec.confirmForMs > 0 ? "confirming" : "open",
    from: now,
    next: 0,
    reminders: 0,
    remindedAt: now,
  };
  if (incident.state === "confirming") return remember(spec, incident, ref, [hold]);
  const release = tell("opened", key, incident, "the first failure");
  return remember(spec, incident, ref, [hold, { type: "release", release }]);
}

function succeed(spec: AlertSpec, key: string, incident: Incident | undefined): GateStep {
  if (incident === undefined) {
    return { value: undefined, actions: [{ type: "skip", reason: "no incident is open" }] };
  }
  if (incident.state === "open") {
    const release = tell("resolved", key, incident, "a success after the failures");
    return { value: undefined, actions: [{ type: "hold" }, { type: "release", release }] };
  }
  const within = formatDuration(spec.confirmForMs);
  return {
    value: undefined,
    actions: [
      { type: "drop", reason: `recovered within ${within}, before it was reported` },
      { type: "skip", reason: "recovered before confirm_for was over" },
    ],
  };
}

function confirm(
  spec: AlertSpec,
  key: string,
  incident: Incident,
  keep: number | undefined,
  now: number,
): GateStep {
  const open: Incident = { ...incident, state: "open", from: now };
  const reason = `no success for ${formatDuration(spec.confirmForMs)}`;
  const release = tell("opened", key, open, reason);
  return remember(spec, open, keep, [{ type: "release", release }]);
}

function remind(
  spec: AlertSpec,
  key: string,
  incident: Incident,
  memory: GateMemory | undefined,
  now: number,
): GateStep {
  const { remindMs } = spec;
  let next = Math.min(incident.next + 1, remindMs.length);
  // Of those that came due while nobody looked, this one stands for all.
  while (next < remindMs.length && incident.from + (remindMs[next] ?? 0) <= now) next += 1;
  const reminders = incident.reminders + 1;
  const reminded: Incident = { ...incident, next, reminders, remindedAt: now };
  const reason = `open for ${formatDuration(now - incident.from)}`;
  const release = tell("reminder", key, reminded, reason);
  const keep = memory?.keep;
  if ((memory?.gathered ?? 0) > 0) {
    return remember(spec, reminded, keep, [{ type: "release", release }]);
  }
  // The newest failure is kept as long as there is an incident.
  return remember(spec, reminded, keep, [{ type: "again", ref: keep as number, release }]);
}

function remember(
  spec: AlertSpec,
  incident: Incident | undefined,
  keep: number | undefined,
  actions: readonly GateAction[],
): GateStep {
  if (incident === undefined) return { value: undefined, actions };
  return { value: { ...incident }, wakeAt: wakeOf(spec, incident), keep, actions };
}

function wakeOf(spec: AlertSpec, incident: Incident): number | undefined {
  const { state, from, next, reminders, remindedAt } = incident;
  if (state === "confirming") return from + spec.confirmForMs;
  const last = spec.remindMs.at(-1);
  if (last === undefined || reminders >= spec.maxReminders) return undefined;
  const wait = spec.remindMs[next];
  return wait === undefined ? remindedAt + last : from + wait;
}

function tell(
  state: AlertState["state"],
  key: string,
  { id, since, count, reminders }: Incident,
  reason: string,
): GateRelease {
  const number = state === "reminder" ? `_${reminders}` : "";
  return {
    reason,
    tag: `${state}${number}_${id}`,
    alert: {
      state,
      since: new Date(since).toISOString(),
      count,
      key: key === commonKey ? null : key,
      incident: id,
    },
  };
}

// A time in the future means that the clock was set back; `since` is only told.
function lower(incident: Incident, now: number): Incident {
  const { from, remindedAt } = incident;
  return { ...incident, from: Math.min(from, now), remindedAt: Math.min(remindedAt, now) };
}
