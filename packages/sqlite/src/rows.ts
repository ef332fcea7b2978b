import type { DatabaseSync, StatementSync } from "node:sqlite";

/** What a column takes. */
export type Value = string | number | Uint8Array | null;

/** Rows of one table that are inserted together: a statement for each would cost more than what it writes. */
export interface Rows {
  /** Values of one row, in the order of the columns. */
  add(...values: readonly Value[]): void;
  /** Inserts what was added; must be called before anything reads the table, and before the transaction ends. */
  flush(): void;
  /** Forgets what was added, after a rollback. */
  reset(): void;
}

const rowsAtOnce = 10;

export function prepareRows(db: DatabaseSync, table: string, columns: readonly string[]): Rows {
  const insert = (count: number): StatementSync => {
    const row = `(${columns.map(() => "?").join(", ")})`;
    const rows = Array.from({ length: count }, () => row).join(", ");
    return db.prepare(`INSERT INTO ${table} (${columns.join(", ")}) VALUES ${rows}`);
  };
  const one = insert(1);
  let many: StatementSync | undefined;
  let values: Value[] = [];

  return {
    add(...row) {
      values.push(...row);
      if (values.length < rowsAtOnce * columns.length) return;
      const full = values;
      values = [];
      many ??= insert(rowsAtOnce);
      many.run(...full);
    },
    flush() {
      const rest = values;
      values = [];
      for (let at = 0; at < rest.length; at += columns.length) {
        one.run(...rest.slice(at, at + columns.length));
      }
    },
    reset() {
      values = [];
    },
  };
}
