import { HookError } from "./errors.ts";
import type { Verdict } from "./judge.ts";
import { isHeld, type Lane } from "./lane.ts";
import { backoff } from "./retry.ts";
import type { ClaimedDelivery } from "./store.ts";

/** From so many losses in a row on, a delivery may be what ends the processes that try it: it waits, and goes alone. */
const suspectFrom = 2;
/** With so many in a row it is given up. */
const mostLosses = 5;

/** Of a delivery whose lease ran out: what follows from an attempt of which nobody knows what became. */
export function judgeLost(
  lane: Pick<Lane, "hook" | "policy" | "keepState">,
  { attempt, state, losses = 1 }: ClaimedDelivery,
  { now, random }: { readonly now: number; readonly random: () => number },
): Verdict {
  const error = new HookError(
    "ATTEMPT_LOST",
    `${lane.hook}: the process that held it ended, or lost touch with the store, before it said what became of it.`,
    { retryable: true },
  );
  const lost = {
    attempts: attempt,
    error,
    hookHealth: "unknown",
    destinationHealth: "unknown",
  } as const;
  if (losses >= mostLosses) {
    return {
      ...lost,
      to: "dead",
      outcome: "dead",
      state: lane.keepState ? state : undefined,
      reason: `${error.message} Given up after ${losses} times in a row: perhaps it is what ends them.`,
    };
  }
  return {
    ...lost,
    // A remote run goes on meanwhile, and is looked at again.
    to: state === undefined ? "retrying" : "pending",
    outcome: "retry",
    dueAt: losses < suspectFrom ? now : now + backoff(losses, lane.policy.retry, random),
    state,
    reason: error.message,
    losses,
  };
}

/**
 * Deliveries that were lost several times in a row, most of which only were near the one that ends processes: they are tried
 * one at a time, so that the others are not lost with it again.
 */
export interface Suspects {
  /** Whether this one may be tried now; then {@link Suspects.taken} follows. */
  admit(lane: Lane, claimed: ClaimedDelivery): boolean;
  /** Their lane holds them now, or has given them back. */
  taken(claimed: readonly ClaimedDelivery[]): void;
}

export function createSuspects(): Suspects {
  let current: { readonly lane: Lane; readonly id: number } | undefined;
  let isOnItsWay = false;
  return {
    admit(lane, { id, losses = 0 }) {
      if (losses < suspectFrom) return true;
      if (current !== undefined && (isOnItsWay || isHeld(current.lane, current.id))) return false;
      current = { lane, id };
      isOnItsWay = true;
      return true;
    },
    taken(claimed) {
      if (claimed.some(({ id }) => id === current?.id)) isOnItsWay = false;
    },
  };
}
