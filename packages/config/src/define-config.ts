import type { EventTypes, HookConfig, PipehooksOptions } from "@pipehooks/core";
import type { Durability } from "./loaded.ts";

/** A hook that names its kind, as in YAML; its options are checked by the kind. */
export interface KindHookConfig extends Omit<HookConfig, "hook"> {
  readonly kind: string;
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

/** What `pipehooks.config.ts` exports by default. */
export interface PipehooksConfig<Types extends EventTypes = EventTypes>
  extends Omit<PipehooksOptions<Types>, "hooks" | "store" | "deliver"> {
  /** `sqlite:PATH` (relative to the file) or `memory:`. @default "sqlite:.pipehooks/pipehooks.db" */
  readonly store?: string | undefined;
  /** `full`: on disk before `emit` resolves; `normal`: a power cut may lose the last moments. @default "full" */
  readonly durability?: Durability | undefined;
  /** npm packages and local files that bring the kinds of hooks that name their kind. */
  readonly plugins?: readonly string[] | undefined;
  readonly hooks?: readonly (HookConfig | KindHookConfig)[] | undefined;
}

/** Types the default export of `pipehooks.config.ts`; gives back what it is given. */
export function defineConfig<const Types extends EventTypes = Record<never, never>>(
  config: PipehooksConfig<Types>,
): PipehooksConfig<Types> {
  return config;
}
