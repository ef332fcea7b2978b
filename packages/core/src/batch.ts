import { HookError } from "./errors.ts";
import type { Delivery, Hook, Outcome } from "./hook.ts";
import type { Logger } from "./logger.ts";

/** How much a receiver takes in one call. */
export interface BatchLimits {
  /** Most records of a call. */
  readonly maxCount: number;
  /** Most bytes of a call: those of its records with their overhead, and the call's own. */
  readonly maxBytes: number;
  /** Bytes that count for each record besides its own, such as a comma. @default 0 */
  readonly recordOverhead?: number | undefined;
  /** Bytes that count for a call besides its records, such as brackets. @default 0 */
  readonly callOverhead?: number | undefined;
  /** Most bytes of one record, without its overhead. @default what a call has room for */
  readonly maxRecordBytes?: number | undefined;
  /** Longest time between the oldest and the newest record of a call, in milliseconds. @default any */
  readonly maxSpanMs?: number | undefined;
  /** How old a record may be, in milliseconds. @default any age */
  readonly maxAgeMs?: number | undefined;
  /** How far in the future a record may lie, in milliseconds. @default any time */
  readonly maxAheadMs?: number | undefined;
  /** How long the first record of a call waits for others, in milliseconds. @default 1000 */
  readonly lingerMs?: number | undefined;
}

/** What one delivery is in a call. */
export interface BatchRecord<Value = unknown> {
  readonly value: Value;
  /** What it counts for, in bytes (UTF-8), without overhead. */
  readonly bytes: number;
  /** When it happened, in milliseconds since the epoch: for span, age, and the order in its call. */
  readonly time?: number | undefined;
}

/** A call with many records. */
export interface BatchCall {
  /** Aborts at the attempt's time-out and when the bus closes. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/** What became of one record. */
export type RecordOutcome = Outcome | HookError | undefined;

/** How a hook sends many deliveries in one call. */
export interface BatchSender<Value = unknown> {
  /**
   * What a delivery is in a call.
   * @throws HookError where this delivery can never be sent, such as TEMPLATE_FIELD_MISSING
   */
  record(delivery: Delivery): BatchRecord<Value>;
  /**
   * Sends records in one call: oldest first where they have times, otherwise in the order of acceptance. Answers what became
   * of each (`undefined` and nothing at all: delivered), or throws for all of them. After an error that is `divisible` the
   * call is repeated in halves.
   */
  send(
    records: readonly BatchRecord<Value>[],
    call: BatchCall,
  ): Promise<readonly RecordOutcome[] | void>;
}

/**
 * A hook that sends many deliveries in one call, and one by itself where it is asked to. Its kind says
 * how much goes into a call ({@link HookDefinition.batch}).
 */
export function createBatchHook<Value>(
  sender: BatchSender<Value>,
  more: Omit<Hook, "deliver" | "batch"> = {},
): Hook {
  return {
    ...more,
    // The records that come back are those that it made itself.
    batch: sender as BatchSender,
    async deliver(delivery) {
      const { signal, logger } = delivery;
      const [outcome] = (await sender.send([sender.record(delivery)], { signal, logger })) ?? [];
      if (outcome instanceof HookError) throw outcome;
      return outcome;
    },
  };
}
