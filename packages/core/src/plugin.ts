import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { EventFields } from "./event.ts";
import type { HookFactory } from "./hook.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import type { Logger } from "./logger.ts";

/** Turns outside facts into events: a poller, an ingress, a schedule. */
export interface Source {
  start(
    emit: (type: string, fields?: EventFields<JsonObject>) => Promise<unknown>,
    signal: AbortSignal,
  ): Promise<void>;
}

/** What a source gets when it is made. */
export interface SourceContext {
  readonly name: string;
  readonly logger: Logger;
  /** Where a poller got to; kept in the store. */
  readonly cursor: {
    read(): Promise<JsonValue | undefined>;
    write(value: JsonValue): Promise<void>;
  };
}

export interface SourceDefinition<Input, Options> {
  readonly name: string;
  readonly options: StandardSchemaV1<Input, Options>;
  readonly needs?: readonly string[];
  readonly create: (options: Options, context: SourceContext) => Source | Promise<Source>;
}

/** A {@link SourceDefinition} whose option types are behind its schema. */
// biome-ignore lint/suspicious/noExplicitAny: options are checked by the definition's own schema before use
export type SourceKind = SourceDefinition<any, any>;

export interface ConfiguredSource {
  readonly kind: SourceKind;
  readonly options: unknown;
}

export interface SourceFactory<Input> {
  (options: Input): ConfiguredSource;
  readonly kind: SourceKind;
}

/** Defines a source kind. No side effect. */
export function defineSource<Input, Options>(
  definition: SourceDefinition<Input, Options>,
): SourceFactory<Input> {
  const kind: SourceKind = Object.freeze({ ...definition });
  const factory = (options: Input): ConfiguredSource => ({ kind, options });
  return Object.assign(factory, { kind });
}

export interface Plugin {
  /** The npm package's name. */
  readonly name: string;
  readonly version: string;
  /** Range of `@pipehooks/core` it works with, in npm's syntax, such as `^0.1.0`. */
  readonly core: string;
  // biome-ignore lint/suspicious/noExplicitAny: each factory types its own options
  readonly hooks?: readonly HookFactory<any>[];
  // biome-ignore lint/suspicious/noExplicitAny: each factory types its own options
  readonly sources?: readonly SourceFactory<any>[];
  /** Event types it brings: type to schema of its metadata. */
  readonly events?: Readonly<Record<string, StandardSchemaV1>>;
}

/** Describes what an npm package (or a local file) brings; its default export. */
export function definePlugin(plugin: Plugin): Plugin {
  return Object.freeze({ ...plugin });
}
