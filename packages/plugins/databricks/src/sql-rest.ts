import type { JsonObject } from "@pipehooks/core";
import type { SqlStatement } from "./sql-insert.ts";
import type { StatementAnswer } from "./sql-report.ts";
import type { SqlPlace, SqlTransport } from "./sql-transport.ts";
import type { Workspace } from "./workspace.ts";

const path = "/api/2.0/sql/statements";
/** How long the start waits for a statement to end, which saves the first look at most of them. */
const wait = "10s";
/** A result that comes with the answer has at most 25 MiB of values. */
const mostBytes = 64 * 1024 ** 2;

/** Statements by the SQL Statement Execution API (databricks-sdk-py `service/sql.py`). */
export function createRestTransport(workspace: Workspace, place: SqlPlace): SqlTransport {
  return {
    render: (statement) => ({
      target: `POST ${workspace.origin}${path}`,
      headers: { authorization: "[redacted]", "content-type": "application/json" },
      body: toBody(statement, place),
    }),
    async execute(statement, signal) {
      const body = toBody(statement, place);
      const { json } = await workspace.call("POST", path, { signal, body, mostBytes });
      const answer = Object(json) as StatementAnswer;
      if (typeof answer.statement_id === "string") return answer;
      throw workspace.odd("the statement was answered without an id");
    },
    async get({ id }, signal) {
      const target = `${path}/${encodeURIComponent(id)}`;
      const { json } = await workspace.call("GET", target, { signal, mostBytes });
      return Object(json) as StatementAnswer;
    },
    async cancel({ id }, signal) {
      const target = `${path}/${encodeURIComponent(id)}/cancel`;
      await workspace.call("POST", target, { signal, plain: true });
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

function toBody(
  { text, parameters }: SqlStatement,
  { warehouseId, catalog, schema }: SqlPlace,
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
