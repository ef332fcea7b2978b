import type { DatabaseSync } from "node:sqlite";
import type { Ledger } from "./ledger.ts";
import { stateCodes } from "./states.ts";

const { waiting, blocked } = stateCodes;

/** Whether a hook has an unsettled delivery with an order key. */
export function prepareFindUnsettled(db: DatabaseSync): (hook: number, key: string) => boolean {
  const find = db.prepare(
    "SELECT 1 FROM deliveries WHERE hook = ? AND order_key = ? AND state <= 5 LIMIT 1",
  );
  return (hook, key) => find.get(hook, key) !== undefined;
}

/** Gives the turn of an order key, after the one that had it is settled, to the earliest that waits for it. */
export function preparePromote(
  db: DatabaseSync,
  ledger: Ledger,
): (hook: number, key: string) => void {
  const promote = db.prepare(
    `UPDATE deliveries SET state = ${waiting} WHERE id = (
      SELECT id FROM deliveries WHERE hook = ? AND order_key = ? AND state <= 5 AND state = ${blocked}
      ORDER BY id LIMIT 1
    )`,
  );
  return (hook, key) => {
    if (promote.run(hook, key).changes === 0) return;
    ledger.tally(hook, blocked, -1);
    ledger.tally(hook, waiting, 1);
  };
}
