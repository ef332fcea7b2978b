import type { DatabaseSync } from "node:sqlite";
import type { Ledger } from "./ledger.ts";
import { stateCodes } from "./states.ts";

/** What gates hold of old events. */
export interface GatedPurge {
  /** Whether gates hold anything at all: where none is used the rest need not be asked. */
  any(): boolean;
  /** Whether an event belongs to something unsettled, is needed by a gate or not routed yet. */
  keeps(event: number, dead: boolean): boolean;
  /** Takes an event out of its deliveries; those that it was the last of go with it. */
  remove(event: number): void;
}

export function prepareGatedPurge(db: DatabaseSync, ledger: Ledger): GatedPurge {
  const any = db.prepare(
    `SELECT EXISTS (SELECT 1 FROM members) OR EXISTS (SELECT 1 FROM gates WHERE keep IS NOT NULL)
       OR EXISTS (SELECT 1 FROM unrouted) AS found`,
  );
  const keeps = db.prepare(
    `SELECT 1 FROM members m CROSS JOIN deliveries d ON d.id = m.delivery
       WHERE m.event = ? AND (d.state <= 5 OR d.state = ${stateCodes.gathering} OR (? AND d.state = ${stateCodes.dead}))
     UNION ALL SELECT 1 FROM gates WHERE keep = ?
     UNION ALL SELECT 1 FROM unrouted WHERE event = ? LIMIT 1`,
  );
  const leave = db.prepare("DELETE FROM members WHERE event = ? RETURNING delivery");
  const first = db.prepare("SELECT min(event) AS event FROM members WHERE delivery = ?");
  const setFirst = db.prepare("UPDATE deliveries SET event = ? WHERE id = ?");
  const setCount = db.prepare("UPDATE gated SET count = count - 1 WHERE delivery = ?");
  const end = db.prepare("DELETE FROM deliveries WHERE id = ? RETURNING hook, state");
  const rest = [
    db.prepare("DELETE FROM gated WHERE delivery = ?"),
    db.prepare("DELETE FROM attempts WHERE delivery = ?"),
  ];

  return {
    any: () => any.get()?.found === 1,
    keeps: (event, dead) => keeps.get(event, dead ? 1 : 0, event, event) !== undefined,
    remove(event) {
      for (const { delivery } of leave.all(event)) {
        const id = Number(delivery);
        const next = first.get(id)?.event as number | null;
        if (next !== null) {
          setFirst.run(next, id);
          setCount.run(id);
          continue;
        }
        const ended = end.get(id);
        if (ended !== undefined) ledger.tally(Number(ended.hook), Number(ended.state), -1);
        for (const statement of rest) statement.run(id);
      }
    },
  };
}
