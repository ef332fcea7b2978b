import type { DatabaseSync } from "node:sqlite";
import type { Cell } from "./calls.ts";
import { prepareRows, type Rows, type Value } from "./rows.ts";

/** The histories of deliveries, written many rows a statement. */
export interface AttemptRows extends Pick<Rows, "flush" | "reset"> {
  /** Adds an attempt: its cells from `number` on, see `cellsOf.settlement`. */
  add(delivery: number, cells: readonly Cell[]): void;
}

const columns = "delivery n number started_at duration_ms outcome code message answer".split(" ");

export function prepareAttemptRows(db: DatabaseSync): AttemptRows {
  const append = db.prepare(
    `INSERT INTO attempts (${columns.join(", ")})
     VALUES (?, (SELECT coalesce(max(n), 0) + 1 FROM attempts WHERE delivery = ?), ?, ?, ?, ?, ?, ?, ?)`,
  );

  /** What has a history already (after a replay, or a look at something pending) is appended to it. */
  function appendAll(values: readonly Value[]): void {
    for (let at = 0; at < values.length; at += columns.length) {
      const delivery = values[at] as Value;
      append.run(delivery, delivery, ...values.slice(at + 2, at + columns.length));
    }
  }

  // Attempts that may be the first of their deliveries.
  const firsts = prepareRows(db, "attempts", columns, appendAll);

  return {
    add(delivery, cells) {
      if (cells[0] === 1) {
        firsts.add(delivery, 1, ...cells);
        return;
      }
      firsts.flush();
      append.run(delivery, delivery, ...cells);
    },
    flush: firsts.flush,
    reset: firsts.reset,
  };
}
