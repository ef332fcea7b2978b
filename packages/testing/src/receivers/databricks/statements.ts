import { invalid, malformed, Refusal } from "./refusal.ts";
import {
  type Statement,
  type StatementParameter,
  type StatementRequest,
  unboundIn,
  type Warehouses,
} from "./warehouses.ts";

export interface Statements {
  route(
    method: string,
    path: string,
    body: () => Record<string, unknown>,
  ): { readonly method: string; readonly run: () => unknown } | undefined;
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
export function createStatements(warehouses: Warehouses): Statements {
  const { stateOf } = warehouses;

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
    const found = warehouses.all.find((statement) => statement.id === id);
    // Those of the driver's sessions are not known here.
    if (found === undefined || found.transport !== "rest") {
      throw new Refusal(404, "NOT_FOUND", `The statement ${id} was not found.`);
    }
    return found;
  };

  const start = (body: Record<string, unknown>) => {
    const { onWaitTimeout, ...request } = checkRequest(body);
    if (!warehouses.has(request.warehouse)) throw noWarehouse(request.warehouse);
    const statement = warehouses.start(request);
    const state = stateOf(statement);
    const goesOn = state === "PENDING" || state === "RUNNING";
    if (goesOn && onWaitTimeout === "CANCEL") warehouses.cancel(statement);
    return describe(statement);
  };

  return {
    route(_method, path, body) {
      if (path === "sql/statements") return { method: "POST", run: () => start(body()) };
      const [, id = "", rest] = /^sql\/statements\/([^/]+)(?:\/(.+))?$/.exec(path) ?? [];
      const [, warehouse] = /^sql\/warehouses\/([^/]+)$/.exec(path) ?? [];
      if (warehouse !== undefined) return { method: "GET", run: () => warehouseOf(warehouse) };
      if (id === "") return undefined;
      if (rest === undefined) return { method: "GET", run: () => describe(find(id)) };
      if (rest === "cancel") {
        const cancel = () => {
          warehouses.cancel(find(id));
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
    if (!warehouses.has(id)) throw noWarehouse(id);
    return { id, name: id, state: warehouses.warehouseState(id) };
  }
}

export function noWarehouse(id: string): Refusal {
  return new Refusal(404, "RESOURCE_DOES_NOT_EXIST", `SQL warehouse ${id} does not exist.`);
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

function checkRequest(
  body: Record<string, unknown>,
): StatementRequest & { readonly onWaitTimeout: string } {
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
  const unbound = unboundIn(text, parameters);
  if (unbound !== undefined) throw invalid(`UNBOUND_SQL_PARAMETER: ${unbound}`);
  return {
    text,
    warehouse,
    parameters,
    catalog: textOf(body, "catalog"),
    schema: textOf(body, "schema"),
    transport: "rest",
    onWaitTimeout: textOf(body, "on_wait_timeout") ?? "CONTINUE",
  };
}

function textOf(body: Record<string, unknown>, key: string): string | undefined {
  const value = body[key];
  if (value !== undefined && typeof value !== "string") throw malformed(`${key} must be a string.`);
  return value;
}
