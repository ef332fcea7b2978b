import type { DatabaseSync } from "node:sqlite";
import { type AcceptAsk, acceptedFlags, type Cell, cellsOf } from "./calls.ts";
import { packId } from "./event-id.ts";
import { type EntryPlaces, passEntries } from "./gate-entries.ts";
import type { Gates } from "./gates.ts";
import type { Ledger } from "./ledger.ts";
import { prepareEndOfBlock } from "./memory.ts";
import { prepareFindUnsettled } from "./order-keys.ts";
import type { Owners } from "./owners.ts";
import { stateCodes } from "./states.ts";

const { waiting, blocked, running } = stateCodes;
const none: EntryPlaces = { places: [], announced: false };

/** Stores packed acceptances; answers what `unpackAccepted` reads. */
export type Accept = (ask: AcceptAsk) => number[];

export function prepareAccept(
  db: DatabaseSync,
  { ledger, owners, gates }: { ledger: Ledger; owners: Owners; gates: () => Gates },
): Accept {
  const addEvent = db.prepare(
    "INSERT INTO events (seq, id, source, type, pipeline, at, first, count, body) " +
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id, source) DO NOTHING",
  );
  const findEvent = db.prepare("SELECT first, count FROM events WHERE id = ? AND source = ?");
  const addDelivery = prepareAddDelivery(db, ledger);
  const addLeased = db.prepare(
    `INSERT INTO deliveries (id, event, hook, state, attempts, due, owner) VALUES (?, ?, ?, ${running}, 1, ?, ?)`,
  );
  const endOfBlock = prepareEndOfBlock(db);

  /** From when the lanes of a lease are free, and who holds what is leased. */
  function openLease({ lease }: AcceptAsk) {
    if (lease === null) return undefined;
    const { owner, until, lanes } = lease;
    const freeFrom = new Map(lanes.map(({ hook, keys }) => [hook, endOfBlock(keys)]));
    let holder: number | undefined;
    return {
      until,
      takes(delivery: readonly [hook: string, due: number, key: string | null], at: number) {
        const [hook, due, key] = delivery;
        const free = freeFrom.get(hook);
        return free !== undefined && key === null && free <= at && due <= at;
      },
      holder: () => {
        holder ??= owners.hold(owner, until);
        return holder;
      },
    };
  }

  return (ask) => {
    const { cells, specs } = ask;
    const { sequences } = ledger;
    const lease = openLease(ask);
    const answer: number[] = [];
    for (let at = 0; at < cells.length; ) {
      const source = ledger.number(cells[at] as string);
      const id = packId(cells[at + 1] as string);
      const type = ledger.number(cells[at + 2] as string);
      const pipeline = cells[at + 3] as string | null;
      const now = cells[at + 4] as number;
      const count = cells[at + 6] as number;
      const entries = cells[at + 7] as number;
      const seq = sequences.event + 1;
      const first = sequences.delivery + 1;
      const { changes } = addEvent.run(
        seq,
        id,
        source,
        type,
        pipeline === null ? null : ledger.number(pipeline),
        now,
        first,
        count,
        cells[at + 5] as string,
      );
      at += cellsOf.event;
      if (changes === 0) {
        const there = findEvent.get(id, source);
        answer.push(Number(there?.first), Number(there?.count), acceptedFlags.duplicate);
        at += count * cellsOf.delivery + entries * cellsOf.entry;
        continue;
      }
      sequences.event = seq;
      sequences.events += 1;
      sequences.delivery += count;
      const leased: number[] = [];
      for (let n = 0; n < count; n += 1, at += cellsOf.delivery) {
        const name = cells[at] as string;
        const due = cells[at + 1] as number;
        const key = cells[at + 2] as string | null;
        if (lease?.takes([name, due, key], now) === true) {
          const hook = ledger.number(name);
          addLeased.run(first + n, seq, hook, lease.until, lease.holder());
          ledger.tally(hook, running, 1);
          leased.push(first + n);
        } else {
          addDelivery(first + n, seq, cells, at);
        }
      }
      const passed =
        entries === 0
          ? none
          : passEntries(gates(), ledger, { cells, at, entries, specs, event: seq, now });
      at += entries * cellsOf.entry;
      answer.push(first, count);
      pushRest(answer, leased, passed);
    }
    return answer;
  };
}

function pushRest(answer: number[], leased: readonly number[], passed: EntryPlaces): void {
  const { places, announced } = passed;
  answer.push(
    (announced ? acceptedFlags.announced : 0) +
      (leased.length > 0 ? acceptedFlags.leased : 0) +
      (places.length > 0 ? acceptedFlags.gates : 0),
  );
  if (leased.length > 0) answer.push(leased.length, ...leased);
  if (places.length > 0) answer.push(places.length / 2, ...places);
}

/** Adds the delivery that is packed at a place of the cells. */
export function prepareAddDelivery(
  db: DatabaseSync,
  ledger: Ledger,
): (id: number, event: number, cells: readonly Cell[], at: number) => void {
  const add = db.prepare(
    "INSERT INTO deliveries (id, event, hook, state, attempts, due, order_key) VALUES (?, ?, ?, ?, 0, ?, ?)",
  );
  const findUnsettled = prepareFindUnsettled(db);
  return (id, event, cells, at) => {
    const hook = ledger.number(cells[at] as string);
    const key = cells[at + 2] as string | null;
    const state = key !== null && findUnsettled(hook, key) ? blocked : waiting;
    add.run(id, event, hook, state, cells[at + 1] as number, key);
    ledger.tally(hook, state, 1);
  };
}
