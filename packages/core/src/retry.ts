import type { RetryPolicy } from "./policy.ts";

/** Longest wait that a receiver's Retry-After can ask for. */
export const longestRetryAfterMs: number = 10 * 3_600_000;

/**
 * Milliseconds to wait after attempt number `attempt` (1 for the first) failed: `min(cap, base * factor^(attempt-1))`
 * with the policy's jitter. `random` is in [0, 1).
 */
export function backoff(attempt: number, policy: RetryPolicy, random: () => number): number {
  // A power beyond all numbers times a base of 0 would be no number.
  const grown = policy.baseMs === 0 ? 0 : policy.baseMs * policy.factor ** (attempt - 1);
  const delay = Math.min(policy.capMs, grown);
  switch (policy.jitter) {
    case "full":
      return Math.round(random() * delay);
    case "equal":
      return Math.round(delay / 2 + (random() * delay) / 2);
    case "none":
      return Math.round(delay);
  }
}
