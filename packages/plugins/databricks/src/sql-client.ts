import {
  type Delivery,
  effectOf,
  type JsonObject,
  type RemoteRunClient,
  type RunReport,
  type StartedRun,
} from "@pipehooks/core";
import type { SqlStatement } from "./sql-insert.ts";
import { type StatementAnswer, toStatementReport } from "./sql-report.ts";
import type { Workspace } from "./workspace.ts";

const path = "/api/2.0/sql/statements";
/** How long the start waits for a statement to end, which saves the first look at most of them. */
const wait = "10s";
const lookAgainMs = 5_000;

export interface SqlClientParts {
  readonly workspace: Workspace;
  readonly warehouseId: string;
  readonly catalog: string | undefined;
  readonly schema: string | undefined;
  readonly statementOf: (delivery: Delivery) => SqlStatement;
  /** Run once before all others, where given; it may run twice. */
  readonly first: SqlStatement | undefined;
  /** Whether a statement may run twice without harm. */
  readonly repeatable: boolean;
  readonly now: () => number;
}

/** Statements by the SQL Statement Execution API (databricks-sdk-py `service/sql.py`). */
export function createSqlClient(parts: SqlClientParts): RemoteRunClient {
  const { workspace, warehouseId, first, now } = parts;
  let isReady = first === undefined;
  let firstId: string | undefined;

  const execute = async (
    statement: SqlStatement,
    signal: AbortSignal,
  ): Promise<StatementAnswer> => {
    const body = toBody(statement, parts);
    const { json } = await workspace.call("POST", path, { signal, body });
    const answer = Object(json) as StatementAnswer;
    if (typeof answer.statement_id === "string") return answer;
    throw workspace.odd("the statement was answered without an id");
  };

  const get = async (id: string, signal: AbortSignal): Promise<StatementAnswer> => {
    const { json } = await workspace.call("GET", `${path}/${encodeURIComponent(id)}`, { signal });
    return Object(json) as StatementAnswer;
  };

  const reportOf = (answer: StatementAnswer): RunReport => {
    const report = toStatementReport(answer);
    const { message } = report;
    return message === undefined ? report : { ...report, message: workspace.hide(message) };
  };

  /** Sends it where it is not on its way yet, and answers whether it is done. */
  const isPrepared = async (statement: SqlStatement, signal: AbortSignal): Promise<boolean> => {
    const id = firstId;
    // Until it is seen to go on it is taken for forgotten: it may be sent twice.
    firstId = undefined;
    const answer = id === undefined ? await execute(statement, signal) : await get(id, signal);
    const { state, label, message = "", worthAnotherRun } = reportOf(answer);
    if (state === "failed" || state === "cancelled") {
      throw workspace.refused(`the table could not be made (${label}): ${message}`, {
        retryable: worthAnotherRun === true,
      });
    }
    firstId = answer.statement_id ?? id;
    return state === "succeeded";
  };

  return {
    what: `SQL on warehouse ${warehouseId}`,
    eventPrefix: "databricks.sql",
    idempotent: parts.repeatable,
    isUnknown: (error) => effectOf(error) === "unknown",
    async admit({ signal }) {
      isReady ||= first === undefined || (await withoutEffect(isPrepared(first, signal)));
      return isReady
        ? {}
        : {
            againAt: now() + lookAgainMs,
            because: "the table is being made, which starts the warehouse",
          };
    },
    async start({ delivery, signal }) {
      const statement = parts.statementOf(delivery);
      const answer = await execute(statement, signal);
      const report = reportOf(answer);
      const isOver = ["succeeded", "failed", "cancelled"].includes(report.state);
      return {
        id: String(answer.statement_id),
        // What is over is not asked for again.
        ...(isOver && { extra: { report: report as unknown as JsonObject } }),
      };
    },
    async look({ id, extra }, signal) {
      // Written by `start` above.
      const known = extra?.report as unknown as RunReport | undefined;
      return known ?? reportOf(await get(id, signal));
    },
    async cancel({ id }: StartedRun, signal) {
      const target = `${path}/${encodeURIComponent(id)}/cancel`;
      await workspace.call("POST", target, { signal, plain: true });
    },
  };
}

/** Body of a statement. */
export function toBody(
  { text, parameters }: SqlStatement,
  { warehouseId, catalog, schema }: Pick<SqlClientParts, "warehouseId" | "catalog" | "schema">,
): JsonObject {
  return {
    statement: text,
    warehouse_id: warehouseId,
    ...(catalog !== undefined && { catalog }),
    ...(schema !== undefined && { schema }),
    ...(parameters.length > 0 && {
      parameters: parameters.map(({ name, value, type }) => ({
        name,
        type,
        // NULL is a parameter without a value.
        ...(value !== null && { value }),
      })),
    }),
    wait_timeout: wait,
    on_wait_timeout: "CONTINUE",
    disposition: "INLINE",
    format: "JSON_ARRAY",
  };
}

/** Nothing of the statement proper has been sent when this fails. */
async function withoutEffect<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error) Object.defineProperty(error, "effect", { value: "none" });
    throw error;
  }
}
