import type { DatabaseSync } from "node:sqlite";
import type { MemoryAnswer, MemoryCells, MemoryWrite } from "./calls.ts";
import type { Ledger } from "./ledger.ts";

export function prepareMemory(
  db: DatabaseSync,
  ledger: Ledger,
): { update(write: MemoryWrite): MemoryAnswer; read(keys: readonly string[]): MemoryCells[] } {
  const find = db.prepare("SELECT version, value, blocked_until FROM memory WHERE key = ?");
  const put = db.prepare(
    "INSERT INTO memory (key, version, value, blocked_until) VALUES (?, ?, ?, ?) " +
      "ON CONFLICT DO UPDATE SET version = excluded.version, value = excluded.value, blocked_until = excluded.blocked_until",
  );
  const forget = db.prepare("DELETE FROM memory WHERE key = ?");

  function readOne(key: string): MemoryCells {
    const row = find.get(key);
    if (row === undefined) return { key, version: 0, value: null, blockedUntil: null };
    return {
      key,
      version: Number(row.version),
      value: String(row.value),
      blockedUntil: row.blocked_until as number | null,
    };
  }

  return {
    update({ key, version, value, blockedUntil }) {
      const there = readOne(key);
      if (there.version !== version) return { ...there, applied: false };
      if (there.value === value && there.blockedUntil === blockedUntil)
        return { ...there, applied: true };
      if (value === null) {
        forget.run(key);
        return { key, version: 0, value: null, blockedUntil: null, applied: true };
      }
      // Never a number used before: a memory forgotten and made anew must not pass for the old one.
      ledger.sequences.memory += 1;
      put.run(key, ledger.sequences.memory, value, blockedUntil);
      return { key, version: ledger.sequences.memory, value, blockedUntil, applied: true };
    },
    read: (keys) => keys.map(readOne).filter(({ version }) => version !== 0),
  };
}

/** Until when the last of some keys is blocked; 0 when none is. */
export function prepareEndOfBlock(db: DatabaseSync): (keys: readonly string[]) => number {
  const blockedUntil = db.prepare("SELECT blocked_until FROM memory WHERE key = ?");
  return (keys) =>
    keys.reduce((end, key) => Math.max(end, Number(blockedUntil.get(key)?.blocked_until ?? 0)), 0);
}
