import { describeFailure, type Failure } from "./connect-failure.ts";
import { HookError, isHookError } from "./errors.ts";
import type { HttpCaller } from "./http-answer.ts";
import { withoutStop } from "./without-stop.ts";

/**
 * What `fetch` threw, as the error that says whether another attempt is worth it. TIMEOUT, ABORTED, RECEIVER_UNREACHABLE
 * and RECEIVER_FAILED (its answer is no HTTP) are; RECEIVER_UNTRUSTED (its certificate) and REQUEST_INVALID (a header or
 * an address that HTTP does not carry) are not. A HookError that the signal was aborted with comes back as it is.
 */
export function toFetchFailure(
  thrown: unknown,
  { name, receiver = "the receiver", redact = (text) => text }: HttpCaller,
): HookError {
  // Core aborts with the error to throw: TIMEOUT, or ABORTED while the bus closes.
  if (isHookError(thrown)) return thrown;
  const { code, what, retryable } = describe(thrown);
  // It would show the header or the address with whatever secrets are in them.
  const cause = code === "REQUEST_INVALID" ? undefined : thrown;
  return new HookError(code, redact(`${name}: ${receiver} ${what}.`), { retryable, cause });
}

/** `fetch` throws a TypeError, with a cause where it was under way; or whatever its signal was aborted with. */
function describe(thrown: unknown): Failure {
  if (!(thrown instanceof TypeError)) {
    return thrown instanceof Error && thrown.name === "TimeoutError" ? timedOut : aborted;
  }
  if (thrown.cause !== undefined) return describeFailure(thrown.cause);
  const what = `cannot be sent this request: ${withoutStop(thrown.message)}`;
  return { code: "REQUEST_INVALID", what, retryable: false };
}

const timedOut: Failure = { code: "TIMEOUT", what: "did not answer in time", retryable: true };
const aborted: Failure = {
  code: "ABORTED",
  what: "was not waited for: the attempt was aborted",
  retryable: true,
};
