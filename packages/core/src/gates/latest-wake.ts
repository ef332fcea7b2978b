import { nextTime } from "./schedule.ts";
import type { AbsenceSpec, GateSpec } from "./spec.ts";

/**
 * The latest time that a timer of such a gate can have when it is set now, in milliseconds since the epoch. A timer that
 * lies beyond was set before the clock was set back; stores ask its gate, which corrects it.
 */
export function latestWake(spec: GateSpec, now: number): number {
  switch (spec.kind) {
    case "debounce":
      return now + spec.waitMs;
    case "digest":
      return typeof spec.every === "number" ? now + spec.every : nextTime(spec.every, now);
    case "join":
      // Without a deadline it sets none.
      return now + (spec.withinMs ?? 0);
    case "threshold":
      return now + spec.withinMs;
    case "absence":
      return latestAbsence(spec, now);
    case "alert":
      return now + Math.max(spec.confirmForMs, ...spec.remindMs);
  }
}

function latestAbsence(
  { schedule, graceMs, keys, forgetAfterMs }: AbsenceSpec,
  now: number,
): number {
  // What is expected may have come before its time; then the one after it is waited for.
  if (schedule.type === "at") {
    return nextTime(schedule.cron, nextTime(schedule.cron, now)) + graceMs;
  }
  const waitMs = schedule.type === "after" ? schedule.withinMs : schedule.everyMs;
  // A key that is listed is never forgotten.
  return now + Math.max(waitMs + graceMs, keys.length > 0 ? 0 : forgetAfterMs);
}
