import type { BreakerPolicy } from "./policy.ts";

/**
 * Memory of a circuit breaker: closed while `failures` is below the policy's, open until `openUntil`, and half
 * open afterwards, until one trial has told.
 */
export interface BreakerMemory {
  readonly failures: number;
  readonly openUntil?: number | undefined;
}

export type BreakerState = "closed" | "open" | "half-open";

const closedBreaker: BreakerMemory = { failures: 0 };

/** What the breaker is after an attempt: a pure function of memory, result and time. */
export function breakerAfter(
  memory: BreakerMemory,
  ok: boolean,
  now: number,
  policy: BreakerPolicy,
): BreakerMemory {
  if (ok) return closedBreaker;
  const failures = memory.failures + 1;
  if (failures < policy.failures) return { failures };
  // A failure of an attempt that began before it opened does not push the trial away.
  if (memory.openUntil !== undefined && memory.openUntil > now) {
    return { failures, openUntil: memory.openUntil };
  }
  return { failures, openUntil: now + policy.resetMs };
}

export function breakerState(memory: Pick<BreakerMemory, "openUntil">, now: number): BreakerState {
  if (memory.openUntil === undefined) return "closed";
  return memory.openUntil > now ? "open" : "half-open";
}
