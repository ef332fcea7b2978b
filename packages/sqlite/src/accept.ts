import type { DatabaseSync } from "node:sqlite";
import { type AcceptAsk, acceptedFlags, type Cell, cellsOf } from "./calls.ts";
import { type Lease, prepareDeliveries, readDelivery } from "./deliveries.ts";
import { packId } from "./event-id.ts";
import { isConstraint } from "./fault.ts";
import { type EntryPlaces, passEntries } from "./gate-entries.ts";
import type { Gates } from "./gates.ts";
import type { Ledger } from "./ledger.ts";
import { prepareEndOfBlock } from "./memory.ts";
import { once } from "./once.ts";
import type { Owners } from "./owners.ts";
import { fitting, mostAtOnce, prepareInsert, type Value } from "./rows.ts";

const none: EntryPlaces = { places: [], announced: false };

/** Stores packed acceptances; answers what `unpackAccepted` reads. */
export type Accept = (ask: AcceptAsk) => number[];

const eventColumns = "seq id source type pipeline at first count body".split(" ");

export function prepareAccept(
  db: DatabaseSync,
  { ledger, owners, gates }: { ledger: Ledger; owners: Owners; gates: () => Gates },
): Accept {
  const insert = prepareInsert(db, "events", eventColumns);
  const insertNew = prepareInsert(
    db,
    "events",
    eventColumns,
    "ON CONFLICT (id, source) DO NOTHING",
  );
  const findEvent = db.prepare("SELECT first, count FROM events WHERE id = ? AND source = ?");
  const deliveries = prepareDeliveries(db, ledger);
  const endOfBlock = prepareEndOfBlock(db);
  const { sequences } = ledger;

  /** From when the lanes of a lease are free, and who holds what is leased. */
  function openLease({ lease }: AcceptAsk): Lease | undefined {
    if (lease === null) return undefined;
    const { owner, until, lanes } = lease;
    const freeFrom = new Map(lanes.map(({ hook, keys }) => [hook, endOfBlock(keys)]));
    return {
      until,
      takes({ hook, due, key }, at) {
        const free = freeFrom.get(hook);
        return free !== undefined && key === null && free <= at && due <= at;
      },
      holder: once(() => owners.hold(owner, until)),
    };
  }

  /** The rows of the events at these places, which are to be the next ones. */
  function rowsOf(cells: readonly Cell[], places: readonly number[]): Value[] {
    let { event, delivery } = sequences;
    const values: Value[] = [];
    for (const at of places) {
      const pipeline = cells[at + 3] as string | null;
      const count = cells[at + 6] as number;
      event += 1;
      values.push(
        event,
        packId(cells[at + 1] as string),
        ledger.number(cells[at] as string),
        ledger.number(cells[at + 2] as string),
        pipeline === null ? null : ledger.number(pipeline),
        cells[at + 4] as number,
        delivery + 1,
        count,
        cells[at + 5] as string,
      );
      delivery += count;
    }
    return values;
  }

  /** Inserts the event at this place; `false` where it is there already. */
  function addOne(cells: readonly Cell[], place: number): boolean {
    return insertNew(1).run(...rowsOf(cells, [place])).changes === 1;
  }

  /** Inserts the events at these places by one statement; `false`, and nothing, where one of them is there already. */
  function addTogether(cells: readonly Cell[], places: readonly number[]): boolean {
    try {
      insert(places.length).run(...rowsOf(cells, places));
      return true;
    } catch (error) {
      if (isConstraint(error)) return false;
      throw error;
    }
  }

  /** Adds the deliveries of an event that was inserted as the next one, and takes its gates a step on. */
  function addRest(
    { cells, specs }: AcceptAsk,
    at: number,
    lease: Lease | undefined,
    answer: number[],
  ): void {
    const now = cells[at + 4] as number;
    const count = cells[at + 6] as number;
    const entries = cells[at + 7] as number;
    sequences.event += 1;
    sequences.events += 1;
    const { event } = sequences;
    const first = sequences.delivery + 1;
    sequences.delivery += count;
    const leased: number[] = [];
    let place = at + cellsOf.event;
    for (let n = 0; n < count; n += 1, place += cellsOf.delivery) {
      const wanted = readDelivery(cells, place);
      if (lease?.takes(wanted, now) === true) {
        deliveries.addLeased({ id: first + n, event, ...wanted }, lease);
        leased.push(first + n);
      } else {
        deliveries.add({ id: first + n, event, ...wanted });
      }
    }
    if (entries > 0) deliveries.flush();
    const passed =
      entries === 0
        ? none
        : passEntries(gates(), ledger, { cells, at: place, entries, specs, event, now });
    answer.push(first, count);
    pushRest(answer, leased, passed);
  }

  return (ask) => {
    const { cells } = ask;
    const lease = openLease(ask);
    const answer: number[] = [];
    deliveries.begin();
    for (let at = 0; at < cells.length; ) {
      const places = nextPlaces(cells, at);
      const together = places.length > 1 && addTogether(cells, places);
      for (const place of places) {
        if (together || addOne(cells, place)) {
          addRest(ask, place, lease, answer);
        } else {
          const there = findEvent.get(
            packId(cells[place + 1] as string),
            ledger.number(cells[place] as string),
          );
          answer.push(Number(there?.first), Number(there?.count), acceptedFlags.duplicate);
        }
        at = endOfEvent(cells, place);
      }
    }
    deliveries.flush();
    return answer;
  };
}

/** Where the next events stand, as many as are inserted at once; one that comes to a gate stands alone. */
function nextPlaces(cells: readonly Cell[], from: number): readonly number[] {
  const places: number[] = [];
  for (let at = from; at < cells.length && places.length < mostAtOnce; ) {
    if (cells[at + 7] !== 0) break;
    places.push(at);
    at = endOfEvent(cells, at);
  }
  return places.length === 0 ? [from] : places.slice(0, fitting(places.length));
}

function endOfEvent(cells: readonly Cell[], at: number): number {
  const count = cells[at + 6] as number;
  const entries = cells[at + 7] as number;
  return at + cellsOf.event + count * cellsOf.delivery + entries * cellsOf.entry;
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
