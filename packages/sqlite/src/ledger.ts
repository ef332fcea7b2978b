import type { DatabaseSync } from "node:sqlite";

/** The last numbers given out, and how many events there are. */
export interface Sequences {
  event: number;
  delivery: number;
  owner: number;
  memory: number;
  events: number;
}

/**
 * What a transaction keeps in memory and writes once at its end: the sequences and the counters per hook and
 * state. Also the dictionary of names.
 */
export interface Ledger {
  readonly sequences: Sequences;
  /** Adds to the counter of a hook and a state. */
  tally(hook: number, state: number, count: number): void;
  /** The counter of a hook and a state as it stands. */
  count(hook: number, state: number): number;
  /** The number of a name, which is given one if it has none. */
  number(name: string): number;
  /** The number of a name, if it has one. */
  find(name: string): number | undefined;
  name(id: number): string;
  /** Reads what the transaction starts from. */
  begin(): void;
  /** Writes what was counted so far. */
  flush(): void;
  /** Forgets all after a rollback. */
  reset(): void;
  /** Keeps the numbers as they stand; calling the answer brings them back, for a rollback to a savepoint. */
  mark(): () => void;
}

/** Names are few (hooks, types, pipelines, sources); the bound only keeps a careless program from filling memory. */
const maxNames = 10_000;
const statesPerHook = 16;

export function createLedger(db: DatabaseSync): Ledger {
  const load = db.prepare("SELECT event, delivery, owner, memory, events FROM sequences");
  const save = db.prepare(
    "UPDATE sequences SET event = ?, delivery = ?, owner = ?, memory = ?, events = ?",
  );
  const count = db.prepare(
    "INSERT INTO counters (hook, state, count) VALUES (?, ?, ?) " +
      "ON CONFLICT DO UPDATE SET count = count + excluded.count",
  );
  const readCount = db.prepare("SELECT count FROM counters WHERE hook = ? AND state = ?");
  const findName = db.prepare("SELECT id FROM names WHERE name = ?");
  const addName = db.prepare("INSERT INTO names (name) VALUES (?) RETURNING id");
  const readName = db.prepare("SELECT name FROM names WHERE id = ?");

  const sequences: Sequences = { event: 0, delivery: 0, owner: 0, memory: 0, events: 0 };
  let stored: Sequences = { ...sequences };
  let counters = new Map<number, number>();
  const numbers = new Map<string, number>();
  const names = new Map<number, string>();

  function learn(name: string, id: number): number {
    if (numbers.size >= maxNames) numbers.clear();
    numbers.set(name, id);
    return id;
  }

  function find(name: string): number | undefined {
    const known = numbers.get(name);
    if (known !== undefined) return known;
    const row = findName.get(name);
    return row === undefined ? undefined : learn(name, Number(row.id));
  }

  return {
    sequences,
    tally(hook, state, by) {
      const key = hook * statesPerHook + state;
      counters.set(key, (counters.get(key) ?? 0) + by);
    },
    count(hook, state) {
      const changed = counters.get(hook * statesPerHook + state) ?? 0;
      return Number(readCount.get(hook, state)?.count ?? 0) + changed;
    },
    number(name) {
      return numbers.get(name) ?? find(name) ?? learn(name, Number(addName.get(name)?.id));
    },
    find,
    name(id) {
      const known = names.get(id);
      if (known !== undefined) return known;
      const text = String(readName.get(id)?.name ?? "");
      if (names.size >= maxNames) names.clear();
      names.set(id, text);
      return text;
    },
    begin() {
      Object.assign(sequences, load.get());
      stored = { ...sequences };
      counters.clear();
    },
    flush() {
      for (const [key, by] of counters) {
        if (by !== 0) count.run(Math.floor(key / statesPerHook), key % statesPerHook, by);
      }
      counters.clear();
      const { event, delivery, owner, memory, events } = sequences;
      const same =
        event === stored.event &&
        delivery === stored.delivery &&
        owner === stored.owner &&
        memory === stored.memory &&
        events === stored.events;
      if (same) return;
      save.run(event, delivery, owner, memory, events);
      stored = { ...sequences };
    },
    reset() {
      counters.clear();
      stored = { ...sequences };
      numbers.clear();
      names.clear();
    },
    mark() {
      const before = { sequences: { ...sequences }, stored, counters: new Map(counters) };
      return () => {
        Object.assign(sequences, before.sequences);
        stored = before.stored;
        counters = before.counters;
        numbers.clear();
        names.clear();
      };
    },
  };
}
