import { randomUUID } from "node:crypto";
import {
  type ExecuteRequest,
  type FetchRequest,
  type OfOperation,
  type OfSession,
  type OpenRequest,
  secretOf,
  toBytes,
  toParameters,
  toText,
} from "./thrift-requests.ts";
import { toRowSet, toSchema } from "./thrift-rows.ts";
import type { ThriftHandler, ThriftWire } from "./thrift-wire.ts";
import { type Statement, unboundIn, type Warehouses } from "./warehouses.ts";

/** A session of the driver, as the receiver knows it. */
export interface DatabricksSession {
  readonly id: string;
  readonly warehouse: string;
  readonly catalog: string | undefined;
  readonly schema: string | undefined;
  readonly state: "open" | "closed" | "expired";
}

export interface ThriftService {
  /** Every session ever opened, oldest first. */
  readonly sessions: readonly DatabricksSession[];
  /** Statements that were neither closed by the client nor ended with their session. */
  readonly openOperations: number;
  /** What a client calls at one warehouse. */
  handlerOf(warehouse: string): ThriftHandler;
  /** Sessions that are open are known no more, nor are their statements; what runs goes on. */
  expireSessions(): void;
}

// TCLIService.thrift, as `@databricks/sql` ships it.
const status = { success: 0, error: 3, invalidHandle: 4 } as const;
const operationStates: Readonly<Record<string, number>> = {
  PENDING: 7,
  RUNNING: 1,
  SUCCEEDED: 2,
  CANCELED: 3,
  CLOSED: 4,
  FAILED: 5,
};
const columnBased = 1;
const fetchFirst = 4;
const sparkV8 = 42248;
const defaultMostRows = 100_000;

interface Session {
  readonly id: string;
  readonly warehouse: string;
  readonly catalog: string | undefined;
  readonly schema: string | undefined;
  state: DatabricksSession["state"];
}

interface Operation {
  readonly statement: Statement;
  readonly session: Session;
  /** How many rows were fetched. */
  read: number;
}

/** The part of HiveServer2's protocol that runs statements, as Databricks has it. */
export function createThriftService(options: {
  readonly warehouses: Warehouses;
  readonly protocolVersion: number | undefined;
  readonly Int64: ThriftWire["Int64"];
}): ThriftService {
  const { warehouses, protocolVersion = sparkV8, Int64 } = options;
  const sessions: Session[] = [];
  const operations = new Map<string, Operation>();

  const toStatusAnswer = ({ statement }: Operation) => {
    const state = warehouses.stateOf(statement);
    const { code = "", message = "" } = statement.result?.error ?? {};
    // The driver's protocol has no codes: the message begins with the class of the error, where there is one.
    const text = code === "BAD_REQUEST" ? message : `[${code}] ${message}`;
    return {
      status: ok(),
      operationState: operationStates[state],
      // Said once it is known.
      ...(state === "SUCCEEDED" && { hasResultSet: hasRows(statement) }),
      ...(state === "FAILED" && {
        sqlState: "42000",
        errorCode: 0,
        errorMessage: text,
        displayMessage: text,
      }),
    };
  };

  const toMetadata = ({ statement }: Operation) => ({
    status: ok(),
    schema: toSchema(statement.result?.columns ?? []),
    resultFormat: columnBased,
    lz4Compressed: false,
  });

  const fetch = (operation: Operation, mostRows: number) => {
    const { columns = [], rows = [] } = operation.statement.result ?? {};
    const offset = operation.read;
    const part = rows.slice(offset, offset + mostRows);
    operation.read += part.length;
    return {
      status: ok(),
      hasMoreRows: operation.read < rows.length,
      results: toRowSet(columns, part, { offset, Int64 }),
    };
  };

  /** What the answer to ExecuteStatement holds of a statement that is over at once, as far as was asked for. */
  const toDirectResults = (operation: Operation, mostRows: number) => {
    const operationStatus = toStatusAnswer(operation);
    const state = warehouses.stateOf(operation.statement);
    if (state !== "SUCCEEDED") return { operationStatus };
    const resultSet = hasRows(operation.statement) ? fetch(operation, mostRows) : undefined;
    const isAll = resultSet?.hasMoreRows !== true;
    if (isAll) operations.delete(operation.statement.id);
    return {
      operationStatus,
      ...(resultSet !== undefined && { resultSetMetadata: toMetadata(operation), resultSet }),
      ...(isAll && { closeOperation: { status: ok() } }),
    };
  };

  const execute = (session: Session, request: ExecuteRequest) => {
    const parameters = toParameters(request.parameters ?? []);
    if (typeof parameters === "string") return { status: failed(parameters) };
    const unbound = unboundIn(request.statement, parameters);
    if (unbound !== undefined) {
      const text = `[UNBOUND_SQL_PARAMETER] Found the unbound parameter: ${unbound}.`;
      return { status: failed(text, "42P02") };
    }
    const { warehouse, catalog, schema } = session;
    const statement = warehouses.start({
      ...{ text: request.statement, warehouse, parameters, catalog, schema, transport: "driver" },
    });
    const { message = "" } = statement.result?.error ?? {};
    if (message.startsWith("[PARSE_SYNTAX_ERROR]")) return { status: failed(message, "42601") };
    const operation: Operation = { statement, session, read: 0 };
    operations.set(statement.id, operation);
    const direct = request.getDirectResults;
    const mostRows = direct?.maxRows?.toNumber() ?? defaultMostRows;
    return {
      status: ok(),
      operationHandle: {
        operationId: { guid: toBytes(statement.id), secret: secretOf(statement.id) },
        operationType: 0,
        hasResultSet: true,
      },
      ...(direct && { directResults: toDirectResults(operation, mostRows) }),
    };
  };

  /** Answers with `then`, or that there is no such statement. */
  const ofOperation =
    <Request extends OfOperation>(then: (operation: Operation, request: Request) => unknown) =>
    async (request: Request) => {
      const { guid, secret } = request.operationHandle.operationId;
      const operation = operations.get(toText(guid));
      if (operation !== undefined && secret.equals(secretOf(operation.statement.id))) {
        return then(operation, request);
      }
      return { status: noHandle(`Invalid OperationHandle: OperationHandle [${toText(guid)}]`) };
    };

  const ofSession =
    <Request extends OfSession>(then: (session: Session, request: Request) => unknown) =>
    async (request: Request) => {
      const id = toText(request.sessionHandle.sessionId.guid);
      const session = sessions.find((each) => each.id === id && each.state === "open");
      if (session !== undefined) return then(session, request);
      return { status: failed(`Invalid SessionHandle: SessionHandle [${id}]`) };
    };

  /** Its statements are known no more. */
  const end = (session: Session, state: "closed" | "expired") => {
    session.state = state;
    for (const [id, operation] of operations) {
      if (operation.session !== session) continue;
      operations.delete(id);
      if (state === "closed") warehouses.cancel(operation.statement);
    }
  };

  return {
    get sessions() {
      return sessions.map((session) => ({ ...session }));
    },
    get openOperations() {
      return operations.size;
    },
    expireSessions() {
      for (const session of sessions) if (session.state === "open") end(session, "expired");
    },
    handlerOf: (warehouse) => ({
      async OpenSession({ initialNamespace }: OpenRequest) {
        const session: Session = {
          id: randomUUID(),
          warehouse,
          catalog: initialNamespace?.catalogName ?? undefined,
          schema: initialNamespace?.schemaName ?? undefined,
          state: "open",
        };
        sessions.push(session);
        return {
          status: ok(),
          serverProtocolVersion: protocolVersion,
          sessionHandle: { sessionId: { guid: toBytes(session.id), secret: secretOf(session.id) } },
        };
      },
      CloseSession: ofSession((session) => {
        end(session, "closed");
        return { status: ok() };
      }),
      ExecuteStatement: ofSession((session, request: OfSession & ExecuteRequest) =>
        execute(session, request),
      ),
      GetOperationStatus: ofOperation((operation) => toStatusAnswer(operation)),
      GetResultSetMetadata: ofOperation((operation) => toMetadata(operation)),
      FetchResults: ofOperation((operation, request: OfOperation & FetchRequest) => {
        if (request.orientation === fetchFirst) operation.read = 0;
        return fetch(operation, request.maxRows.toNumber());
      }),
      CancelOperation: ofOperation(({ statement }) => {
        warehouses.cancel(statement);
        return { status: ok() };
      }),
      CloseOperation: ofOperation(({ statement }) => {
        operations.delete(statement.id);
        warehouses.cancel(statement);
        return { status: ok() };
      }),
    }),
  };
}

function hasRows({ result }: Statement): boolean {
  return (result?.columns ?? []).length > 0;
}

function ok() {
  return { statusCode: status.success };
}

function failed(errorMessage: string, sqlState = "HY000") {
  return { statusCode: status.error, sqlState, errorCode: 0, errorMessage };
}

function noHandle(errorMessage: string) {
  return { ...failed(errorMessage), statusCode: status.invalidHandle };
}
