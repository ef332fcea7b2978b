import type { HookKind, PipehooksOptions } from "@pipehooks/core";
import type { BuiltIn, LoadedPlugin } from "./plugins.ts";
import type { Problem } from "./problem.ts";

/** What `createPipehooks` takes, without what is opened later. */
export type LoadedOptions = Omit<PipehooksOptions, "store">;

/** How much survives a power cut. */
export type Durability = "full" | "normal";

/** A configuration that was read and found right; nothing is open yet. */
export interface LoadedConfig {
  /** Absolute path of the file. */
  readonly file: string;
  readonly options: LoadedOptions;
  /** `sqlite:/absolute/path` or `memory:`. */
  readonly storeUrl: string;
  readonly durability: Durability;
  /** The plugins that were loaded for it. */
  readonly plugins: readonly LoadedPlugin[];
  /** Every kind that they bring, by name. */
  readonly kinds: ReadonlyMap<string, HookKind>;
  /** What is doubtful. */
  readonly warnings: readonly Problem[];
}

/** How a file is loaded. */
export interface LoadOptions {
  /** Path of the file. @default the one that `findConfig(cwd)` finds */
  readonly file?: string | undefined;
  /** Where `${env:NAME}` is read. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Where the search for a file begins, and what a relative `file` is relative to. @default process.cwd() */
  readonly cwd?: string | undefined;
  /** Modules (paths or `file:` URLs) whose packages are seen too, behind those of the file's folder. */
  readonly resolveFrom?: readonly string[] | undefined;
  /** What the program carries in itself. */
  readonly builtIn?: BuiltIn | undefined;
  /**
   * The only event types that will be emitted, for a process that knows and wants to start soon: the schemas that a
   * YAML file declares for other types are neither compiled nor checked.
   * @default all
   */
  readonly emitOnly?: readonly string[] | undefined;
  /**
   * What stands in for a `${env:…}` or `${file:…}` of a YAML file that has neither value nor default; it counts as a secret,
   * too. For who loads a configuration without being where it runs, such as route tests.
   * @default none: a missing one is a problem
   */
  readonly standIn?: ((missing: MissingReference) => string) | undefined;
}

/** Something that a configuration reads from outside, and that is not there. */
export interface MissingReference {
  /** As written between the braces, such as `env:WEBHOOK_TOKEN`. */
  readonly reference: string;
  /** Where in the configuration, such as `hooks[0].options.url`. */
  readonly path: string;
}

/** The same, decided. */
export interface LoadContext extends Required<Omit<LoadOptions, "cwd">> {
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly resolveFrom: readonly string[];
}

export function kindsOf(plugins: readonly LoadedPlugin[]): ReadonlyMap<string, HookKind> {
  return new Map(
    plugins.toReversed().flatMap(({ kinds }) => kinds.map((kind) => [kind.name, kind] as const)),
  );
}
