import {
  describeFailure,
  failureCodeOf,
  type HookContext,
  HookError,
  type HookErrorOptions,
  isHookError,
  withoutStop,
} from "@pipehooks/core";

/** Whose request failed. */
export interface Where {
  readonly hook: string;
  /** `CloudWatch Logs in eu-west-1`. */
  readonly store: string;
  readonly redact: HookContext["redact"];
  /** Where a user gives the issuer of a certificate that is not trusted. */
  readonly issuerIn?: string | undefined;
}

/** What a store said no with. */
export interface Complaint {
  readonly status: number;
  /** Its own name for it, such as `ThrottlingException`. */
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** What a complaint means for the records of its call. */
export type Verdict =
  | { readonly type: "retry"; readonly everybody: boolean }
  | { readonly type: "refuse"; readonly remedy: string; readonly divisible?: boolean };

/** The receiver as a whole cannot keep up, so everybody waits. */
const overloaded = new Set([429, 502, 503, 504]);
const longestSaid = 500;

/** Judges by the status alone, as HTTP means it. */
export function judgeStatus(status: number, remedies: Readonly<Record<number, string>>): Verdict {
  if (overloaded.has(status)) return { type: "retry", everybody: true };
  if (status === 413) return { type: "refuse", remedy: "Send less at once.", divisible: true };
  if (status === 408 || (status >= 500 && status !== 501 && status !== 505) || status < 400) {
    return { type: "retry", everybody: false };
  }
  return { type: "refuse", remedy: remedies[status] ?? "Replay the deliveries when it is mended." };
}

/** A complaint and what it means, as the error that core acts by. */
export function toFailure(complaint: Complaint, verdict: Verdict, where: Where): HookError {
  const { status, code, retryAfterMs } = complaint;
  const message = said(complaint.message, where.redact);
  const answered = `${where.hook}: ${where.store} answered ${code === undefined ? status : `${code} (${status})`}${message}`;
  const answer: HookErrorOptions["answer"] = {
    status,
    ...(message !== "" && { body: message.slice(2) }),
  };
  if (verdict.type === "retry") {
    return new HookError("RECEIVER_FAILED", `${answered}.`, {
      retryable: true,
      scope: verdict.everybody ? "destination" : "delivery",
      retryAfterMs,
      answer,
    });
  }
  return new HookError("RECEIVER_REFUSED", `${answered}. ${verdict.remedy}`, {
    divisible: verdict.divisible,
    answer,
  });
}

/** What went wrong without an answer. */
export function toUnanswered(error: unknown, where: Where): HookError {
  if (isHookError(error)) return error;
  // Some call a connection that broke a time-out, too.
  if (isTimeout(error) && failureCodeOf(error) === "") return toAborted(error, where);
  const { code, what, retryable } = describeFailure(error, where.issuerIn);
  // Clients hang their requests on their errors, tokens included: no cause.
  return new HookError(code, `${where.hook}: ${where.store} ${what}.`, { retryable });
}

/** Nobody knows yet who we are: the environment may still learn it, so nothing is given up for it. */
export function toUnknownSelf(error: unknown, remedy: string, where: Where): HookError {
  const why = said(error instanceof Error ? error.message : undefined, where.redact);
  return new HookError(
    "RECEIVER_REFUSED",
    `${where.hook}: could not sign in to ${where.store}${why}. ${remedy}`,
    { retryable: true, scope: "destination" },
  );
}

/** What the signal says: core aborts with the error to throw, others with anything. */
export function toAborted(reason: unknown, { hook, store }: Where): HookError {
  if (isHookError(reason)) return reason;
  return isTimeout(reason)
    ? new HookError("TIMEOUT", `${hook}: ${store} did not answer in time.`, { retryable: true })
    : new HookError("ABORTED", `${hook}: the call to ${store} was aborted.`, { retryable: true });
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === "TimeoutError";
}

function said(message: string | undefined, redact: Where["redact"]): string {
  // Redacted before it is cut, or half a secret would stay.
  const text = withoutStop(
    redact(message ?? "")
      .replaceAll(/\s+/g, " ")
      .trim(),
  );
  return text === ""
    ? ""
    : `: ${text.length > longestSaid ? `${text.slice(0, longestSaid)}…` : text}`;
}
