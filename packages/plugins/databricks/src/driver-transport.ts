import { type HookContext, JsonApiError, messageOf } from "@pipehooks/core";
import { openDriver } from "./driver.ts";
import {
  createOperations,
  type Operation,
  toHandle,
  toId,
  toOperation,
} from "./driver-operations.ts";
import { type DirectResults, readRows, rowsOfFetch } from "./driver-rows.ts";
import { createSessions, type Session } from "./driver-sessions.ts";
import {
  isExpired,
  isExpiredText,
  isSuccess,
  isUnknownHandle,
  type OperationStatus,
  textOf,
  toFailure,
  toStatementStatus,
} from "./driver-status.ts";
import type { SqlStatement } from "./sql-insert.ts";
import type { CheckedSqlOptions } from "./sql-options.ts";
import { lostState, type StatementAnswer } from "./sql-report.ts";
import type { SqlTransport } from "./sql-transport.ts";
import type { Workspace } from "./workspace.ts";

const disposeMs = 2_000;

/** Statements by `@databricks/sql`: Thrift over HTTPS, in a session that is kept open. */
export async function openDriverTransport(
  workspace: Workspace,
  options: CheckedSqlOptions,
  context: HookContext,
): Promise<SqlTransport> {
  const { name, clock, logger } = context;
  const driver = await openDriver(options.connection, options.warehouseId, { workspace, context });
  const sessions = createSessions({ driver, workspace, place: options, context });
  const operations = createOperations({ driver, clock });

  const send = (session: Session, { text, parameters }: SqlStatement, signal: AbortSignal) => {
    if (parameters.length > 0 && !session.takesParameters) {
      const what = `${workspace.hostName} speaks a protocol without parameters`;
      const message = `${name}: ${what}. Use "transport": "rest".`;
      throw new JsonApiError("RECEIVER_REFUSED", message, { effect: "none" });
    }
    const request = {
      sessionHandle: session.handle,
      statement: text,
      runAsync: true,
      getDirectResults: { maxRows: rowsOfFetch },
      // Columns of plain values: Arrow is for more rows than a hook reads.
      canReadArrowResult: false,
      canDownloadResult: false,
      parameters: parameters.map(({ name, value, type }) =>
        // NULL has neither type nor value.
        value === null ? { name } : { name, type, value: { stringValue: value } },
      ),
    };
    return driver.call("ExecuteStatement", (calls) => calls.executeStatement(request), {
      signal,
      onLate: ({ operationHandle }) => {
        if (operationHandle) void operations.drop(operationHandle);
      },
    });
  };

  /** In the session, or in a new one where it has ended, which a warehouse says before it does anything. */
  const sendOnce = async (statement: SqlStatement, signal: AbortSignal) => {
    for (let reopened = false; ; reopened = true) {
      const session = await sessions.get(signal);
      let said: string;
      try {
        const answer = await send(session, statement, signal);
        if (!isExpired(answer.status)) return { session, answer };
        said = textOf(answer.status);
      } catch (error) {
        said = messageOf(error);
        const isRefused = error instanceof JsonApiError && error.effect === "none";
        if (!isRefused || !isExpiredText(said)) throw error;
      }
      sessions.forget(session);
      logger.debug(workspace.hide(`${name}: the session has ended: ${said}`));
      if (!reopened) continue;
      throw new JsonApiError(
        "RECEIVER_FAILED",
        workspace.hide(`${name}: ${workspace.hostName} ended two sessions at once: ${said}`),
        { effect: "none", retryable: true },
      );
    }
  };

  /** With the rows of one that has succeeded. */
  const toAnswer = async (
    operation: Operation,
    status: OperationStatus,
    { direct, signal }: { readonly direct?: DirectResults; readonly signal: AbortSignal },
  ): Promise<StatementAnswer> => {
    const id = toId(operation);
    const sent = { statement_id: id, handle: toHandle(operation) };
    const answer = { ...sent, status: toStatementStatus(status) };
    const { state } = answer.status;
    if (state === "PENDING" || state === "RUNNING" || state === "UNKNOWN") return answer;
    if (state !== "SUCCEEDED" || status.hasResultSet === false) {
      operations.ended(id, direct?.closeOperation ? undefined : operation);
      return answer;
    }
    const rows = await readRows(driver, operation, { direct, signal, odd: workspace.odd });
    operations.ended(id, direct?.closeOperation ? undefined : operation);
    return { ...answer, ...rows };
  };

  return {
    render: ({ text, parameters }) => ({
      target: `POST ${workspace.origin}/sql/1.0/warehouses/${options.warehouseId}`,
      headers: { authorization: "[redacted]", "content-type": "application/x-thrift" },
      body: {
        method: "ExecuteStatement",
        ...(options.catalog !== undefined && { catalog: options.catalog }),
        ...(options.schema !== undefined && { schema: options.schema }),
        statement: text,
        parameters: parameters.map(({ name, value, type }) => ({ name, type, value })),
      },
    }),
    async execute(statement, signal) {
      operations.sweep();
      const { session, answer } = await sendOnce(statement, signal);
      const { status, operationHandle: operation, directResults: direct } = answer;
      // What an answer lacks is null, whatever the driver's types say.
      if (!operation) return { status: toFailure(status) };
      const id = toId(operation);
      operations.seen(id, session);
      const first = direct?.operationStatus;
      const goesOn = {
        statement_id: id,
        handle: toHandle(operation),
        status: { state: "RUNNING" },
      };
      if (!first) return goesOn;
      try {
        return await toAnswer(operation, first, { direct, signal });
      } catch (error) {
        // It runs, or has run: what is missing is asked for with the next look.
        logger.debug(`${name}: ${messageOf(error)}`);
        return goesOn;
      }
    },
    async get(sent, signal) {
      operations.sweep();
      const operation = toOperation(sent);
      operations.seen(sent.id);
      const status = await driver.call(
        "GetOperationStatus",
        (calls) =>
          calls.getOperationStatus({ operationHandle: operation, getProgressUpdate: false }),
        { signal },
      );
      if (isUnknownHandle(status.status)) {
        operations.ended(sent.id, undefined);
        return { status: { state: lostState } };
      }
      if (!isSuccess(status.status)) {
        throw workspace.odd(`the statement could not be looked at: ${textOf(status.status)}`);
      }
      return toAnswer(operation, status, { signal });
    },
    async cancel(sent, signal) {
      const operation = toOperation(sent);
      const { status } = await driver.call(
        "CancelOperation",
        (calls) => calls.cancelOperation({ operationHandle: operation }),
        { signal },
      );
      // One that is not known any more is looked at next, and that says so.
      if (isSuccess(status) || isUnknownHandle(status)) return;
      throw workspace.odd(`the statement could not be cancelled: ${textOf(status)}`);
    },
    notUpForMs: sessions.notUpForMs,
    async [Symbol.asyncDispose]() {
      const signal = AbortSignal.timeout(disposeMs);
      await operations.close(signal);
      await sessions.close(signal);
      await driver.dispose();
    },
  };
}
