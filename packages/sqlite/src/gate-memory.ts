import type { DatabaseSync } from "node:sqlite";
import type { GateMemory, GateStep } from "@pipehooks/core/gates";
import { StoreFault } from "./fault.ts";
import type { Ledger } from "./ledger.ts";
import { tallies } from "./states.ts";

/** What a gate remembers of one key, as it stands in the file. */
export interface KeptMemory {
  readonly id: number;
  readonly hook: number;
  readonly key: string;
  /** JSON text of {@link GateMemory.value}. */
  readonly value: string;
  readonly wake: number | null;
  readonly keep: number | null;
  /** The delivery that is gathering. */
  readonly delivery: number | null;
  readonly gathered: number;
}

/** What is to be remembered after a step. */
export interface NextMemory {
  readonly step: GateStep;
  readonly delivery: number | null;
  readonly gathered: number;
}

export interface GateMemories {
  find(hook: number, key: string): KeptMemory | undefined;
  /** Those whose time has come, the earliest first. */
  due(hook: number, now: number, limit: number): readonly KeptMemory[];
  /** Those whose time is later than `latest`, the furthest first. */
  far(hook: number, latest: number, limit: number): readonly KeptMemory[];
  any(hook: number, limit: number): readonly KeptMemory[];
  /** When the gate of a hook wants to be asked next. */
  earliest(hook: number): number | null;
  /** Writes what follows on `before`; forgets the key where the step says so. */
  save(at: { hook: number; key: string; before: KeptMemory | undefined }, next: NextMemory): void;
  forget(memory: KeptMemory): void;
}

const columns = "id, hook, key, value, wake, keep, delivery, gathered";

export function prepareGateMemories(db: DatabaseSync, ledger: Ledger): GateMemories {
  const find = db.prepare(`SELECT ${columns} FROM gates WHERE hook = ? AND key = ?`);
  const due = db.prepare(
    `SELECT ${columns} FROM gates WHERE hook = ? AND wake <= ? ORDER BY wake, id LIMIT ?`,
  );
  const far = db.prepare(
    `SELECT ${columns} FROM gates WHERE hook = ? AND wake > ? ORDER BY wake DESC LIMIT ?`,
  );
  const any = db.prepare(`SELECT ${columns} FROM gates WHERE hook = ? LIMIT ?`);
  const add = db.prepare(
    "INSERT INTO gates (hook, key, value, wake, keep, delivery, gathered) VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  // Each index that an update names is written, so the times are left out where they stay.
  const change = db.prepare("UPDATE gates SET value = ?, delivery = ?, gathered = ? WHERE id = ?");
  const changeAll = db.prepare(
    "UPDATE gates SET value = ?, delivery = ?, gathered = ?, wake = ?, keep = ? WHERE id = ?",
  );
  const remove = db.prepare("DELETE FROM gates WHERE id = ?");
  const earliest = prepareEarliestWake(db);

  function forget({ id, hook }: KeptMemory): void {
    remove.run(id);
    ledger.tally(hook, tallies.keys, -1);
  }

  return {
    // The columns above are those of KeptMemory.
    find: (hook, key) => find.get(hook, key) as KeptMemory | undefined,
    due: (hook, now, limit) => due.all(hook, now, limit) as unknown as KeptMemory[],
    far: (hook, latest, limit) => far.all(hook, latest, limit) as unknown as KeptMemory[],
    any: (hook, limit) => any.all(hook, limit) as unknown as KeptMemory[],
    earliest,
    save({ hook, key, before }, { step, delivery, gathered }) {
      if (step.value === undefined) {
        if (before !== undefined) forget(before);
        return;
      }
      const value = JSON.stringify(step.value);
      const wake = step.wakeAt ?? null;
      const keep = step.keep ?? null;
      if (before === undefined) {
        add.run(hook, key, value, wake, keep, delivery, gathered);
        ledger.tally(hook, tallies.keys, 1);
      } else if (wake === before.wake && keep === before.keep) {
        change.run(value, delivery, gathered, before.id);
      } else {
        changeAll.run(value, delivery, gathered, wake, keep, before.id);
      }
    },
    forget,
  };
}

/** Makes the gate forget the key of a delivery that is gathering; how many events that has is kept. */
export function prepareForgetGathering(
  db: DatabaseSync,
  ledger: Ledger,
): (hook: number, key: string, delivery: number) => void {
  const memories = prepareGateMemories(db, ledger);
  const addGated = db.prepare("INSERT INTO gated (delivery, count, release) VALUES (?, ?, NULL)");
  return (hook, key, delivery) => {
    const memory = memories.find(hook, key);
    if (memory?.delivery !== delivery) return;
    if (memory.gathered > 1) addGated.run(delivery, memory.gathered);
    memories.forget(memory);
  };
}

/** When the gate of a hook wants to be asked next. */
export function prepareEarliestWake(db: DatabaseSync): (hook: number) => number | null {
  const earliest = db.prepare("SELECT min(wake) AS wake FROM gates WHERE hook = ?");
  return (hook) => (earliest.get(hook)?.wake ?? null) as number | null;
}

/** @throws SyntaxError for a value that is no JSON */
export function toGateMemory({ value, wake, keep, gathered }: KeptMemory): GateMemory {
  return {
    value: JSON.parse(value),
    gathered,
    ...(wake === null ? {} : { wakeAt: wake }),
    ...(keep === null ? {} : { keep }),
  };
}

/** For what a gate remembers and nobody can read. */
export function damagedMemory(hook: string, key: string, why: unknown): StoreFault {
  const said = why instanceof Error ? why.message : String(why);
  return new StoreFault(
    "STORE_CORRUPT",
    `sqlite: what the gate of hook "${hook}" remembers of key "${key}" cannot be used (${said}). With the next event or ` +
      "timer of this key the gate begins anew, and what it had gathered becomes a dead letter, to be replayed.",
    { cause: why },
  );
}
