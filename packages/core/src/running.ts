import type { Attempt } from "./attempt.ts";
import type { Held } from "./lane.ts";
import { UnderWay } from "./under-way.ts";

/** A delivery that is being tried. A class, not a literal: see docs/architecture.md. */
export class RunningEntry {
  readonly held: Held;
  readonly attempt: Attempt;
  /** Where it stands in the list. */
  at: number;

  constructor(held: Held, attempt: Attempt, at: number) {
    this.held = held;
    this.attempt = attempt;
    this.at = at;
  }
}

/**
 * What a lane tries now. A list, not a Map: the tables that a Map leaves behind as its entries come and go refer to each
 * other, and keep in memory what was in them until all of the heap is swept.
 */
export class Running {
  readonly #entries: RunningEntry[] = [];
  readonly #underWay = new UnderWay();

  get size(): number {
    return this.#entries.length;
  }

  add(held: Held, attempt: Attempt): RunningEntry {
    const entry = new RunningEntry(held, attempt, this.#entries.length);
    this.#entries.push(entry);
    this.#underWay.begin();
    return entry;
  }

  /** Those that go in one call share its attempt. */
  remove(entry: RunningEntry): void {
    const last = this.#entries.pop();
    if (last !== undefined && last !== entry) {
      last.at = entry.at;
      this.#entries[entry.at] = last;
    }
    this.#underWay.end();
  }

  find(id: number): Attempt | undefined {
    return this.#entries.find(({ held }) => held.id === id)?.attempt;
  }

  ids(): readonly number[] {
    return this.#entries.map(({ held }) => held.id);
  }

  entries(): readonly RunningEntry[] {
    return this.#entries;
  }

  attempts(): ReadonlySet<Attempt> {
    return new Set(this.#entries.map(({ attempt }) => attempt));
  }

  /** Resolves when nothing runs. */
  ended(): Promise<void> {
    return this.#underWay.ended();
  }
}
