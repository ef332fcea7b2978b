import { HookError, isHookError, parseRetryAfter } from "@pipehooks/core";

const retried: ReadonlySet<number> = new Set([408, 409, 421, 423, 425, 429]);
const permanent: ReadonlySet<number> = new Set([501, 505]);
/** The receiver as a whole cannot keep up: every hook that goes there waits. */
const overloaded: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** No answer: worth another attempt. */
export function toFailure(name: string, cause: unknown): HookError {
  // Core aborts with the error to throw: TIMEOUT, or ABORTED while the bus closes.
  if (isHookError(cause)) return cause;
  if (cause instanceof Error && cause.name === "TimeoutError") {
    return new HookError("TIMEOUT", `${name}: the check did not answer in time.`, {
      retryable: true,
    });
  }
  return new HookError("RECEIVER_UNREACHABLE", `${name}: the check could not be reached.`, {
    retryable: true,
    cause,
  });
}

/** An answer that is no success. */
export function toRefusal(name: string, { status, headers }: Response, now: number): HookError {
  const said = `${name}: the check answered ${status}.`;
  const answer = { status };
  if (status === 410) {
    return new HookError("RECEIVER_GONE", `${said} It was deleted.`, { scope: "gone", answer });
  }
  if (retried.has(status) || (status >= 500 && !permanent.has(status))) {
    return new HookError("RECEIVER_FAILED", said, {
      retryable: true,
      scope: overloaded.has(status) ? "destination" : "delivery",
      retryAfterMs: parseRetryAfter(headers.get("retry-after") ?? undefined, now),
      answer,
    });
  }
  return new HookError("RECEIVER_REFUSED", `${said} See that "url" is that of a check.`, {
    answer,
  });
}
