import type { DatabaseSync } from "node:sqlite";
import type { PurgeRequest } from "@pipehooks/core";
import type { Ledger } from "./ledger.ts";
import { prepareGatedPurge } from "./purge-gated.ts";
import { stateCodes } from "./states.ts";

/** Events looked at in one step, unless four times the limit is more. */
const leastLookedAt = 4000;

/**
 * Removes old events in seq order. A step looks at a bounded number of events; one that finds too few to remove
 * lets the next go on behind it, so that a million unsettled ones at the front do not hide the rest.
 */
export function preparePurge(db: DatabaseSync, ledger: Ledger): (request: PurgeRequest) => number {
  const look = db.prepare(
    "SELECT seq, at, first, count FROM events WHERE seq > ? ORDER BY seq LIMIT ?",
  );
  look.setReturnArrays(true);
  const findKept = db.prepare(
    `SELECT 1 FROM deliveries WHERE id >= ? AND id < ? + ?
     AND (state <= 5 OR (? AND state = ${stateCodes.dead})) LIMIT 1`,
  );
  const states = db.prepare(
    "SELECT hook, state, count(*) FROM deliveries WHERE id >= ? AND id < ? + ? GROUP BY hook, state",
  );
  states.setReturnArrays(true);
  const removals = [
    db.prepare("DELETE FROM attempts WHERE delivery >= ? AND delivery < ? + ?"),
    db.prepare("DELETE FROM deliveries WHERE id >= ? AND id < ? + ?"),
  ];
  const removeEvent = db.prepare("DELETE FROM events WHERE seq = ?");
  const gated = prepareGatedPurge(db, ledger);
  let from = 0;

  function remove(seq: number, first: number, count: number): void {
    // setReturnArrays makes each row an array, which the types of node:sqlite do not know.
    const rows = states.all(first, first, count) as unknown as [number, number, number][];
    for (const [hook, state, many] of rows) ledger.tally(hook, state, -many);
    for (const statement of removals) statement.run(first, first, count);
    removeEvent.run(seq);
    ledger.sequences.events -= 1;
  }

  return ({ before, deadBefore, keep, limit }) => {
    const budget = Math.max(leastLookedAt, limit * 4);
    const rows = look.all(from, budget) as unknown as [number, number, number, number][];
    let surplus = keep === undefined ? 0 : ledger.sequences.events - keep;
    let removed = 0;
    let anyOld = false;
    const anyGated = gated.any();
    for (const [seq, at, first, count] of rows) {
      if (removed === limit) break;
      const old = at < before || surplus > 0;
      anyOld ||= old;
      if (!old) continue;
      const dead = at >= deadBefore;
      if (count > 0 && findKept.get(first, first, count, dead ? 1 : 0) !== undefined) continue;
      if (anyGated && gated.keeps(seq, dead)) continue;
      remove(seq, first, count);
      if (anyGated) gated.remove(seq);
      removed += 1;
      surplus -= 1;
    }
    const last = rows.at(-1)?.[0];
    const goOn = rows.length === budget && anyOld && removed < limit && last !== undefined;
    from = goOn ? last : 0;
    return removed;
  };
}
