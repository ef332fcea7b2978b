import type { EventEntry } from "./entries.ts";
import { Fifo } from "./fifo.ts";

/** Of events that cannot be found by their ids yet, at most so many wait for somebody to ask. */
const mostUnsorted = 10_000;

/**
 * Events by source and id. Those whose ids were made just now are sorted in when somebody asks: most are gone before, and
 * sorting in is the dearest part of an emit that no hook wants.
 */
export class EventIds {
  readonly #bySource = new Map<string, Map<string, EventEntry>>();
  /** In the order of acceptance; removed ones may stand between others. */
  readonly #unsorted = new Fifo<EventEntry>();
  // Most events of a burst are of one source.
  #usualSource: string | undefined;
  #usualIds = new Map<string, EventEntry>();

  add(entry: EventEntry): void {
    if (entry.stored.idIsNew === true) {
      this.#unsorted.add(entry);
      if (this.#unsorted.size > mostUnsorted) this.#sort();
    } else {
      this.#sort();
      this.#put(entry);
    }
  }

  /** After it is marked as removed. */
  delete(entry: EventEntry): void {
    if (!entry.isSorted) {
      while (this.#unsorted.first?.removed === true) this.#unsorted.take();
      return;
    }
    const { source, id } = entry.stored;
    const ids = this.#idsOf(source);
    ids?.delete(id);
    if (ids?.size !== 0) return;
    this.#bySource.delete(source);
    this.#usualSource = undefined;
  }

  find(source: string, id: string): EventEntry | undefined {
    this.#sort();
    return this.#idsOf(source)?.get(id);
  }

  /** Those with this id, whatever their source. */
  withId(id: string): EventEntry[] {
    this.#sort();
    return [...this.#bySource.values()].flatMap((ids) => ids.get(id) ?? []);
  }

  /** In the order of acceptance. */
  all(): EventEntry[] {
    this.#sort();
    const all = [...this.#bySource.values()].flatMap((ids) => [...ids.values()]);
    // Of one source they are in order already.
    return this.#bySource.size > 1 ? all.sort((a, b) => a.seq - b.seq) : all;
  }

  #sort(): void {
    for (let entry = this.#unsorted.take(); entry !== undefined; entry = this.#unsorted.take()) {
      if (!entry.removed) this.#put(entry);
    }
  }

  #put(entry: EventEntry): void {
    const { source, id } = entry.stored;
    let ids = this.#idsOf(source);
    if (ids === undefined) {
      ids = new Map();
      this.#bySource.set(source, ids);
    }
    ids.set(id, entry);
    entry.isSorted = true;
  }

  #idsOf(source: string): Map<string, EventEntry> | undefined {
    if (source === this.#usualSource) return this.#usualIds;
    const ids = this.#bySource.get(source);
    if (ids !== undefined) [this.#usualSource, this.#usualIds] = [source, ids];
    return ids;
  }
}
