import type { Clock } from "./clock.ts";
import { HookError, messageOf } from "./errors.ts";
import type { Delivery, Hook, Outcome } from "./hook.ts";
import { freezeJson } from "./json.ts";
import { type Ending, toHookError } from "./judge.ts";

/** One running attempt. */
export interface Attempt {
  /** Never rejects. */
  readonly ending: Promise<Ending>;
  /** Ends it now: the hook's signal aborts, and what the hook still does is no longer waited for. */
  breakOff(error: HookError): void;
}

const plainlyDelivered: Outcome = Object.freeze({ type: "delivered" });
const longestDelayMs = 365 * 86_400_000;

/** Runs one attempt within its time-out; a hook that ignores its signal does not hold it up. */
export function startAttempt(run: {
  readonly hook: () => Hook | Promise<Hook>;
  readonly delivery: (signal: AbortSignal) => Delivery;
  readonly name: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
}): Attempt {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<Ending>();
  let broken: "threw" | "broken off" | undefined;
  const end = (ending: Ending) => {
    timer[Symbol.dispose]();
    resolve(ending);
  };
  const abort = (type: "threw" | "broken off", error: HookError) => {
    broken ??= type;
    timer[Symbol.dispose]();
    controller.abort(error);
    // A hook that hears its signal at once may still say what it was about.
    setImmediate(() => end({ type, error }));
  };
  const endBy = (ending: Ending) => {
    if (broken === undefined) end(ending);
    else if (leavesState(ending))
      end(ending.type === "returned" ? ending : { ...ending, type: broken });
  };
  const timer = run.clock.timer(run.timeoutMs, () =>
    abort(
      "threw",
      new HookError("TIMEOUT", `${run.name}: the attempt took longer than ${run.timeoutMs} ms.`, {
        retryable: true,
      }),
    ),
  );
  deliver(run, controller.signal).then(
    (outcome) => endBy(endingOf(run.name, outcome)),
    (thrown: unknown) => endBy(threwEnding(run.name, toHookError(thrown))),
  );
  return { ending: promise, breakOff: (error) => abort("broken off", error) };
}

/** Whether the hook says with what to go on. */
function leavesState(ending: Ending): boolean {
  return ending.type === "returned"
    ? ending.outcome.type === "pending"
    : ending.error.state !== undefined;
}

/** What a hook returned, checked: hooks are also written without types. */
function endingOf(name: string, returned: unknown): Ending {
  if (returned === undefined) return { type: "returned", outcome: plainlyDelivered };
  const outcome = returned as Partial<Outcome> | null;
  switch (outcome?.type) {
    case "delivered":
    case "skipped":
      return { type: "returned", outcome: outcome as Outcome };
    case "pending":
      return pendingEnding(name, outcome as Outcome & { readonly type: "pending" });
    default:
      return failed(
        `${name}: deliver() returned ${describe(returned)}, which is no outcome. ` +
          "Return nothing, delivered(), pending(…) or skipped(…).",
      );
  }
}

function pendingEnding(name: string, outcome: Outcome & { readonly type: "pending" }): Ending {
  if (!Number.isFinite(outcome.againMs) || outcome.againMs > longestDelayMs) {
    return failed(
      `${name}: deliver() returned pending with againMs ${String(outcome.againMs)}. ` +
        "Give the milliseconds until the next look, at most 365 days.",
    );
  }
  try {
    const state = freezeJson(outcome.state, "state", { maxBytes: 0 });
    return { type: "returned", outcome: { ...outcome, state } };
  } catch (cause) {
    return failed(`${name}: deliver() returned pending. ${messageOf(cause)}`, cause);
  }
}

/** What a hook threw; a state that it left is checked as that of a pending outcome. */
function threwEnding(name: string, error: HookError): Ending {
  if (error.state === undefined) return { type: "threw", error };
  try {
    freezeJson(error.state, "state", { maxBytes: 0 });
    return { type: "threw", error };
  } catch (cause) {
    return failed(`${name}: deliver() threw an error with a state. ${messageOf(cause)}`, cause);
  }
}

function failed(message: string, cause?: unknown): Ending {
  return { type: "threw", error: new HookError("HOOK_FAILED", message, { cause }) };
}

function describe(value: unknown): string {
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

async function deliver(
  run: { hook: () => Hook | Promise<Hook>; delivery: (signal: AbortSignal) => Delivery },
  signal: AbortSignal,
): Promise<Outcome | void> {
  const made = run.hook();
  const hook = made instanceof Promise ? await made : made;
  // Making the hook may have outlasted the attempt.
  signal.throwIfAborted();
  return hook.deliver(run.delivery(signal));
}
