import type { Attempt } from "./attempt.ts";

/** A delivery that is being tried. */
export interface RunningEntry {
  readonly id: number;
  readonly attempt: Attempt;
  /** Where it stands in the list. */
  at: number;
}

/**
 * What a lane tries now. A list, not a Map: the tables that a Map leaves behind as its entries come and go refer to each
 * other, and keep in memory what was in them until all of the heap is swept.
 */
export class Running {
  readonly #entries: RunningEntry[] = [];
  readonly #idlers: (() => void)[] = [];

  get size(): number {
    return this.#entries.length;
  }

  add(id: number, attempt: Attempt): RunningEntry {
    const entry = { id, attempt, at: this.#entries.length };
    this.#entries.push(entry);
    return entry;
  }

  /** Those that go in one call share its attempt. */
  remove(entry: RunningEntry): void {
    const last = this.#entries.pop();
    if (last !== undefined && last !== entry) {
      last.at = entry.at;
      this.#entries[entry.at] = last;
    }
    if (this.size === 0) for (const resolve of this.#idlers.splice(0)) resolve();
  }

  find(id: number): Attempt | undefined {
    return this.#entries.find((entry) => entry.id === id)?.attempt;
  }

  ids(): readonly number[] {
    return this.#entries.map(({ id }) => id);
  }

  attempts(): ReadonlySet<Attempt> {
    return new Set(this.#entries.map(({ attempt }) => attempt));
  }

  /** Resolves when nothing runs. */
  async ended(): Promise<void> {
    if (this.size > 0) await new Promise<void>((resolve) => this.#idlers.push(resolve));
  }
}
