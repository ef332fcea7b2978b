import { formatDuration } from "../duration.ts";
import type { GateInput, GateMemory, GateStep } from "./gate.ts";
import type { DebounceSpec } from "./spec.ts";

interface Burst {
  /** When the first of the gathered events came; absent while nothing is gathered. */
  readonly first?: number;
  /** When the last event came. */
  readonly last: number;
}

/**
 * Gathers the events of a burst until it has been quiet for `wait`, or the first of them has waited for `max_wait`.
 * With `leading` the first event of a burst goes at once and only those after it are gathered.
 */
export function reduceDebounce(
  spec: DebounceSpec,
  memory: GateMemory | undefined,
  input: GateInput,
  now: number,
): GateStep {
  // The value was written by this reducer.
  const value = memory?.value as unknown as Burst | undefined;
  const burst = value === undefined ? undefined : lower(value, now);
  if (input.type === "event") return onEvent(spec, burst, now);
  if (burst === undefined) return { value: undefined, actions: [] };
  const wakeAt = endOf(spec, burst);
  if (input.type === "seed" || now < wakeAt) return remember(spec, burst, []);
  if (memory?.gathered === 0) return { value: undefined, actions: [] };
  const quiet = now >= burst.last + spec.waitMs;
  const reason = quiet
    ? `quiet for ${formatDuration(spec.waitMs)}`
    : `waited for ${formatDuration(spec.maxWaitMs ?? 0)}, the longest`;
  return { value: undefined, actions: [{ type: "release", release: { reason } }] };
}

function onEvent(spec: DebounceSpec, burst: Burst | undefined, now: number): GateStep {
  if (burst === undefined && spec.leading) {
    const release = { reason: "first of a burst" };
    return remember(spec, { last: now }, [{ type: "hold" }, { type: "release", release }]);
  }
  return remember(spec, { first: burst?.first ?? now, last: now }, [{ type: "hold" }]);
}

function remember(spec: DebounceSpec, burst: Burst, actions: GateStep["actions"]): GateStep {
  return { value: { ...burst }, wakeAt: endOf(spec, burst), actions };
}

function endOf({ waitMs, maxWaitMs }: DebounceSpec, { first, last }: Burst): number {
  if (first === undefined || maxWaitMs === undefined) return last + waitMs;
  return Math.min(last + waitMs, first + maxWaitMs);
}

// A time in the future means that the clock was set back; without this the wait would grow by as much.
function lower({ first, last }: Burst, now: number): Burst {
  const lowered = { last: Math.min(last, now) };
  return first === undefined ? lowered : { ...lowered, first: Math.min(first, now) };
}
