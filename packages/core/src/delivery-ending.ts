import { toText } from "./answer.ts";
import { HookError, messageOf } from "./errors.ts";
import { type Outcome, skipped } from "./hook.ts";
import { freezeJson } from "./json.ts";
import { type Ending, toHookError } from "./judge.ts";

const plainlyDelivered: Outcome = Object.freeze({ type: "delivered" });
const longestDelayMs = 365 * 86_400_000;

/** Whether the hook says with what to go on. */
export function leavesState(ending: Ending): boolean {
  return ending.type === "returned"
    ? ending.outcome.type === "pending"
    : ending.error.state !== undefined;
}

/** What a hook returned for one delivery, checked: hooks are also written without types. */
export function endingOf(name: string, returned: unknown, by = "deliver() returned"): Ending {
  if (returned === undefined) return { type: "returned", outcome: plainlyDelivered };
  const outcome = returned as Partial<Outcome> | null;
  switch (outcome?.type) {
    case "delivered":
      return { type: "returned", outcome: outcome as Outcome };
    case "skipped":
      return { type: "returned", outcome: skipped(toText(outcome.reason) ?? "It gave no reason.") };
    case "pending":
      return pendingEnding(`${name}: ${by}`, outcome as Outcome & { readonly type: "pending" });
    default:
      return failed(
        `${name}: ${by} ${describe(returned)}, which is no outcome. ` +
          "Return nothing, delivered(), pending(…) or skipped(…).",
      );
  }
}

function pendingEnding(who: string, outcome: Outcome & { readonly type: "pending" }): Ending {
  if (!Number.isFinite(outcome.againMs) || outcome.againMs > longestDelayMs) {
    return failed(
      `${who} pending with againMs ${String(outcome.againMs)}. ` +
        "Give the milliseconds until the next look, at most 365 days.",
    );
  }
  try {
    const state = freezeJson(outcome.state, "state", { maxBytes: 0 });
    const reason = toText(outcome.reason);
    const error = outcome.error === undefined ? undefined : toHookError(outcome.error);
    return { type: "returned", outcome: { ...outcome, state, reason, error } };
  } catch (cause) {
    return failed(`${who} pending. ${messageOf(cause)}`, cause);
  }
}

/** What a hook threw; a state that it left is checked as that of a pending outcome. */
export function threwEnding(name: string, error: HookError): Ending {
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
