import { formatDuration } from "../duration.ts";
import type { GateEventInput, GateInput, GateMemory, GateStep } from "./gate.ts";
import { nextTime } from "./schedule.ts";
import type { DigestSpec } from "./spec.ts";

interface Period {
  /** When the first event of the period came. */
  readonly first: number;
}

/**
 * Gathers the events of a period into one delivery. A period begins with its first event, so a key without events
 * costs nothing; it lasts for `every`, or until the next time of the schedule. It ends early with the event that makes
 * `max` or for which `flush_when` holds; the next event then begins another one.
 */
export function reduceDigest(
  spec: DigestSpec,
  memory: GateMemory | undefined,
  input: GateInput,
  now: number,
): GateStep {
  // The value was written by this reducer.
  const value = memory?.value as unknown as Period | undefined;
  // A time in the future means that the clock was set back.
  const first = value === undefined ? undefined : Math.min(value.first, now);
  if (input.type === "event") {
    const early = whyEarly(spec, (memory?.gathered ?? 0) + 1, input);
    if (early === undefined) return remember(spec, first ?? now, [{ type: "hold" }]);
    const release = { reason: early };
    return { value: undefined, actions: [{ type: "hold" }, { type: "release", release }] };
  }
  if (first === undefined) return { value: undefined, actions: [] };
  const end = endOf(spec, first);
  if (input.type === "seed" || now < end) return remember(spec, first, []);
  const release = { reason: periodOf(spec, end) };
  return { value: undefined, actions: [{ type: "release", release }] };
}

function whyEarly(
  { max }: DigestSpec,
  count: number,
  { facts }: GateEventInput,
): string | undefined {
  if (facts.flush === true) return "flush_when holds";
  if (max === undefined || count < max) return undefined;
  return count === 1 ? "1 event" : `${count} events`;
}

function remember(spec: DigestSpec, first: number, actions: GateStep["actions"]): GateStep {
  return { value: { first }, wakeAt: endOf(spec, first), actions };
}

function endOf({ every }: DigestSpec, first: number): number {
  return typeof every === "number" ? first + every : nextTime(every, first);
}

function periodOf({ every }: DigestSpec, end: number): string {
  if (typeof every === "number") return `${formatDuration(every)} since the first event`;
  return `"${every.cron}" in ${every.timeZone}: the period until ${new Date(end).toISOString()}`;
}
