import {
  type Delivery,
  effectOf,
  HookError,
  isHookError,
  type JsonObject,
  type RemoteRunClient,
  type RunReport,
  type StartedRun,
  withoutStop,
} from "@pipehooks/core";
import type { SqlStatement } from "./sql-insert.ts";
import { isOver, type StatementAnswer, toStatementReport } from "./sql-report.ts";
import type { SentStatement, SqlTransport } from "./sql-transport.ts";
import type { Workspace } from "./workspace.ts";

const lookAgainMs = 5_000;

export interface SqlClientParts {
  readonly workspace: Workspace;
  readonly transport: SqlTransport;
  readonly warehouseId: string;
  readonly statementOf: (delivery: Delivery) => SqlStatement;
  /** Run once before all others, where given; it may run twice. */
  readonly first: SqlStatement | undefined;
  /** Whether a statement may run twice without harm. */
  readonly repeatable: boolean;
  /** Whether the end is seen later; otherwise it counts what the answer to the start says. */
  readonly waits: boolean;
  /** Whether one of which nobody knows how it ended may be run again. */
  readonly againWhenLost: boolean;
  readonly now: () => number;
}

/** Statements as runs elsewhere: sent, looked at until they end, cancelled. */
export function createSqlClient(parts: SqlClientParts): RemoteRunClient {
  const { workspace, transport, warehouseId, first, now } = parts;
  const what = `SQL on warehouse ${warehouseId}`;
  let isReady = first === undefined;
  let sentFirst: SentStatement | undefined;

  const reportOf = (answer: StatementAnswer): RunReport => {
    const report = toStatementReport(answer, { againWhenLost: parts.againWhenLost });
    const { message } = report;
    return message === undefined ? report : { ...report, message: workspace.hide(message) };
  };

  /** Of what has failed at once no end is to be waited for. */
  const checkEnd = (
    id: string,
    { state, label, message = "", worthAnotherRun }: RunReport,
  ): void => {
    if (state !== "failed" && state !== "cancelled") return;
    const how = state === "failed" ? "failed" : "was cancelled";
    const said = [label, withoutStop(message)].filter((part) => part !== "").join(": ");
    throw new HookError("RECEIVER_FAILED", `${what}: run ${id} ${how} (${said}).`, {
      retryable: parts.repeatable && worthAnotherRun === true,
    });
  };

  /** Sends it where it is not on its way yet, and answers whether it is done. */
  const isPrepared = async (statement: SqlStatement, signal: AbortSignal): Promise<boolean> => {
    const sent = sentFirst;
    // Until it is seen to go on it is taken for forgotten: it may be sent twice.
    sentFirst = undefined;
    const answer =
      sent === undefined
        ? await transport.execute(statement, signal)
        : await transport.get(sent, signal);
    const { state, label, message = "", worthAnotherRun } = reportOf(answer);
    if (state === "failed" || state === "cancelled") {
      throw workspace.refused(`the table could not be made (${label}): ${message}`, {
        retryable: worthAnotherRun === true,
      });
    }
    sentFirst = toSent(answer) ?? sent;
    return state === "succeeded";
  };

  const notUpForMs: NonNullable<RemoteRunClient["noRoomForMs"]> = (error) =>
    transport.notUpForMs?.(error);

  return {
    what,
    eventPrefix: "databricks.sql",
    idempotent: parts.repeatable,
    isUnknown: (error) => effectOf(error) === "unknown",
    noRoomForMs: notUpForMs,
    async admit({ signal }) {
      try {
        isReady ||= first === undefined || (await withoutEffect(() => isPrepared(first, signal)));
      } catch (error) {
        const waitMs = isHookError(error) ? notUpForMs(error) : undefined;
        if (waitMs === undefined) throw error;
        return { againAt: now() + waitMs, because: "the warehouse is starting" };
      }
      return isReady
        ? {}
        : {
            againAt: now() + lookAgainMs,
            because: "the table is being made, which starts the warehouse",
          };
    },
    async start({ delivery, marker, signal }) {
      const statement = await withoutEffect(() => parts.statementOf(delivery));
      const answer = await transport.execute(statement, signal);
      const report = reportOf(answer);
      const { id = marker, handle } = toSent(answer) ?? {};
      if (!parts.waits) await withoutEffect(() => checkEnd(id, report));
      return {
        id,
        extra: {
          ...(handle !== undefined && { handle }),
          // What is over is not asked for again.
          ...(isOver(report) && { report: report as unknown as JsonObject }),
        },
      };
    },
    async look({ id, extra }, signal) {
      // Both written by `start` above.
      const known = extra?.report as unknown as RunReport | undefined;
      return known ?? reportOf(await transport.get({ id, handle: handleIn(extra) }, signal));
    },
    async cancel({ id, extra }: StartedRun, signal) {
      await transport.cancel({ id, handle: handleIn(extra) }, signal);
    },
  };
}

function toSent({ statement_id: id, handle }: StatementAnswer): SentStatement | undefined {
  return id === undefined ? undefined : { id, handle };
}

function handleIn(extra: JsonObject | undefined): string | undefined {
  return extra?.handle as string | undefined;
}

/** Nothing of the statement proper has been sent when this fails. */
export async function withoutEffect<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error) Object.defineProperty(error, "effect", { value: "none" });
    throw error;
  }
}
