import type { DatabaseSync } from "node:sqlite";
import { cellsOf, type RouteAsk } from "./calls.ts";
import { prepareDeliveries, readDelivery } from "./deliveries.ts";
import { passEntries } from "./gate-entries.ts";
import type { Gates } from "./gates.ts";
import type { Ledger } from "./ledger.ts";

/** Adds what announced events were routed to; answers 0 or 1 for each. */
export function prepareRoute(
  db: DatabaseSync,
  { ledger, gates }: { ledger: Ledger; gates: () => Gates },
): (ask: RouteAsk) => number[] {
  const take = db.prepare("DELETE FROM unrouted WHERE event = ?");
  // An announced event was stored without any: those that it gets now are consecutive, too.
  const setDeliveries = db.prepare("UPDATE events SET first = ?, count = ? WHERE seq = ?");
  // Whoever came to the gate since it was announced has a later number.
  const lowerFirst = db.prepare("UPDATE deliveries SET event = ? WHERE id = ? AND event > ?");
  const deliveries = prepareDeliveries(db, ledger);

  return ({ cells, specs }) => {
    const answer: number[] = [];
    deliveries.begin();
    for (let at = 0; at < cells.length; ) {
      const event = cells[at] as number;
      const now = cells[at + 1] as number;
      const count = cells[at + 2] as number;
      const entries = cells[at + 3] as number;
      at += cellsOf.routed;
      const next = at + count * cellsOf.delivery + entries * cellsOf.entry;
      const taken = take.run(event).changes === 1;
      answer.push(taken ? 1 : 0);
      if (taken) {
        const first = ledger.sequences.delivery + 1;
        ledger.sequences.delivery += count;
        setDeliveries.run(first, count, event);
        for (let n = 0; n < count; n += 1, at += cellsOf.delivery) {
          deliveries.add({ id: first + n, event, ...readDelivery(cells, at) });
        }
        deliveries.flush();
        if (entries > 0) {
          const { places } = passEntries(gates(), ledger, {
            cells,
            at,
            entries,
            specs,
            event,
            now,
          });
          for (const id of places.filter((_, n) => n % 2 === 0)) lowerFirst.run(event, id, event);
        }
      }
      at = next;
    }
    return answer;
  };
}
