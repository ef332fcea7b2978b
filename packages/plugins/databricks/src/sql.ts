import {
  answerRemoteRun,
  createRemoteRun,
  type Delivery,
  defineHook,
  type Hook,
  type HookContext,
  type HookFactory,
  type JsonObject,
  toTemplateScope,
} from "@pipehooks/core";
import { secretsOf } from "./connection.ts";
import { createSqlClient, toBody } from "./sql-client.ts";
import { createInsert, type SqlStatement, usualColumns } from "./sql-insert.ts";
import {
  type CheckedSqlOptions,
  type DatabricksSqlOptions,
  databricksSqlOptions,
} from "./sql-options.ts";
import { compileParameters } from "./sql-values.ts";
import { openWorkspace, type Workspace } from "./workspace.ts";

/** What failed and is worth it is run again so often, where a statement may run twice. */
const usualRetries = 3;

/**
 * Runs a SQL statement for each event, or appends events to a table, on a SQL warehouse. Values go in as parameters only.
 * Follows the SQL Statement Execution API 2.0.
 * @throws HookError HOOK_OPTIONS_INVALID when the hook is made
 * @example
 * databricksSql({ warehouseId: "a1b2c3", insertInto: "ops.pipelines.events", createTable: true })
 */
export const databricksSql: HookFactory<DatabricksSqlOptions> = defineHook<
  DatabricksSqlOptions,
  CheckedSqlOptions
>({
  name: "databricks-sql",
  options: databricksSqlOptions,
  destination: ({ connection }) => connection.host,
  secrets: ({ connection }) => secretsOf(connection),
  templates: ["parameters", "columns"],
  policy: { timeout: "60s" },
  async create(options, context) {
    return createDatabricksSql(options, context, await openWorkspace(options.connection, context));
  },
});

/** The hook over a workspace that is open. */
function createDatabricksSql(
  options: CheckedSqlOptions,
  context: HookContext,
  workspace: Workspace,
): Hook {
  const { warehouseId, catalog, schema } = options;
  const { statementOf, first, repeatable } = toStatements(options);
  const { clock, random } = context;
  const client = createSqlClient({
    ...{ workspace, warehouseId, catalog, schema, statementOf, first, repeatable },
    now: () => clock.now(),
  });
  const retryRun = options.retryRun ?? (repeatable ? usualRetries : 0);

  return {
    deliver: createRemoteRun(client, { ...options, retryRun }, { random, now: () => clock.now() }),
    render(delivery) {
      const body = toBody(statementOf(delivery), { warehouseId, catalog, schema });
      return {
        target: `POST ${options.connection.host}/api/2.0/sql/statements`,
        headers: { authorization: "[redacted]", "content-type": "application/json" },
        body: JSON.parse(context.redact(JSON.stringify(body))) as JsonObject,
      };
    },
    answered: answerRemoteRun(client),
    async check(signal) {
      const path = `/api/2.0/sql/warehouses/${warehouseId}`;
      const { json } = await workspace.call("GET", path, { signal });
      const { name = "", state = "" } = Object(json) as { name?: string; state?: string };
      return {
        summary: `${workspace.hostName} reached; warehouse ${warehouseId} "${name}" is there (${state})`,
      };
    },
    [Symbol.asyncDispose]: () => workspace[Symbol.asyncDispose](),
  };
}

function toStatements(options: CheckedSqlOptions): {
  readonly statementOf: (delivery: Delivery) => SqlStatement;
  readonly first: SqlStatement | undefined;
  readonly repeatable: boolean;
} {
  const { statement, insertInto, parameters = {}, columns = usualColumns } = options;
  if (statement !== undefined || insertInto === undefined) {
    const render = compileParameters(parameters);
    return {
      statementOf: (delivery) => ({
        text: statement ?? "",
        parameters: render(toTemplateScope(delivery)),
      }),
      first: undefined,
      repeatable: options.repeatable === true,
    };
  }
  const usualKey = Object.hasOwn(columns, "event_id") ? "event_id" : undefined;
  const mergeOn = options.mergeOn === false ? undefined : (options.mergeOn ?? usualKey);
  const insert = createInsert({ table: insertInto, columns, mergeOn });
  return {
    statementOf: insert.rowsOf,
    first: options.createTable === true ? insert.create : undefined,
    repeatable: mergeOn !== undefined,
  };
}
