import type { DatabaseSync } from "node:sqlite";
import type { Cell } from "./calls.ts";
import { isConstraint } from "./fault.ts";
import { fitting, prepareInsert } from "./rows.ts";

/** The histories of deliveries, written many rows a statement. */
export interface AttemptRows {
  /** Adds an attempt: its cells from `number` on, see `cellsOf.settlement`. */
  add(delivery: number, cells: readonly Cell[]): void;
  /** Inserts what was added; must be called before the call that added it ends. */
  flush(): void;
  /** Forgets what was added by a call that failed. */
  reset(): void;
}

const columns = "delivery n number started_at duration_ms outcome code message answer".split(" ");
const width = columns.length;

export function prepareAttemptRows(db: DatabaseSync): AttemptRows {
  const insert = prepareInsert(db, "attempts", columns);
  const append = db.prepare(
    `INSERT INTO attempts (${columns.join(", ")})
     VALUES (?1, (SELECT coalesce(max(n), 0) + 1 FROM attempts WHERE delivery = ?1), ?2, ?3, ?4, ?5, ?6, ?7, ?8)`,
  );
  /** Rows of attempts that may be the first of their deliveries. */
  let firsts: Cell[] = [];

  /** What has a history already (after a replay, or a look at something pending) is appended to it. */
  function addFirsts(values: readonly Cell[]): void {
    try {
      insert(values.length / width).run(...values);
    } catch (error) {
      if (!isConstraint(error)) throw error;
      for (let at = 0; at < values.length; at += width) {
        append.run(values[at] as Cell, ...values.slice(at + 2, at + width));
      }
    }
  }

  function flush(): void {
    const values = firsts;
    firsts = [];
    for (let at = 0; at < values.length; ) {
      const end = at + fitting((values.length - at) / width) * width;
      addFirsts(values.slice(at, end));
      at = end;
    }
  }

  return {
    add(delivery, cells) {
      if (cells[0] === 1) {
        firsts.push(delivery, 1, ...cells);
        return;
      }
      flush();
      append.run(delivery, ...cells);
    },
    flush,
    reset() {
      firsts = [];
    },
  };
}
