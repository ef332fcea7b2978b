import type { DatabaseSync } from "node:sqlite";
import type { GatedAnswer } from "./calls.ts";
import { unpackId } from "./event-id.ts";

/** Reads what belongs to a delivery that a gate made; of more than `maxEvents` the first ones and the very last. */
export function prepareReadGated(
  db: DatabaseSync,
): (delivery: number, key: string, maxEvents: number) => GatedAnswer {
  const gated = db.prepare("SELECT count, release FROM gated WHERE delivery = ?");
  const bodies = db.prepare(
    `SELECT e.body FROM members m CROSS JOIN events e ON e.seq = m.event
     WHERE m.delivery = ? ORDER BY m.event LIMIT ?`,
  );
  const last = db.prepare(
    `SELECT e.body FROM members m CROSS JOIN events e ON e.seq = m.event
     WHERE m.delivery = ? ORDER BY m.event DESC LIMIT 1`,
  );
  const rest = db.prepare(
    `SELECT e.id FROM members m CROSS JOIN events e ON e.seq = m.event
     WHERE m.delivery = ? ORDER BY m.event LIMIT ? OFFSET ?`,
  );

  return (delivery, key, maxEvents) => {
    const row = gated.get(delivery);
    const count = Number(row?.count ?? 1);
    const first = count <= maxEvents ? count : maxEvents - 1;
    const events = bodies.all(delivery, first).map(({ body }) => String(body));
    const restIds =
      first === count
        ? []
        : rest.all(delivery, count - maxEvents, first).map(({ id }) => unpackId(id));
    if (first < count) events.push(...last.all(delivery).map(({ body }) => String(body)));
    return { key, count, events, restIds, release: (row?.release ?? null) as string | null };
  };
}
