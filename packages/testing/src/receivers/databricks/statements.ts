import { randomUUID } from "node:crypto";
import { invalid, malformed, Refusal } from "./refusal.ts";

/** What a SQL statement gives. Values are text or null, as the API has them. */
export interface StatementResult {
  readonly columns?: readonly { readonly name: string; readonly type: string }[];
  readonly rows?: readonly (readonly (string | null)[])[];
  /** How long it takes, in milliseconds. @default 0 */
  readonly runMs?: number;
  /** It fails so. */
  readonly error?: { readonly code: string; readonly message: string };
}

export interface StatementParameter {
  readonly name: string;
  readonly value: string | null;
  readonly type: string;
}

/** Runs a statement; called when it begins, so its effects stand even if nobody looks at it again. */
export type ExecuteStatement = (statement: {
  readonly text: string;
  readonly parameters: Readonly<Record<string, StatementParameter>>;
  readonly catalog: string | undefined;
  readonly schema: string | undefined;
}) => StatementResult;

/** A statement as the receiver knows it. */
export interface DatabricksStatement {
  readonly id: string;
  readonly text: string;
  readonly parameters: Readonly<Record<string, StatementParameter>>;
  readonly state: string;
}

export interface Statements {
  readonly all: readonly DatabricksStatement[];
  route(
    method: string,
    path: string,
    body: () => Record<string, unknown>,
  ): { readonly method: string; readonly run: () => unknown } | undefined;
}

interface Statement {
  readonly id: string;
  readonly text: string;
  readonly parameters: Readonly<Record<string, StatementParameter>>;
  readonly catalog: string | undefined;
  readonly schema: string | undefined;
  readonly runsAt: number;
  result: StatementResult | undefined;
  endsAt: number;
  cancelledAt: number | undefined;
}

const bodyFields = new Set(
  (
    "statement warehouse_id catalog schema parameters wait_timeout on_wait_timeout disposition " +
    "format row_limit byte_limit query_tags"
  ).split(" "),
);
const mostBytes = 16 * 1024 ** 2;
const rowsOfChunk = 1000;

/** SQL Statement Execution API, as databricks-sdk-py `service/sql.py` has it; INLINE JSON_ARRAY only. */
export function createStatements(options: {
  readonly now: () => number;
  readonly execute: ExecuteStatement;
  readonly warehouses: readonly string[];
  readonly warehouseStartMs: number;
}): Statements {
  const { now, execute, warehouses, warehouseStartMs } = options;
  const all: Statement[] = [];
  /** When each warehouse is up; the first statement starts it. */
  const upAt = new Map<string, number>();

  const stateOf = (statement: Statement): string => {
    const { cancelledAt, runsAt } = statement;
    if (cancelledAt !== undefined && cancelledAt < statement.endsAt) return "CANCELED";
    if (now() < runsAt) return "PENDING";
    if (statement.result === undefined) {
      statement.result = execute(statement);
      statement.endsAt = runsAt + (statement.result.runMs ?? 0);
    }
    if (now() < statement.endsAt) return "RUNNING";
    return statement.result.error === undefined ? "SUCCEEDED" : "FAILED";
  };

  const describe = (statement: Statement) => {
    const state = stateOf(statement);
    const { id, result } = statement;
    if (state === "FAILED") {
      const { code = "BAD_REQUEST", message = "" } = result?.error ?? {};
      const error = { error_code: code, message };
      return { statement_id: id, status: { state, sql_state: "42000", error } };
    }
    if (state !== "SUCCEEDED") return { statement_id: id, status: { state } };
    const { columns = [], rows = [] } = result ?? {};
    return {
      statement_id: id,
      status: { state },
      manifest: {
        format: "JSON_ARRAY",
        schema: {
          column_count: columns.length,
          columns: columns.map(({ name, type }, position) => ({
            name,
            position,
            type_name: type,
            type_text: type,
          })),
        },
        total_row_count: rows.length,
        total_chunk_count: Math.ceil(rows.length / rowsOfChunk),
        truncated: false,
      },
      result: chunkOf(id, rows, 0),
    };
  };

  const find = (id: string): Statement => {
    const found = all.find((statement) => statement.id === id);
    if (found === undefined) {
      throw new Refusal(404, "NOT_FOUND", `The statement ${id} was not found.`);
    }
    return found;
  };

  const start = (body: Record<string, unknown>) => {
    const request = checkRequest(body);
    if (!warehouses.includes(request.warehouse)) {
      throw new Refusal(
        404,
        "RESOURCE_DOES_NOT_EXIST",
        `SQL warehouse ${request.warehouse} does not exist.`,
      );
    }
    const up = upAt.get(request.warehouse) ?? now() + warehouseStartMs;
    upAt.set(request.warehouse, up);
    const runsAt = Math.max(now(), up);
    const statement: Statement = {
      id: randomUUID(),
      ...request,
      runsAt,
      result: undefined,
      endsAt: Number.POSITIVE_INFINITY,
      cancelledAt: undefined,
    };
    all.push(statement);
    const state = stateOf(statement);
    const goesOn = state === "PENDING" || state === "RUNNING";
    if (goesOn && request.onWaitTimeout === "CANCEL") statement.cancelledAt = now();
    return describe(statement);
  };

  return {
    get all() {
      return all.map((statement) => ({
        id: statement.id,
        text: statement.text,
        parameters: statement.parameters,
        state: stateOf(statement),
      }));
    },
    route(_method, path, body) {
      if (path === "sql/statements") return { method: "POST", run: () => start(body()) };
      const [, id = "", rest] = /^sql\/statements\/([^/]+)(?:\/(.+))?$/.exec(path) ?? [];
      const [, warehouse] = /^sql\/warehouses\/([^/]+)$/.exec(path) ?? [];
      if (warehouse !== undefined) return { method: "GET", run: () => warehouseOf(warehouse) };
      if (id === "") return undefined;
      if (rest === undefined) return { method: "GET", run: () => describe(find(id)) };
      if (rest === "cancel") {
        const cancel = () => {
          find(id).cancelledAt ??= now();
          return {};
        };
        return { method: "POST", run: cancel };
      }
      const [, chunk] = /^result\/chunks\/(\d+)$/.exec(rest) ?? [];
      if (chunk === undefined) return undefined;
      return { method: "GET", run: () => chunkOf(id, find(id).result?.rows ?? [], Number(chunk)) };
    },
  };

  function warehouseOf(id: string) {
    if (!warehouses.includes(id)) {
      throw new Refusal(404, "RESOURCE_DOES_NOT_EXIST", `SQL warehouse ${id} does not exist.`);
    }
    const up = upAt.get(id);
    return {
      id,
      name: id,
      state: up === undefined ? "STOPPED" : now() < up ? "STARTING" : "RUNNING",
    };
  }
}

function chunkOf(id: string, rows: readonly (readonly (string | null)[])[], index: number) {
  const offset = index * rowsOfChunk;
  const part = rows.slice(offset, offset + rowsOfChunk);
  const hasMore = offset + part.length < rows.length;
  if (rows.length === 0) return {};
  if (part.length === 0) throw invalid(`There is no chunk ${index}.`);
  return {
    chunk_index: index,
    row_offset: offset,
    row_count: part.length,
    data_array: part,
    ...(hasMore && {
      next_chunk_index: index + 1,
      next_chunk_internal_link: `/api/2.0/sql/statements/${id}/result/chunks/${index + 1}`,
    }),
  };
}

function checkRequest(body: Record<string, unknown>) {
  for (const key of Object.keys(body)) {
    if (!bodyFields.has(key)) throw malformed(`Unknown field "${key}".`);
  }
  const text = textOf(body, "statement");
  if (text === undefined || text === "") throw invalid("statement is missing.");
  if (Buffer.byteLength(text) > mostBytes) throw invalid("statement is longer than 16 MiB.");
  const warehouse = textOf(body, "warehouse_id");
  if (warehouse === undefined) throw invalid("warehouse_id is missing.");
  const wait = textOf(body, "wait_timeout") ?? "10s";
  const seconds = Number(/^(\d+)s$/.exec(wait)?.[1] ?? Number.NaN);
  if (!(seconds === 0 || (seconds >= 5 && seconds <= 50))) {
    throw invalid("wait_timeout must be 0s or between 5s and 50s.");
  }
  const list = (body.parameters ?? []) as readonly Record<string, unknown>[];
  const parameters: Record<string, StatementParameter> = {};
  for (const { name, value = null, type = "STRING" } of list) {
    if (typeof name !== "string") throw malformed("A parameter has no name.");
    if (value !== null && typeof value !== "string") {
      throw malformed(`The value of parameter "${name}" must be a string.`);
    }
    if (/^(?:ARRAY|MAP|STRUCT)/i.test(String(type)))
      throw invalid(`Type ${String(type)} is not allowed.`);
    parameters[name] = { name, value, type: String(type) };
  }
  const bare = text.replaceAll(/'(?:[^'\\]|\\.)*'|`[^`]*`/g, "");
  const unbound = [...bare.matchAll(/(?<!:):([A-Za-z_]\w*)/g)].map(([, name = ""]) => name);
  for (const name of unbound) {
    if (parameters[name] === undefined) throw invalid(`UNBOUND_SQL_PARAMETER: ${name}`);
  }
  return {
    text,
    warehouse,
    parameters,
    catalog: textOf(body, "catalog"),
    schema: textOf(body, "schema"),
    onWaitTimeout: textOf(body, "on_wait_timeout") ?? "CONTINUE",
  };
}

function textOf(body: Record<string, unknown>, key: string): string | undefined {
  const value = body[key];
  if (value !== undefined && typeof value !== "string") throw malformed(`${key} must be a string.`);
  return value;
}
