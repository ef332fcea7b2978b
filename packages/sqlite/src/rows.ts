import type { DatabaseSync, StatementSync } from "node:sqlite";

/** What a column takes. */
export type Value = string | number | Uint8Array | null;

/** How many rows one statement inserts, the most first: a statement for each would cost more than what it writes. */
const sizes = [25, 5, 1] as const;
export const mostAtOnce: number = sizes[0];

/** As many of these rows as there is a statement for. */
export function fitting(rows: number): number {
  return sizes.find((size) => size <= rows) ?? 0;
}

/** Statements that insert rows of one table, by how many; each is prepared when first needed. */
export function prepareInsert(
  db: DatabaseSync,
  table: string,
  columns: readonly string[],
  otherwise = "",
): (rows: number) => StatementSync {
  const row = `(${columns.map(() => "?").join(", ")})`;
  const prepared = new Map<number, StatementSync>();
  return (rows) => {
    const known = prepared.get(rows);
    if (known !== undefined) return known;
    const values = new Array(rows).fill(row).join(", ");
    const statement = db.prepare(
      `INSERT INTO ${table} (${columns.join(", ")}) VALUES ${values} ${otherwise}`,
    );
    prepared.set(rows, statement);
    return statement;
  };
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

export function prepareRows(db: DatabaseSync, table: string, columns: readonly string[]): Rows {
  const insert = prepareInsert(db, table, columns);
  const width = columns.length;
  let values: Value[] = [];

  return {
    add(...row) {
      values.push(...row);
      if (values.length < mostAtOnce * width) return;
      const full = values;
      values = [];
      insert(mostAtOnce).run(...full);
    },
    flush() {
      const rest = values;
      values = [];
      for (let at = 0; at < rest.length; ) {
        const rows = fitting((rest.length - at) / width);
        insert(rows).run(...rest.slice(at, at + rows * width));
        at += rows * width;
      }
    },
    reset() {
      values = [];
    },
  };
}
