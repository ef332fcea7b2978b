import { HookError } from "../errors.ts";
import type { StoredEvent } from "../store.ts";
import type { DeliveryEntry, EventEntry } from "./entries.ts";
import { EventIds } from "./event-ids.ts";
import { Fifo } from "./fifo.ts";

/** The events, and which of them make room. */
export interface EventShelf {
  /** The last number given out. */
  readonly lastSeq: number;
  find(event: StoredEvent): EventEntry | undefined;
  /** Adds an event that is needed by something (see `open`), to be let go when that is known otherwise. */
  add(event: StoredEvent, at: number): EventEntry;
  /** Adds an event that nothing needs. */
  addSettled(event: StoredEvent, at: number): void;
  /** One thing more needs it. */
  hold(event: EventEntry): void;
  /** One thing less needs it. */
  letGo(event: EventEntry): void;
  remove(event: EventEntry): void;
  /** Removes those beyond the number of settled ones to keep, oldest first. */
  forget(): void;
  /** @throws HookError STORE_FULL */
  makeRoom(wanted: number): void;
  /** In the order of acceptance. */
  all(): EventEntry[];
  /** Those with this id, whatever their source. */
  withId(id: string): EventEntry[];
}

export function createEventShelf(options: {
  readonly maxEvents: number;
  readonly keepSettled: number;
  /** Called for each delivery of an event that was removed. */
  readonly removed: (event: EventEntry, delivery: DeliveryEntry) => void;
}): EventShelf {
  const { maxEvents, keepSettled, removed } = options;
  const ids = new EventIds();
  // Those that nothing needs and that have no dead letters; entries may be stale, the reader checks.
  const removable = new Fifo<EventEntry>();
  let lastSeq = 0;
  // Events that something needs or that have dead letters.
  let held = 0;

  const put = (stored: StoredEvent, acceptedAt: number, open: number): EventEntry => {
    lastSeq += 1;
    const entry: EventEntry = {
      seq: lastSeq,
      stored,
      acceptedAt,
      deliveries: undefined,
      open,
      dead: 0,
      removed: false,
      isSorted: false,
    };
    ids.add(entry);
    return entry;
  };

  const remove = (event: EventEntry): void => {
    if (!isRemovable(event)) held -= 1;
    event.removed = true;
    ids.delete(event);
    if (event.deliveries === undefined) return;
    for (const entry of event.deliveries) removed(event, entry);
  };

  const forget = (): void => {
    while (removable.size > keepSettled) {
      const oldest = removable.take();
      if (oldest !== undefined && !oldest.removed && isRemovable(oldest)) remove(oldest);
    }
  };

  return {
    get lastSeq() {
      return lastSeq;
    },
    find: ({ source, id, idIsNew }) => (idIsNew === true ? undefined : ids.find(source, id)),
    add(event, at) {
      held += 1;
      return put(event, at, 1);
    },
    addSettled: (event, at) => removable.add(put(event, at, 0)),
    hold(event) {
      if (isRemovable(event)) held += 1;
      event.open += 1;
    },
    letGo(event) {
      event.open -= 1;
      if (!isRemovable(event)) return;
      held -= 1;
      removable.add(event);
    },
    remove,
    forget,
    makeRoom(wanted) {
      forget();
      if (held + wanted <= maxEvents) return;
      throw new HookError(
        "STORE_FULL",
        `The memory store is full: ${held} events are unsettled or have dead letters (the most is ${maxEvents}). ` +
          "Raise maxEvents, let hooks catch up, replay dead letters, or use the SQLite store.",
        { retryable: true },
      );
    },
    all: () => ids.all(),
    withId: (id) => ids.withId(id),
  };
}

function isRemovable({ open, dead }: EventEntry): boolean {
  return open === 0 && dead === 0;
}
