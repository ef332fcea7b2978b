import { createDestination, type DestinationReport } from "../destination.ts";
import type { PreparedHook } from "../hook-config.ts";
import { createHookSwitch } from "../hook-switch.ts";
import type { Store } from "../store.ts";

/** What stands around deliveries: switches and destinations as the store has them now. */
export interface Surroundings {
  readonly store: Store;
  readonly now: number;
  /** Since when and why a hook is switched off, if it is. */
  off(hook: string): { readonly at: number; readonly because: string } | undefined;
  destination(name: string): DestinationReport | undefined;
}

/** Reads the memories of hooks and destinations, in one look. */
export async function lookAround(
  store: Store,
  hooks: readonly PreparedHook[],
  now: number,
): Promise<Surroundings> {
  const switches = new Map(hooks.map(({ name }) => [name, createHookSwitch(name, store)]));
  const destinations = new Map(
    // Only their memory is asked; nothing is taken from them.
    [...new Set(hooks.map(({ destination }) => destination))].map((name) => [
      name,
      createDestination({ name, windows: [], concurrency: 1, breaker: undefined, store }),
    ]),
  );
  const all = [...switches.values(), ...destinations.values()];
  const memories = await store.read(all.map(({ key }) => key));
  const byKey = new Map(memories.map((memory) => [memory.key, memory]));
  for (const each of all) each.learn(byKey.get(each.key));
  return {
    store,
    now,
    off: (hook) => switches.get(hook)?.off,
    destination: (name) => destinations.get(name)?.describe(now),
  };
}
