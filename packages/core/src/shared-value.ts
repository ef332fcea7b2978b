import type { HookContext } from "./hook.ts";
import type { JsonValue } from "./json.ts";
import type { Store } from "./store.ts";

/** A small value that all hooks and processes share. */
export interface SharedValue {
  /** Reads and writes in one step; `undefined` removes it. The reducer may be asked more than once. */
  update(reduce: (value: JsonValue | undefined) => JsonValue | undefined): Promise<void>;
}

/** What `HookContext.shared` is: one value a name, in the store. */
export function createSharedValues({ store }: { readonly store: Store }): HookContext["shared"] {
  return (name) => ({
    async update(reduce) {
      await store.update(`shared:${name}`, (value) => ({ value: reduce(value) }));
    },
  });
}

/** Values that live no longer than what made them: where there is no store. */
export function createLocalValues(): HookContext["shared"] {
  const values = new Map<string, JsonValue | undefined>();
  return (name) => ({
    async update(reduce) {
      values.set(name, reduce(values.get(name)));
    },
  });
}
