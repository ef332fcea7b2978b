import {
  type Delivery,
  HookError,
  type JsonValue,
  optionName,
  type PipehooksEvent,
} from "@pipehooks/core";
import { compileColumn, type SqlParameter, type SqlValue } from "./sql-values.ts";

/** A statement with its parameters, as a transport takes it. */
export interface SqlStatement {
  readonly text: string;
  readonly parameters: readonly SqlParameter[];
}

/** Appends events to a table. */
export interface Insert {
  /** Makes the table where there is none. */
  readonly create: SqlStatement;
  /**
   * One row an event; of several with one key the first.
   * @throws HookError REQUEST_INVALID where events are not given, have no key, or are too long together
   */
  rowsOf(delivery: Delivery): SqlStatement;
}

/** What a table gets of an event unless the user says otherwise. */
export const usualColumns: Readonly<Record<string, SqlValue>> = {
  event_id: "${id}",
  type: "${type}",
  source: "${source}",
  time: { value: "${time}", type: "TIMESTAMP" },
  pipeline: "${pipeline:-null}",
  flowgroup: "${flowgroup:-null}",
  action: "${action:-null}",
  metadata: "${metadata:-null}",
  error: "${error:-null}",
};

/** Statements are at most 16 MiB; the rest of them is short. */
const mostBytes = 15 * 1024 ** 2;

/**
 * Rows go as one parameter, JSON that the statement takes apart: as many as there are, and nothing of an event becomes SQL.
 * With `mergeOn` a row whose value there is in the table already is left out, so a statement may run twice.
 */
export function createInsert(options: {
  readonly table: string;
  readonly columns: Readonly<Record<string, SqlValue>>;
  readonly mergeOn: string | undefined;
}): Insert {
  const table = options.table.split(".").map(quote).join(".");
  const columns = Object.entries(options.columns).map(([name, value]) => ({
    name,
    ...compileColumn(value),
  }));
  const names = columns.map(({ name }) => quote(name)).join(", ");
  const struct = columns.map(({ name, type }) => `${quote(name)}: ${type}`).join(", ");
  const rows = `SELECT inline(from_json(:rows, 'ARRAY<STRUCT<${struct}>>', map('mode', 'FAILFAST')))`;
  const definition = columns.map(({ name, type }) => `${quote(name)} ${type}`).join(", ");

  const text =
    options.mergeOn === undefined
      ? `INSERT INTO ${table} (${names}) ${rows}`
      : `MERGE INTO ${table} AS target USING (${rows}) AS source ` +
        `ON target.${quote(options.mergeOn)} = source.${quote(options.mergeOn)} ` +
        `WHEN NOT MATCHED THEN INSERT (${names}) ` +
        `VALUES (${columns.map(({ name }) => `source.${quote(name)}`).join(", ")})`;

  const toRow = (event: PipehooksEvent): Row =>
    Object.fromEntries(columns.map(({ name, render }) => [name, render(event)]));

  return {
    create: { text: `CREATE TABLE IF NOT EXISTS ${table} (${definition})`, parameters: [] },
    rowsOf({ events, count }) {
      if (count > events.length) {
        throw new HookError(
          "REQUEST_INVALID",
          `${count} events came together, and ${events.length} of them are given: the others would be missing in the table. ` +
            `Raise ${optionName("maxEvents")} of the gate, or let it release fewer at once.`,
        );
      }
      const all = events.map(toRow);
      const rows =
        options.mergeOn === undefined ? all : firstOfEachKey(all, options.mergeOn, events);
      const value = JSON.stringify(rows);
      const bytes = Buffer.byteLength(value);
      if (bytes > mostBytes) {
        throw new HookError(
          "REQUEST_INVALID",
          `${events.length} events take ${bytes} bytes; a statement takes ${mostBytes}. Let the gate release fewer at once, or map fewer columns.`,
        );
      }
      return { text, parameters: [{ name: "rows", value, type: "STRING" }] };
    },
  };
}

type Row = Readonly<Record<string, JsonValue>>;

/** MERGE compares rows with the table, not with each other; and null is equal to nothing, so its row would come again. */
function firstOfEachKey(
  rows: readonly Row[],
  column: string,
  events: readonly PipehooksEvent[],
): readonly Row[] {
  const found = new Map<string, Row>();
  for (const [at, row] of rows.entries()) {
    const key = row[column] ?? null;
    if (key === null) {
      throw new HookError(
        "REQUEST_INVALID",
        `Column "${column}" is null for event ${events[at]?.id}, so its row could come twice. ` +
          `Give its template a default, or another column as ${optionName("mergeOn")}, or false to insert whatever is there.`,
      );
    }
    const text = JSON.stringify(key);
    if (!found.has(text)) found.set(text, row);
  }
  return [...found.values()];
}

/** A name in backticks, whatever it holds. */
function quote(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}
