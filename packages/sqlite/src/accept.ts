import type { DatabaseSync } from "node:sqlite";
import type { Cell } from "./calls.ts";
import { packId } from "./event-id.ts";
import type { Ledger } from "./ledger.ts";
import { stateCodes } from "./states.ts";

const { waiting, blocked } = stateCodes;

/** Stores packed acceptances; answers first delivery, how many, duplicate of each. */
export type Accept = (cells: readonly Cell[]) => number[];

export function prepareAccept(db: DatabaseSync, ledger: Ledger): Accept {
  const addEvent = db.prepare(
    "INSERT INTO events (seq, id, source, type, pipeline, at, first, count, body) " +
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id, source) DO NOTHING",
  );
  const findEvent = db.prepare("SELECT first, count FROM events WHERE id = ? AND source = ?");
  const addDelivery = db.prepare(
    "INSERT INTO deliveries (id, event, hook, state, attempts, due, order_key) VALUES (?, ?, ?, ?, 0, ?, ?)",
  );
  const findUnsettled = prepareFindUnsettled(db);

  return (cells) => {
    const { sequences } = ledger;
    const answer: number[] = [];
    for (let at = 0; at < cells.length; ) {
      const source = ledger.number(cells[at] as string);
      const id = packId(cells[at + 1] as string);
      const type = ledger.number(cells[at + 2] as string);
      const pipeline = cells[at + 3] as string | null;
      const count = cells[at + 6] as number;
      const seq = sequences.event + 1;
      const first = sequences.delivery + 1;
      const { changes } = addEvent.run(
        seq,
        id,
        source,
        type,
        pipeline === null ? null : ledger.number(pipeline),
        cells[at + 4] as number,
        first,
        count,
        cells[at + 5] as string,
      );
      at += 7;
      if (changes === 0) {
        const there = findEvent.get(id, source);
        answer.push(Number(there?.first), Number(there?.count), 1);
        at += count * 3;
        continue;
      }
      sequences.event = seq;
      sequences.events += 1;
      sequences.delivery += count;
      for (let n = 0; n < count; n += 1, at += 3) {
        const hook = ledger.number(cells[at] as string);
        const key = cells[at + 2] as string | null;
        const state = key !== null && findUnsettled(hook, key) ? blocked : waiting;
        addDelivery.run(first + n, seq, hook, state, cells[at + 1] as number, key);
        ledger.tally(hook, state, 1);
      }
      answer.push(first, count, 0);
    }
    return answer;
  };
}

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
