import {
  createMemoryStore,
  createPipehooks,
  type Pipehooks,
  type PipehooksOptions,
  type Store,
} from "@pipehooks/core";
import type { Durability, LoadedConfig } from "./loaded.ts";

/** What a program says beside its configuration. */
export interface OpenOptions extends PipehooksOptions {
  /**
   * Whether the embedded store runs in a thread of its own; `false` starts sooner, for a process that emits a few
   * events and ends.
   * @default true
   */
  readonly worker?: boolean | undefined;
}

/**
 * Opens the store that a configuration names.
 * @throws HookError CONFIG_INVALID
 */
export async function openStore({
  storeUrl,
  durability,
  worker,
}: {
  readonly storeUrl: string;
  readonly durability?: Durability | undefined;
  readonly worker?: boolean | undefined;
}): Promise<Store> {
  if (storeUrl === "memory:") return createMemoryStore();
  // Loaded when used: a memory store does not pay for it.
  const { sqliteStore } = await import("@pipehooks/sqlite");
  return sqliteStore({ path: storeUrl.slice("sqlite:".length), durability, worker });
}

/**
 * Opens the store and makes the bus of a loaded configuration; `overrides` win.
 * @throws HookError STORE_*, CONFIG_INVALID
 */
export async function openPipehooks(
  loaded: LoadedConfig,
  { worker, ...overrides }: OpenOptions = {},
): Promise<Pipehooks> {
  const { storeUrl, durability } = loaded;
  const store = overrides.store ?? (await openStore({ storeUrl, durability, worker }));
  try {
    return createPipehooks({
      ...loaded.options,
      ...overrides,
      secrets: [...(loaded.options.secrets ?? []), ...(overrides.secrets ?? [])],
      store,
    });
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}
