import type { DatabaseSync, StatementSync } from "node:sqlite";
import { isConstraint } from "./fault.ts";

/** What a column takes. */
export type Value = string | number | Uint8Array | null;

/** How many rows one statement inserts, the most first: a statement for each would cost more than what it writes. */
const sizes = [25, 5, 1] as const;
export const mostAtOnce: number = sizes[0];

/** As many of these rows as there is a statement for. */
export function fitting(rows: number): number {
  return sizes.find((size) => size <= rows) ?? 0;
}

/** Statements that differ by how many rows they are for; each is prepared when first needed. */
export function bySize(prepare: (rows: number) => StatementSync): (rows: number) => StatementSync {
  const prepared = new Map<number, StatementSync>();
  return (rows) => {
    const known = prepared.get(rows);
    if (known !== undefined) return known;
    const statement = prepare(rows);
    prepared.set(rows, statement);
    return statement;
  };
}

/** Statements that insert rows of one table, by how many. */
export function prepareInsert(
  db: DatabaseSync,
  table: string,
  columns: readonly string[],
  otherwise = "",
): (rows: number) => StatementSync {
  const row = `(${columns.map(() => "?").join(", ")})`;
  return bySize((rows) => {
    const values = new Array(rows).fill(row).join(", ");
    return db.prepare(`INSERT INTO ${table} (${columns.join(", ")}) VALUES ${values} ${otherwise}`);
  });
}

/** Rows of one table that are inserted together. */
export interface Rows {
  /** Values of one row, in the order of the columns. */
  add(...values: readonly Value[]): void;
  /** Inserts what was added; must be called before anything reads the table, and before the transaction ends. */
  flush(): void;
  /** Forgets what was added, after a rollback. */
  reset(): void;
}

/** @param refused is given the values of rows that went into one statement, where a constraint refuses one of them */
export function prepareRows(
  db: DatabaseSync,
  table: string,
  columns: readonly string[],
  refused?: (values: readonly Value[]) => void,
): Rows {
  const statementFor = prepareInsert(db, table, columns);
  const width = columns.length;
  let values: Value[] = [];

  function insert(full: readonly Value[]): void {
    try {
      statementFor(full.length / width).run(...full);
    } catch (error) {
      if (refused === undefined || !isConstraint(error)) throw error;
      refused(full);
    }
  }

  return {
    add(...row) {
      values.push(...row);
      if (values.length < mostAtOnce * width) return;
      const full = values;
      values = [];
      insert(full);
    },
    flush() {
      const rest = values;
      values = [];
      for (let at = 0; at < rest.length; ) {
        const end = at + fitting((rest.length - at) / width) * width;
        insert(rest.slice(at, end));
        at = end;
      }
    },
    reset() {
      values = [];
    },
  };
}
