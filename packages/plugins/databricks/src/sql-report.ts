import type { JsonObject, JsonValue, RunReport } from "@pipehooks/core";

/** A statement as `/api/2.0/sql/statements` answers it, as far as it is read; the driver's answers are brought to that. */
export interface StatementAnswer {
  readonly statement_id?: string | undefined;
  /** What else the transport needs to find it again. */
  readonly handle?: string | undefined;
  readonly status?: {
    readonly state?: string;
    readonly sql_state?: string;
    readonly error?: { readonly error_code?: string; readonly message?: string };
  };
  readonly manifest?: {
    readonly schema?: { readonly columns?: readonly { readonly name?: string }[] };
    readonly total_row_count?: number;
    readonly truncated?: boolean;
  };
  readonly result?: { readonly data_array?: readonly (readonly (string | null)[])[] };
}

/** Of a statement that nobody can be asked about any more. */
export const lostState = "LOST";

/** Failures that pass by themselves (databricks-sdk-py `service/sql.py`). */
const passing = new Set([
  ...["TEMPORARILY_UNAVAILABLE", "SERVICE_UNDER_MAINTENANCE", "RESOURCE_EXHAUSTED"],
  ...["DEADLINE_EXCEEDED", "INTERNAL_ERROR", "IO_ERROR", "ABORTED", "CANCELLED"],
  ...["WORKSPACE_TEMPORARILY_UNAVAILABLE", "SERVICE_UNDER_MAINTENANCE"],
]);
/** Two writers at one table: Delta says so by this class. */
const conflict = /DELTA_CONCURRENT|Concurrent\w+Exception/;

/** Rows of the result that its event tells, and how long they (and a message) may be. */
const mostRows = 10;
const mostText = 4096;

/** How a statement is. */
export function toStatementReport(
  answer: StatementAnswer,
  { againWhenLost }: { readonly againWhenLost: boolean },
): RunReport {
  const { state, error, sql_state } = answer.status ?? {};
  switch (state) {
    case "PENDING":
      return { state: "queued", label: state };
    case "RUNNING":
      return { state: "running", label: state };
    case "SUCCEEDED":
      return { state: "succeeded", label: state, detail: resultOf(answer) };
    // It has succeeded, and its rows are not to be had any more (databricks-sdk-py `service/sql.py`).
    case "CLOSED":
      return {
        state: "succeeded",
        label: state,
        ...(answer.manifest && { detail: resultOf(answer) }),
      };
    case "FAILED": {
      const { error_code = "FAILED", message = "" } = error ?? {};
      return {
        state: "failed",
        label: error_code,
        message: message.slice(0, mostText),
        worthAnotherRun: passing.has(error_code) || conflict.test(message),
        detail: { error_code, ...(sql_state !== undefined && { sql_state }) },
      };
    }
    case lostState:
      return {
        state: "failed",
        label: state,
        message: "it or its session was closed, so nobody can say how it ended",
        worthAnotherRun: againWhenLost,
      };
    case "CANCELED":
      return { state: "cancelled", label: state };
    default:
      return { state: "unknown", label: state ?? "no state" };
  }
}

export function isOver({ state }: RunReport): boolean {
  return state === "succeeded" || state === "failed" || state === "cancelled";
}

/** The first rows as objects, so that a chain can read `metadata.rows.0.count`. */
function resultOf({ manifest, result }: StatementAnswer): JsonObject {
  const names = (manifest?.schema?.columns ?? []).map(({ name = "" }) => name);
  const rows = (result?.data_array ?? [])
    .slice(0, mostRows)
    .map((row): JsonObject => Object.fromEntries(names.map((name, at) => [name, row[at] ?? null])));
  const count: JsonValue = manifest?.total_row_count ?? rows.length;
  const isShort = JSON.stringify(rows).length <= mostText;
  return {
    row_count: count,
    ...(manifest?.truncated === true && { truncated: true }),
    ...(rows.length > 0 && isShort && { rows }),
  };
}
