import { type Answer, HookError, isHookError, messageOf } from "./errors.ts";
import type { Outcome } from "./hook.ts";
import type { JsonValue } from "./json.ts";
import type { RetryPolicy } from "./policy.ts";
import { backoff, longestRetryAfterMs } from "./retry.ts";
import type { AttemptRecord, Settlement } from "./store.ts";

/** How an attempt ended: what the hook returned, what it threw, or that we broke it off. */
export type Ended<Returned> =
  | { readonly type: "returned"; readonly outcome: Returned }
  | { readonly type: "threw"; readonly error: HookError }
  | { readonly type: "broken off"; readonly error: HookError };

/** How one delivery's attempt ended. */
export type Ending = Ended<Outcome>;

export interface Situation {
  readonly attempt: number;
  /** What the last pending outcome stored. */
  readonly state?: JsonValue | undefined;
  /** Whether the state outlives the delivery's death, for a replay. */
  readonly keepState: boolean;
  /** Since when it is being delivered, milliseconds since the epoch. */
  readonly since: number;
  readonly now: number;
  readonly retry: RetryPolicy;
  readonly random: () => number;
}

/** What follows from an attempt's ending. */
export interface Verdict {
  readonly to: Settlement["to"];
  readonly outcome: AttemptRecord["outcome"];
  /** Attempts to remember. */
  readonly attempts: number;
  readonly dueAt?: number | undefined;
  readonly state?: JsonValue | undefined;
  readonly reason?: string | undefined;
  readonly error?: HookError | undefined;
  readonly answer?: Answer | undefined;
  /** Nothing was sent: what it took from the budget of rates goes back. */
  readonly unspent?: boolean | undefined;
  /** It says nothing new: no attempt is recorded. */
  readonly unrecorded?: boolean | undefined;
  /** Leases in a row that ran out, to remember. */
  readonly losses?: number | undefined;
  /** Every hook of the destination waits until then. */
  readonly pauseUntil?: number | undefined;
  /** What it says of the hook (for `disableAfter`) and of the destination (for the breaker). */
  readonly hookHealth: "good" | "bad" | "unknown" | "gone";
  readonly destinationHealth: "good" | "bad" | "unknown";
}

/** What follows from the ending of an attempt: a pure function of ending, policy, time and chance. */
export function judge(ending: Ending, situation: Situation): Verdict {
  switch (ending.type) {
    case "returned":
      return judgeOutcome(ending.outcome, situation);
    case "threw":
      return judgeError(ending.error, situation);
    case "broken off":
      return judgeBrokenOff(ending.error, situation);
  }
}

/** Anything thrown as a `HookError`: what is none counts as worth another attempt. */
export function toHookError(thrown: unknown): HookError {
  if (isHookError(thrown)) return thrown;
  return new HookError("HOOK_FAILED", messageOf(thrown), { retryable: true, cause: thrown });
}

function judgeOutcome(outcome: Outcome, { attempt, now }: Situation): Verdict {
  switch (outcome.type) {
    case "delivered":
      return {
        to: "delivered",
        outcome: "delivered",
        attempts: attempt,
        answer: outcome.answer,
        hookHealth: "good",
        destinationHealth: "good",
      };
    case "skipped":
      return {
        to: "skipped",
        outcome: "skipped",
        attempts: attempt,
        reason: outcome.reason,
        hookHealth: "unknown",
        destinationHealth: "unknown",
      };
    case "pending":
      return {
        to: "pending",
        outcome: "pending",
        attempts: attempt - 1,
        dueAt: now + Math.max(0, outcome.againMs),
        state: outcome.state,
        reason: outcome.reason,
        answer: outcome.answer ?? outcome.error?.answer,
        error: outcome.error,
        unspent: outcome.sent === false,
        unrecorded: outcome.record === false,
        ...healthOf(outcome, now),
      };
  }
}

/** A look that failed says nothing of the hook, and of its destination what any failure says. */
function healthOf(
  { error, sent }: Outcome & { readonly type: "pending" },
  now: number,
): Pick<Verdict, "hookHealth" | "destinationHealth" | "pauseUntil"> {
  if (sent === false) return { hookHealth: "unknown", destinationHealth: "unknown" };
  if (error === undefined) return { hookHealth: "good", destinationHealth: "good" };
  const hint = Math.min(error.retryAfterMs ?? 0, longestRetryAfterMs);
  return {
    hookHealth: "unknown",
    destinationHealth: error.retryable && !asksToWait(error) ? "bad" : "unknown",
    pauseUntil: hint > 0 && error.scope === "destination" ? now + hint : undefined,
  };
}

function judgeError(error: HookError, situation: Situation): Verdict {
  const { attempt, since, now, retry, random } = situation;
  const isAsked = asksToWait(error);
  const failed = {
    attempts: attempt,
    error,
    answer: error.answer,
    destinationHealth: error.retryable && !isAsked ? "bad" : "unknown",
  } as const;
  const dead = (why: string | undefined): Verdict => ({
    ...failed,
    to: "dead",
    outcome: "dead",
    state: situation.keepState ? (error.state ?? situation.state) : undefined,
    reason: why === undefined ? error.message : `${error.message} ${why}`,
    hookHealth: error.scope === "gone" ? "gone" : "bad",
  });
  if (!error.retryable) return dead(undefined);

  const delay = backoff(attempt, retry, random);
  const hint = Math.min(error.retryAfterMs ?? 0, longestRetryAfterMs);
  // Jitter on top of a hint, never below it: the receiver named a floor.
  const wait =
    hint > 0 ? Math.max(delay, hint + Math.round(random() * 0.1 * Math.min(hint, 60_000))) : delay;
  const dueAt = now + wait;
  const pauseUntil = hint > 0 ? now + hint : error.scope === "destination" ? dueAt : undefined;
  if (attempt >= retry.attempts) {
    return { ...dead(`Given up after ${attempt} attempts.`), pauseUntil };
  }
  if (dueAt > since + retry.maxAgeMs) {
    return { ...dead("Given up: the next attempt would come after the longest age."), pauseUntil };
  }
  return {
    ...failed,
    to: "retrying",
    outcome: "retry",
    dueAt,
    state: error.state ?? situation.state,
    reason: error.message,
    pauseUntil,
    hookHealth: isAsked ? "unknown" : "bad",
  };
}

/** Whoever is up and asks for a pause gets it; that is no sign of being down. */
function asksToWait({ scope, retryAfterMs = 0, answer }: HookError): boolean {
  return scope === "destination" && (retryAfterMs > 0 || answer?.status === 429);
}

/**
 * Due again at once. The attempt does not count, for nobody knows what became of it; only where the hook had stored
 * what it was about to do it does, so that the next attempt can tell that one has begun. Age counts all the same: a
 * receiver that hangs for longer than any process lives would never be given up otherwise.
 */
function judgeBrokenOff(error: HookError, situation: Situation): Verdict {
  const { attempt, since, now, retry } = situation;
  const state = error.state ?? situation.state;
  const brokenOff = {
    state,
    error,
    hookHealth: "unknown",
    destinationHealth: "unknown",
  } as const;
  if (state === undefined && now > since + retry.maxAgeMs) {
    const reason = `${error.message} Given up: it is older than the longest age.`;
    return { ...brokenOff, to: "dead", outcome: "dead", attempts: attempt, reason };
  }
  return {
    ...brokenOff,
    to: state === undefined ? "retrying" : "pending",
    outcome: "retry",
    attempts: state === undefined ? attempt - 1 : attempt,
    dueAt: now,
    reason: error.message,
  };
}
