import type { JsonValue, Memory, MemoryChange } from "@pipehooks/core";
import type { MemoryCells } from "./calls.ts";
import { toJson, toText } from "./packing.ts";
import type { CallQueue } from "./queue.ts";

type Reduce = (memory: JsonValue | undefined) => MemoryChange;

interface Change {
  readonly reduce: Reduce;
  resolve(memory: Memory): void;
  reject(error: unknown): void;
}

/** Keys whose last known memory is kept, to save the read before a write. */
const maxKnown = 1000;

/**
 * Changes memory by functions of the caller: compute from what is known, write if the version is still that one, else
 * start over from what is there. Changes of one key made while one is under way are computed one after the
 * other and written once.
 */
export function createUpdates(queue: CallQueue): (key: string, reduce: Reduce) => Promise<Memory> {
  const waiting = new Map<string, Change[]>();
  const known = new Map<string, MemoryCells>();

  async function work(key: string, changes: Change[]): Promise<void> {
    // Changes that come while these are written join the list, and are the next round.
    while (changes.length > 0) {
      const round = changes.splice(0);
      try {
        for (const settle of await write(key, round)) settle();
      } catch (error) {
        known.delete(key);
        for (const { reject } of round) reject(error);
      }
    }
    waiting.delete(key);
  }

  async function write(key: string, round: readonly Change[]): Promise<(() => void)[]> {
    let from = known.get(key) ?? { key, version: 0, value: null, blockedUntil: null };
    for (;;) {
      const { last, settles } = compute(from, round);
      const there = await queue.call("update", { ...last, key, version: from.version });
      from = there;
      if (known.size >= maxKnown) known.clear();
      known.set(key, there);
      if (there.applied) return settles;
    }
  }

  return (key, reduce) =>
    new Promise((resolve, reject) => {
      const change = { reduce, resolve, reject };
      const others = waiting.get(key);
      if (others !== undefined) {
        others.push(change);
        return;
      }
      const changes = [change];
      waiting.set(key, changes);
      void work(key, changes);
    });
}

/** A change that throws fails alone, and the next one is computed from the memory before it. */
function compute(from: MemoryCells, round: readonly Change[]) {
  let { value, blockedUntil }: Pick<MemoryCells, "value" | "blockedUntil"> = from;
  const settles = round.map(({ reduce, resolve, reject }) => {
    try {
      const change = reduce(toJson(value));
      value = toText(change.value);
      blockedUntil = value === null ? null : (change.blockedUntil ?? null);
    } catch (error) {
      return () => reject(error);
    }
    const memory = toMemory({ key: from.key, value, blockedUntil });
    return () => resolve(memory);
  });
  return { last: { value, blockedUntil }, settles };
}

export function toMemory({ key, value, blockedUntil }: Omit<MemoryCells, "version">): Memory {
  return { key, value: toJson(value), ...(blockedUntil === null ? {} : { blockedUntil }) };
}
