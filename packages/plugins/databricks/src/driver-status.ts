import type { DriverCalls } from "./driver.ts";
import { lostState, type StatementAnswer } from "./sql-report.ts";

export type OperationStatus = Awaited<ReturnType<DriverCalls["getOperationStatus"]>>;
export type ThriftStatus = OperationStatus["status"];

// TStatusCode and TOperationState of TCLIService.thrift, whose enums need the package at run time.
const successes: ReadonlySet<number> = new Set([0, 1]);
const invalidHandle = 4;
const states = [
  "PENDING",
  "RUNNING",
  "SUCCEEDED",
  "CANCELED",
  // Closed here, unlike over REST, may be what had not ended.
  lostState,
  "FAILED",
  "UNKNOWN",
  "PENDING",
];
const timedOutState = 8;

/** A session that the warehouse does not know any more says so in one of these ways. */
const expired =
  /invalid session ?handle|session handle.*(?:has not been initialized|not found)|session \[?[\w-]+\]? (?:is closed|has expired)/i;

export function isSuccess({ statusCode }: ThriftStatus): boolean {
  return successes.has(statusCode);
}

/** Of a call with the handle of a statement: it is not known, or not any more. */
export function isUnknownHandle(status: ThriftStatus): boolean {
  const text = textOf(status);
  return (
    status.statusCode === invalidHandle ||
    (!isSuccess(status) && (/invalid operation ?handle/i.test(text) || expired.test(text)))
  );
}

/** Of a call with the handle of a session. */
export function isExpired(status: ThriftStatus): boolean {
  return (
    !isSuccess(status) && (status.statusCode === invalidHandle || isExpiredText(textOf(status)))
  );
}

export function isExpiredText(text: string): boolean {
  return expired.test(text);
}

export function textOf({ displayMessage, errorMessage }: Partial<ThriftStatus>): string {
  return displayMessage ?? errorMessage ?? "";
}

/** How a statement is, in the words of the REST API. */
export function toStatementStatus(status: OperationStatus): NonNullable<StatementAnswer["status"]> {
  const { operationState } = status;
  if (operationState === timedOutState) {
    return toFailure({ ...status, errorMessage: "DEADLINE_EXCEEDED: it ran for too long" });
  }
  const state = states[operationState ?? -1] ?? `state ${operationState}`;
  return state === "FAILED" ? toFailure(status) : { state };
}

/** A failure; the driver's protocol has no codes of its own, so the class of the error is the code. */
export function toFailure(
  status: Pick<ThriftStatus, "displayMessage" | "errorMessage" | "sqlState">,
): NonNullable<StatementAnswer["status"]> {
  const message = textOf(status);
  const code = /\[([A-Z][A-Z0-9_]+(?:\.[A-Z0-9_]+)*)\]|^([A-Z][A-Z0-9]*_[A-Z0-9_]+):/.exec(message);
  const { sqlState } = status;
  return {
    state: "FAILED",
    ...(sqlState && { sql_state: sqlState }),
    error: { error_code: code?.[1] ?? code?.[2] ?? "FAILED", message },
  };
}
