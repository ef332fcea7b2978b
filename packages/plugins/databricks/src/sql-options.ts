import { parseDuration, type RemoteRunOptions, remoteRunShape } from "@pipehooks/core";
import { z } from "zod";
import {
  type Connection,
  connectionShape,
  type DatabricksConnection,
  resolveConnection,
} from "./connection.ts";
import { usualColumns } from "./sql-insert.ts";
import { type SqlValue, sqlValue } from "./sql-values.ts";
import { unwatchedProblems } from "./unwatched.ts";

export interface DatabricksSqlOptions
  extends DatabricksConnection,
    Omit<RemoteRunOptions, "onRunning"> {
  /**
   * How statements come to the warehouse. `driver`: by the npm package `@databricks/sql`, which must be installed, in a
   * session that is kept open; `rest`: by the SQL Statement Execution API, without any package.
   * @default "driver"
   */
  readonly transport?: "driver" | "rest" | undefined;
  /** Id of the SQL warehouse. @default DATABRICKS_WAREHOUSE_ID */
  readonly warehouseId?: string | undefined;
  /** Catalog that names without one belong to. */
  readonly catalog?: string | undefined;
  /** Schema that names without one belong to. */
  readonly schema?: string | undefined;
  /** One statement; values of the event go in as `:name` parameters, never as text. */
  readonly statement?: string | undefined;
  /** Its parameters: name to template, or to `{ value, type }`. */
  readonly parameters?: Readonly<Record<string, SqlValue>> | undefined;
  /** The statement may run twice without harm, so it is sent again where nobody knows whether it ran. @default false */
  readonly repeatable?: boolean | undefined;
  /** Instead of a statement: the table, `catalog.schema.table`, that each event becomes a row of. */
  readonly insertInto?: string | undefined;
  /** Its columns: name to template, or to `{ value, type }`. @default event_id, type, source, time, pipeline, flowgroup, action, metadata, error */
  readonly columns?: Readonly<Record<string, SqlValue>> | undefined;
  /** Column by which a row that is there already is left out (`MERGE`); `false` inserts whatever is there. @default "event_id", where there is such a column */
  readonly mergeOn?: string | false | undefined;
  /** Makes the table where there is none. @default false */
  readonly createTable?: boolean | undefined;
}

/** Options with everything found. */
export interface CheckedSqlOptions extends DatabricksSqlOptions {
  readonly connection: Connection;
  readonly warehouseId: string;
  readonly transport: "driver" | "rest";
}

const always = {
  when: ({ value }: { value: unknown }) => typeof value === "object" && value !== null,
};
/** A statement that nobody asks for is forgotten after 15 minutes; the wait varies by a quarter. */
const longestPollMs = 10 * 60_000;
const name = /^[A-Za-z_][\w-]*$/;
const { onRunning: _, ...runShape } = remoteRunShape;

/** Checks {@link DatabricksSqlOptions}; everything wrong is reported at once. */
export const databricksSqlOptions: z.ZodType<CheckedSqlOptions, DatabricksSqlOptions> = z
  .strictObject({
    ...connectionShape,
    transport: z
      .enum(["driver", "rest"])
      .optional()
      .describe("driver: by the package @databricks/sql; rest: without it. Default driver"),
    warehouseId: z
      .string()
      .regex(/^[\w-]+$/, "is no warehouse id, the last part of its HTTP path")
      .optional()
      .describe("Id of the SQL warehouse. Default DATABRICKS_WAREHOUSE_ID"),
    catalog: z.string().min(1).optional().describe("Catalog of names without one"),
    schema: z.string().min(1).optional().describe("Schema of names without one"),
    statement: z
      .string()
      .min(1)
      .refine((text) => !text.includes("${"), {
        error: 'has "${": values go in as parameters, written :name and given in "parameters"',
      })
      .optional()
      .describe("One statement, with :name parameters"),
    parameters: z
      .record(z.string().regex(/^[A-Za-z_]\w*$/, "is no parameter name"), sqlValue)
      .optional()
      .describe("Templates of its parameters, or { value, type }"),
    repeatable: z
      .boolean()
      .optional()
      .describe("The statement may run twice without harm. Default false"),
    insertInto: z
      .string()
      .regex(
        /^[^.`\s]+(?:\.[^.`\s]+){0,2}$/,
        "is no table, which is catalog.schema.table, schema.table or table",
      )
      .optional()
      .describe("Table that each event becomes a row of"),
    columns: z
      .record(z.string().regex(name, "is no column name"), sqlValue)
      .refine((columns) => Object.keys(columns).length > 0, { error: "has no column" })
      .optional()
      .describe("Templates of the row's columns, or { value, type }"),
    mergeOn: z
      .union([z.string().min(1), z.literal(false)])
      .optional()
      .describe("Column by which rows that are there already are left out. Default event_id"),
    createTable: z.boolean().optional().describe("Make the table. Default false"),
    ...runShape,
  })
  .superRefine((options, context) => {
    const add = (path: PropertyKey[], message: string) =>
      context.addIssue({ code: "custom", path, message });
    const { problems = [], connection } = resolveConnection(options);
    for (const { option, message } of problems) add([option], message);
    if (connection?.host.startsWith("http:") && options.transport !== "rest") {
      add(
        ["host"],
        'is plain http, which the driver does not speak; use https, or "transport": "rest"',
      );
    }
    if (warehouseOf(options) === undefined) {
      add(["warehouseId"], "is missing; write it, or set DATABRICKS_WAREHOUSE_ID");
    }
    for (const { path, message } of problemsOf(options)) add(path, message);
  }, always)
  .transform((options) => {
    const { connection } = resolveConnection(options);
    const warehouseId = warehouseOf(options);
    // Their problems have been reported above.
    if (connection === undefined || warehouseId === undefined) return z.NEVER;
    return { ...options, transport: options.transport ?? "driver", connection, warehouseId };
  });

function warehouseOf({ warehouseId }: DatabricksSqlOptions): string | undefined {
  return warehouseId ?? (process.env.DATABRICKS_WAREHOUSE_ID || undefined);
}

function* problemsOf(
  options: DatabricksSqlOptions,
): Generator<{ readonly path: PropertyKey[]; readonly message: string }> {
  const { statement, insertInto, poll } = options;
  if ((statement === undefined) === (insertInto === undefined)) {
    yield {
      path: ["statement"],
      message:
        statement === undefined
          ? 'is missing; write it, or "insertInto"'
          : 'stands beside "insertInto"; write one of the two',
    };
  }
  const ofStatement = ["parameters", "repeatable"] as const;
  const ofInsert = ["columns", "mergeOn", "createTable"] as const;
  for (const key of statement === undefined ? ofStatement : ofInsert) {
    if (options[key] === undefined) continue;
    const other = statement === undefined ? "statement" : "insertInto";
    yield { path: [key], message: `belongs to "${other}", which is not there` };
  }
  if (typeof statement === "string") yield* markerProblems(statement, options.parameters ?? {});
  const columns = Object.keys(options.columns ?? usualColumns);
  if (typeof options.mergeOn === "string" && !columns.includes(options.mergeOn)) {
    yield { path: ["mergeOn"], message: "is none of the columns" };
  }
  for (const key of ["first", "longest"] as const) {
    const wait = poll?.[key];
    if (typeof wait !== "string" || msOf(wait) <= longestPollMs) continue;
    yield {
      path: ["poll", key],
      message: "is longer than 10m, and Databricks forgets statements that nobody asks for",
    };
  }
  yield* unwatchedProblems(options, ["retryRun", "deadline", "onDeadline"]);
}

function* markerProblems(statement: string, parameters: Readonly<Record<string, SqlValue>>) {
  const markers = markersIn(statement);
  for (const marker of markers) {
    if (Object.hasOwn(parameters, marker)) continue;
    yield { path: ["parameters", marker], message: `is missing; the statement reads :${marker}` };
  }
  for (const given of Object.keys(parameters)) {
    if (markers.has(given)) continue;
    yield { path: ["parameters", given], message: `is not read; the statement has no :${given}` };
  }
}

/** Names of the `:name` markers of a statement, those in texts, quoted names and comments left out. */
function markersIn(statement: string): ReadonlySet<string> {
  const bare = statement.replaceAll(
    /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*"|`(?:[^`]|``)*`|--[^\n]*|\/\*[\s\S]*?\*\//g,
    // A path may follow a name: `details`:field.
    (part) => (/^["`]/.test(part) ? "x" : " "),
  );
  // `a::INT` is a cast, and `details:field` reads JSON.
  return new Set([...bare.matchAll(/(?<![\w:)\]]):([A-Za-z_]\w*)/g)].map(([, name = ""]) => name));
}

function msOf(text: string): number {
  try {
    return parseDuration(text);
  } catch {
    // Reported where it stands.
    return 0;
  }
}
