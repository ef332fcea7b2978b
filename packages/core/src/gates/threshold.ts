import { createHash } from "node:crypto";
import { formatDuration } from "../duration.ts";
import type { GateAction, GateEventInput, GateInput, GateMemory, GateStep } from "./gate.ts";
import type { ThresholdSpec } from "./spec.ts";

/** Counting until it fires; fewer entries than `count`, oldest first. */
interface Counting {
  readonly seen: readonly Entry[];
}

/** Quiet since it fired, until the window after `last` has emptied. */
interface Fired {
  readonly firedAt: number;
  readonly last: number;
}

/** Ref and time of an event; with `distinct` of the latest one with that value. */
type Entry = readonly [ref: number, at: number] | readonly [ref: number, at: number, value: string];

/**
 * Fires with the event that makes `count` of them (of different values with `distinct`) in a window that slides,
 * and then not again until an event resets it or none has come for `within`.
 */
export function reduceThreshold(
  spec: ThresholdSpec,
  memory: GateMemory | undefined,
  input: GateInput,
  now: number,
): GateStep {
  // The value was written by this reducer.
  const value = memory?.value as unknown as Counting | Fired | undefined;
  if (input.type === "event" && input.facts.reset === true) return reset(memory);
  if (value !== undefined && "firedAt" in value) return whileFired(spec, value, input, now);
  // A time in the future means that the clock was set back.
  const seen = (value?.seen ?? []).map((entry) => lower(entry, now));
  if (input.type === "event") return count(spec, seen, input, now);
  const last = seen.at(-1);
  if (last === undefined) return { value: undefined, actions: [] };
  if (input.type === "seed" || now < last[1] + spec.withinMs) return remember(spec, seen, []);
  return { value: undefined, actions: [{ type: "drop", reason: tooFew(spec, seen.length) }] };
}

function count(
  spec: ThresholdSpec,
  before: readonly Entry[],
  { ref, facts }: GateEventInput,
  now: number,
): GateStep {
  if (spec.distinct && facts.distinct === undefined) {
    const reason = "it lacks the value of which different ones are counted";
    return remember(spec, before, [{ type: "skip", reason }]);
  }
  const inWindow = before.filter(([, at]) => now < at + spec.withinMs);
  const actions: GateAction[] = [...leave(spec, before, inWindow), { type: "hold" }];
  const value = spec.distinct ? short(facts.distinct ?? "") : undefined;
  const others = value === undefined ? inWindow : inWindow.filter((entry) => entry[2] !== value);
  const seen: Entry[] = [...others, value === undefined ? [ref, now] : [ref, now, value]];
  if (seen.length < spec.count) return remember(spec, seen, actions);
  const what = spec.distinct ? `${spec.count} different` : String(spec.count);
  const release = { reason: `${what} in ${formatDuration(spec.withinMs)}` };
  actions.push({ type: "release", release });
  return quiet(spec, { firedAt: now, last: now }, actions);
}

// Refs and times rise together, so whatever is not behind the last entry that left has left, too.
function leave(
  spec: ThresholdSpec,
  before: readonly Entry[],
  inWindow: readonly Entry[],
): GateAction[] {
  const left = before.filter((entry) => !inWindow.includes(entry));
  const through = left.at(-1)?.[0];
  if (through === undefined) return [];
  const reason = tooFew(spec, before.length);
  return inWindow.length === 0 ? [{ type: "drop", reason }] : [{ type: "expire", through, reason }];
}

function whileFired(spec: ThresholdSpec, fired: Fired, input: GateInput, now: number): GateStep {
  const { firedAt } = fired;
  if (input.type === "event") {
    const reason = `fired at ${new Date(firedAt).toISOString()}, not again until it is reset or ${formatDuration(spec.withinMs)} bring no event`;
    return quiet(spec, { firedAt, last: now }, [{ type: "skip", reason }]);
  }
  const last = Math.min(fired.last, now);
  if (input.type === "timer" && now >= last + spec.withinMs) {
    return { value: undefined, actions: [] };
  }
  return quiet(spec, { firedAt, last }, []);
}

function reset(memory: GateMemory | undefined): GateStep {
  const skip: GateAction = { type: "skip", reason: "resets the gate" };
  if ((memory?.gathered ?? 0) === 0) return { value: undefined, actions: [skip] };
  return {
    value: undefined,
    actions: [{ type: "drop", reason: "reset before there were enough" }, skip],
  };
}

function remember(
  spec: ThresholdSpec,
  seen: readonly Entry[],
  actions: readonly GateAction[],
): GateStep {
  const last = seen.at(-1);
  if (last === undefined) return { value: undefined, actions };
  const value = { seen: seen.map((entry) => [...entry]) };
  return { value, wakeAt: last[1] + spec.withinMs, actions };
}

function quiet(spec: ThresholdSpec, fired: Fired, actions: readonly GateAction[]): GateStep {
  return { value: { ...fired }, wakeAt: fired.last + spec.withinMs, actions };
}

function lower([ref, at, value]: Entry, now: number): Entry {
  return value === undefined ? [ref, Math.min(at, now)] : [ref, Math.min(at, now), value];
}

function tooFew({ count, withinMs, distinct }: ThresholdSpec, had: number): string {
  return `${had} of ${count}${distinct ? " different" : ""} within ${formatDuration(withinMs)}`;
}

// Memory stays small whatever events carry.
function short(value: string): string {
  return value.length <= 64 ? value : createHash("sha256").update(value).digest("base64url");
}
