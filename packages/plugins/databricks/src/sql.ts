import {
  answerRemoteRun,
  createRemoteRun,
  type Delivery,
  defineHook,
  type Hook,
  type HookContext,
  type HookFactory,
  redactJson,
  toTemplateScope,
} from "@pipehooks/core";
import { secretsOf } from "./connection.ts";
import { openDriverTransport } from "./driver-transport.ts";
import { createSqlClient } from "./sql-client.ts";
import { createInsert, type SqlStatement, usualColumns } from "./sql-insert.ts";
import {
  type CheckedSqlOptions,
  type DatabricksSqlOptions,
  databricksSqlOptions,
} from "./sql-options.ts";
import { createRestTransport } from "./sql-rest.ts";
import type { SqlTransport } from "./sql-transport.ts";
import { compileParameters } from "./sql-values.ts";
import { openWorkspace, type Workspace } from "./workspace.ts";

/** What failed and is worth it is run again so often, where a statement may run twice. */
const usualRetries = 3;

/**
 * Runs a SQL statement for each event, or appends events to a table, on a SQL warehouse. Values go in as parameters only.
 * By the npm package `@databricks/sql`, or with `transport: "rest"` by the SQL Statement Execution API 2.0.
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
  needs: ({ transport }) => (transport === "driver" ? ["@databricks/sql"] : []),
  policy: { timeout: "60s" },
  async create(options, context) {
    const workspace = await openWorkspace(options.connection, context);
    const transport =
      options.transport === "rest"
        ? createRestTransport(workspace, options)
        : await openDriverTransport(workspace, options, context);
    return createDatabricksSql(options, context, { workspace, transport });
  },
});

/** The hook over a workspace that is open. */
function createDatabricksSql(
  options: CheckedSqlOptions,
  context: HookContext,
  { workspace, transport }: { readonly workspace: Workspace; readonly transport: SqlTransport },
): Hook {
  const { warehouseId } = options;
  const { statementOf, first, repeatable } = toStatements(options);
  const { clock, random } = context;
  const client = createSqlClient({
    ...{ workspace, transport, warehouseId, statementOf, first, repeatable },
    waits: options.waitForCompletion !== false,
    againWhenLost: repeatable || options.whenUnknown === "trigger_again",
    now: () => clock.now(),
  });
  const retryRun = options.retryRun ?? (repeatable ? usualRetries : 0);

  return {
    deliver: createRemoteRun(client, { ...options, retryRun }, { random, now: () => clock.now() }),
    render(delivery) {
      const { body, ...rest } = transport.render(statementOf(delivery));
      return { ...rest, body: redactJson(body, context.redact) };
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
    async [Symbol.asyncDispose]() {
      await transport[Symbol.asyncDispose]();
      await workspace[Symbol.asyncDispose]();
    },
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
