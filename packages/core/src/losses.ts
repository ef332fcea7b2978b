import { HookError } from "./errors.ts";
import type { Verdict } from "./judge.ts";
import { isHeld, type Lane } from "./lane.ts";
import { backoff } from "./retry.ts";
import type { ClaimedDelivery } from "./store.ts";

/** From so many losses in a row on, a delivery may be what ends the processes that try it: it waits, and goes apart. */
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

/** How long a round of them takes, about. */
const suspectMs = 100;

/**
 * Deliveries that were lost several times in a row, most of which only were near the one that ends processes. They are tried
 * apart, so that the others are not lost with it again: one to begin with, and with each that comes through one more at a time.
 * One that is given up with its next loss goes with none of the others, lest it dies of another one's deed.
 */
export interface Suspects {
  /** Whether this one may be tried now; then {@link Suspects.taken} follows. */
  admit(lane: Lane, claimed: ClaimedDelivery): boolean;
  /** Their lane holds them now, or has given them back. */
  taken(claimed: readonly ClaimedDelivery[]): void;
  /** Whether one is tried for the last time: what is claimed meanwhile could be lost with it, before its answer has come. */
  isLastTry(): boolean;
  /** How long the `n`th that was not admitted waits, in milliseconds. */
  waitMs(n: number): number;
}

export function createSuspects(): Suspects {
  let admitted: {
    readonly lane: Lane;
    readonly id: number;
    readonly isAlone: boolean;
    isTaken: boolean;
  }[] = [];
  let cameThrough = 0;
  const isRunning = (one: (typeof admitted)[number]) => !one.isTaken || isHeld(one.lane, one.id);
  return {
    // A call with many deliveries waits for what else is claimed.
    isLastTry: () =>
      admitted.some((one) => one.isAlone && one.lane.gathering === undefined && isRunning(one)),
    admit(lane, { id, losses = 0 }) {
      if (losses < suspectFrom) return true;
      const running = admitted.filter(isRunning);
      cameThrough += admitted.length - running.length;
      admitted = running;
      const isAlone = losses >= mostLosses - 1;
      if (admitted.length > (isAlone ? 0 : cameThrough)) return false;
      if (admitted.some((one) => one.isAlone)) return false;
      admitted.push({ lane, id, isAlone, isTaken: false });
      return true;
    },
    taken(claimed) {
      if (admitted.length === 0) return;
      const ids = new Set(claimed.map(({ id }) => id));
      for (const one of admitted) one.isTaken ||= ids.has(one.id);
    },
    waitMs(n) {
      // Each round lets one more through than the one before.
      let round = 0;
      for (let left = n; left > 0; left -= cameThrough + round) round += 1;
      return round * suspectMs;
    },
  };
}
