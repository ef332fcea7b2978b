import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { BuiltInEventTypes, EventTypes } from "./catalogue.ts";
import type { HookCheck } from "./check-hook.ts";
import type { Clock } from "./clock.ts";
import type { EventFields, PipehooksEvent } from "./event.ts";
import type {
  CarriedMetadata,
  IsOpen,
  KeptMetadata,
  NamedKeys,
  OpenMetadata,
} from "./event-metadata.ts";
import type { ExplainOptions, ExplainTarget } from "./explain/explain.ts";
import type { Explanation } from "./explain/explanation.ts";
import type { Health } from "./health.ts";
import type { CheckOptions } from "./hook.ts";
import type { HookConfig, PreparedHook } from "./hook-config.ts";
import type { PipelineRunOptions, PipelineScope } from "./instrument.ts";
import type { EmitResult } from "./intake.ts";
import type { JsonObject } from "./json.ts";
import type { DestinationInput } from "./lanes.ts";
import type { Listener } from "./listeners.ts";
import type { Logger } from "./logger.ts";
import type { PolicyInput } from "./policy.ts";
import type { RetentionInput } from "./retention.ts";
import type { Store } from "./store.ts";

export interface PipehooksOptions<Types extends EventTypes = EventTypes> {
  readonly hooks?: readonly HookConfig[] | undefined;
  /** Own event types: `defineEvents({ … })`. */
  readonly events?: Types | undefined;
  /** Takes types that are neither built in nor defined, with any metadata. @default false */
  readonly allowUnknownTypes?: boolean | undefined;
  /** Largest event as JSON. @default 262_144 (256 KiB) */
  readonly maxEventBytes?: number | undefined;
  /** Taken over: closing the bus disposes of it. @default a memory store */
  readonly store?: Store | undefined;
  /** CloudEvents `source` of what is emitted here. @default "/pipehooks" */
  readonly source?: string | undefined;
  readonly destinations?: Readonly<Record<string, DestinationInput>> | undefined;
  /** Policies of every hook that says nothing else. */
  readonly defaults?: PolicyInput | undefined;
  /** Whether this process delivers; `false` only accepts, and another process delivers. @default true */
  readonly deliver?: boolean | undefined;
  readonly retention?: RetentionInput | undefined;
  /** Texts that must not appear in logs, errors or the store. */
  readonly secrets?: readonly string[] | undefined;
  /** @default warnings and errors to stderr */
  readonly logger?: Logger | undefined;
  /** How long a delivery is leased; another process takes over when it runs out. @default 30_000 */
  readonly leaseMs?: number | undefined;
  readonly clock?: Clock | undefined;
  /** A number in [0, 1). @default Math.random */
  readonly random?: (() => number) | undefined;
}

type AllTypes<Types extends EventTypes> = BuiltInEventTypes & Types;
type MetadataOf<Schema> = Schema extends StandardSchemaV1<infer Input, unknown> ? Input : never;
/** Fields may be left out where the metadata's schema asks for nothing. */
type EmitArguments<Schema, Given> =
  Record<never, never> extends MetadataOf<Schema>
    ? [fields?: EventFields<Takes<MetadataOf<Schema>, Given>>]
    : [
        fields: EventFields<Takes<MetadataOf<Schema>, Given>> & {
          readonly metadata: Takes<MetadataOf<Schema>, Given>;
        },
      ];
/** Where a schema takes any key, what is given has to be what an event can carry. */
type Takes<Metadata, Given> =
  IsOpen<Metadata> extends true
    ? NamedKeys<Metadata> & CarriedMetadata<Given, NamedKeys<Metadata>>
    : Metadata;

/** An event of a type: known types have their metadata's, of all others it is open. */
export type EventOf<
  Types extends EventTypes,
  Type extends string,
> = Type extends keyof BuiltInEventTypes
  ? PipehooksEvent<Type, KeptMetadata<BuiltInEventTypes[Type]>>
  : string extends keyof Types
    ? PipehooksEvent
    : Type extends keyof Types
      ? PipehooksEvent<Type, KeptMetadata<Types[Type]>>
      : PipehooksEvent;

export interface Pipehooks<Types extends EventTypes = EventTypes> extends AsyncDisposable {
  /**
   * Accepts an event: routes it and resolves when the store has it. Never runs a hook. A rejection that nobody
   * awaits is logged and does not end the process.
   * @throws HookError EVENT_INVALID, EVENT_TOO_LARGE, EVENT_TYPE_UNKNOWN, EVENT_LOOP, STORE_*, CLOSED
   */
  emit<Type extends keyof AllTypes<Types> & string, Metadata extends object = OpenMetadata>(
    type: Type,
    ...fields: EmitArguments<AllTypes<Types>[Type], Metadata>
  ): Promise<EmitResult<EventOf<Types, Type>>>;
  /** The same with the type unknown until run time. */
  emitUnknown<Metadata extends object = JsonObject>(
    type: string,
    fields?: EventFields<CarriedMetadata<Metadata>>,
  ): Promise<EmitResult>;
  /**
   * Calls `listener` in this process for each accepted event whose type fits the glob. What it throws is logged.
   * Pipehooks' own events come under `pipehooks.*`.
   * @throws HookError CONFIG_INVALID for a bad glob, and for what is no function
   */
  on<Pattern extends string>(
    pattern: Pattern | (keyof AllTypes<Types> & string),
    listener: Listener<EventOf<Types, Pattern>>,
  ): Disposable;
  /**
   * Runs pipeline code between `pipeline.start` and `pipeline.end` or `pipeline.error`; the code's own error is
   * rethrown untouched. A plain `emit` inside inherits pipeline, flowgroup, action, runId and traceparent.
   */
  pipeline<Result, Metadata extends object = JsonObject>(
    name: string,
    run: (pipeline: PipelineScope) => Result | Promise<Result>,
    options?: PipelineRunOptions<Metadata>,
  ): Promise<Result>;
  /**
   * Waits until nothing runs and nothing is due within `horizonMs` (retries included).
   * Answers false when `timeoutMs` was over first. A bus that does not deliver waits for its emits only.
   * @throws HookError CONFIG_INVALID for a time that is no number
   */
  drain(options?: {
    /** @default 30_000 */
    readonly timeoutMs?: number | undefined;
    /** @default 0: only what is due now */
    readonly horizonMs?: number | undefined;
    readonly signal?: AbortSignal | undefined;
  }): Promise<boolean>;
  /**
   * Takes no more events, delivers what is due until `timeoutMs` is over, stops the rest (it stays in a durable
   * store), and frees everything. May be called twice.
   * @throws HookError CONFIG_INVALID for a time that is no number; then nothing is closed
   */
  close(options?: {
    /** @default 10_000 */
    readonly timeoutMs?: number | undefined;
    /** Whether what is due is delivered first; `false` only waits for attempts that run already. @default true */
    readonly deliverDue?: boolean | undefined;
  }): Promise<void>;
  /**
   * Says for every hook why it fires or not: a stored event by its id, or one as it would be emitted. Writes nothing.
   * Answers `undefined` when the store has no event of this id.
   * @throws HookError CONFIG_INVALID for an unknown hook; EVENT_INVALID, EVENT_TYPE_UNKNOWN as `emit` does
   */
  explain(target: ExplainTarget, options?: ExplainOptions): Promise<Explanation | undefined>;
  health(): Promise<Health>;
  /**
   * Asks hooks whether they could deliver, all of them or those named; sends nothing.
   * @throws HookError CONFIG_INVALID for an unknown name, or a time that is no number
   */
  check(
    hooks?: readonly string[],
    timeoutMs?: number,
    options?: CheckOptions,
  ): Promise<readonly HookCheck[]>;
  /**
   * Switches a disabled hook on again.
   * @throws HookError CONFIG_INVALID for an unknown name
   */
  enable(hook: string): Promise<void>;
  /** Switches a hook off for all processes; what is accepted for it waits. */
  disable(hook: string, because?: string): Promise<void>;
  /** Tells the dispatcher that the store has changed by other means than emit (a replay). */
  wake(): void;
  readonly store: Store;
  /** The hooks as configured. */
  readonly hooks: readonly PreparedHook[];
  /** Removes every known secret from a text. */
  readonly redact: (text: string) => string;
}
