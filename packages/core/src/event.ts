import type { JsonObject } from "./json.ts";

/**
 * Something that happened: an immutable record with the attributes of CloudEvents 1.0
 * (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md) and those of a pipeline.
 */
export interface PipehooksEvent<Type extends string = string, Metadata = JsonObject> {
  /** Unique within `source`; a UUID version 7 (RFC 9562), so ids sort by time, unless the emitter gave one. */
  readonly id: string;
  /** Who emitted: a URI reference such as `/pipelines/prod`. */
  readonly source: string;
  /** Dotted lower-case name, such as `pipeline.end`. */
  readonly type: Type;
  /** When it happened, RFC 3339 in UTC with milliseconds. */
  readonly time: string;
  readonly subject?: string;
  readonly pipeline?: string;
  readonly flowgroup?: string;
  readonly action?: string;
  readonly table?: string;
  readonly runId?: string;
  readonly metadata: Metadata;
  readonly error?: EventError;
  /** `id` of the event whose handling emitted this one. */
  readonly causedBy?: string;
  /** How many events stand before this one in the chain of causes; more than 16 is refused. */
  readonly hops?: number;
  /** W3C Trace Context (https://www.w3.org/TR/trace-context/#traceparent-header). */
  readonly traceparent?: string;
  /** CloudEvents extension attributes that have no field of their own. */
  readonly extensions?: Readonly<Record<string, string | number | boolean>>;
}

/** Names of the fields of an event. */
export const eventFields: readonly string[] = Object.keys({
  id: 1,
  source: 1,
  type: 1,
  time: 1,
  subject: 1,
  pipeline: 1,
  flowgroup: 1,
  action: 1,
  table: 1,
  runId: 1,
  metadata: 1,
  error: 1,
  causedBy: 1,
  hops: 1,
  traceparent: 1,
  extensions: 1,
  // A field that is added later is a type error here.
} satisfies Record<keyof PipehooksEvent, 1>);

export type Severity = "INFO" | "WARNING" | "ERROR" | "CRITICAL";

export interface EventError {
  readonly message: string;
  /** Class of the error, such as `TypeError` or `AnalysisException`. */
  readonly class?: string;
  readonly code?: string;
  /** @default "ERROR" where the instrumentation makes it */
  readonly severity?: Severity;
  readonly stack?: string;
  /** The chain of `cause`, nearest first. */
  readonly causes?: readonly { readonly class?: string; readonly message: string }[];
}

/** An {@link EventError} as an emitter gives it: what is `undefined` is left out. */
export interface EventErrorInput {
  readonly message: string;
  readonly class?: string | undefined;
  readonly code?: string | undefined;
  readonly severity?: Severity | undefined;
  readonly stack?: string | undefined;
  readonly causes?:
    | readonly { readonly class?: string | undefined; readonly message: string }[]
    | undefined;
}

/** What an emitter may say besides the type; everything else is stamped. */
export interface EventFields<Metadata = JsonObject> {
  readonly id?: string | undefined;
  readonly source?: string | undefined;
  /** A `Date` or RFC 3339 text. @default now */
  readonly time?: Date | string | undefined;
  readonly subject?: string | undefined;
  readonly pipeline?: string | undefined;
  readonly flowgroup?: string | undefined;
  readonly action?: string | undefined;
  readonly table?: string | undefined;
  readonly runId?: string | undefined;
  readonly metadata?: Metadata | undefined;
  /** What went wrong; an `Error` is taken apart into class, message, code, stack and causes. */
  readonly error?: EventErrorInput | Error | undefined;
  readonly causedBy?: string | undefined;
  readonly hops?: number | undefined;
  readonly traceparent?: string | undefined;
  readonly extensions?: Readonly<Record<string, string | number | boolean>> | undefined;
}
