import type { JsonValue } from "./json.ts";
import type { Memory, MemoryChange, Store } from "./store.ts";

/** A memory in the store that all processes share. */
export interface SharedMemory<Value> {
  /** As last heard of, with this process's own changes on top. */
  readonly value: Value;
  learn(stored: Memory | undefined): void;
  /** Takes effect here when the store has it; answers what it was and is there. */
  change(reduce: (before: Value) => Value): Promise<{ before: Value; after: Value }>;
  /** Takes effect here at once. */
  changeNow(reduce: (before: Value) => Value): Promise<{ before: Value; after: Value }>;
}

export function createSharedMemory<Value extends object>(options: {
  readonly store: Store;
  readonly key: string;
  readonly empty: Value;
  readonly toChange: (value: Value) => MemoryChange;
}): SharedMemory<Value> {
  const { store, key, empty, toChange } = options;
  // Only one module writes under its key, so the shape is known.
  const fromJson = (value: JsonValue | undefined): Value => (value ?? empty) as Value;
  // On their way to the store, which may still answer with what was before them.
  const pending = new Set<(before: Value) => Value>();
  let value = empty;

  const learn = (stored: Memory | undefined): void => {
    value = [...pending].reduce((known, reduce) => reduce(known), fromJson(stored?.value));
  };

  const change = async (reduce: (before: Value) => Value) => {
    let before = empty;
    let after = empty;
    const stored = await store.update(key, (memory) => {
      before = fromJson(memory);
      after = reduce(before);
      return toChange(after);
    });
    pending.delete(reduce);
    learn(stored);
    return { before, after };
  };

  return {
    get value() {
      return value;
    },
    learn,
    change,
    changeNow(reduce) {
      value = reduce(value);
      pending.add(reduce);
      return change(reduce).finally(() => pending.delete(reduce));
    },
  };
}
