import { type Arrival, NewArrival, reachesHooks } from "./arrival.ts";
import { toDeliveryId } from "./delivery-id.ts";
import { HookError, messageOf } from "./errors.ts";
import type { PipehooksEvent } from "./event.ts";
import type { Offer } from "./hand-over.ts";
import type { Logger } from "./logger.ts";
import type { Accepted, DeliveryState, NewDelivery, Store } from "./store.ts";
import { UnderWay } from "./under-way.ts";

export interface EmitResult<Event extends PipehooksEvent = PipehooksEvent> {
  /** As stamped and frozen. */
  readonly event: Event;
  /** The same id from the same source was accepted before; nothing new was stored. */
  readonly duplicate: boolean;
  /** The hooks it reached, each with its delivery; of a duplicate, those of the first time. */
  readonly deliveries: readonly ReachedHook[];
}

/** A hook that an event reached. */
export interface ReachedHook {
  readonly hook: string;
  /** Id of the delivery, such as `dlv_42`; several events share one that a gate gathers. */
  readonly id: string;
  /** What the hook's gate did with it; absent without a gate. */
  readonly state?: DeliveryState | undefined;
}

/** Brings events into the store: all emits of one turn go together. */
export interface Intake {
  add(arrival: Arrival): Promise<EmitResult>;
  /** Resolves when everything added so far is stored or refused. */
  flushed(): Promise<void>;
}

/** A burst goes in several batches, so that the store is at work on one while the next is made. */
const largestBatch = 50;

/** An event whose emit waits. */
class Waiting extends NewArrival {
  readonly promise: Promise<EmitResult>;
  readonly resolve: (result: EmitResult) => void;
  readonly reject: (error: unknown) => void;

  constructor({ event, acceptance, context }: Arrival) {
    super(event, acceptance, context);
    const { promise, resolve, reject } = Promise.withResolvers<EmitResult>();
    this.promise = promise;
    this.resolve = resolve;
    this.reject = reject;
  }
}

interface Duplicate {
  readonly arrival: Waiting;
  readonly accepted: Accepted;
}

export function createIntake(options: {
  readonly store: Store;
  readonly logger: Logger;
  /** What of a batch this process wants to deliver itself. */
  readonly offer: (batch: readonly Arrival[]) => Offer | undefined;
  /** Called for each event that was stored (not for duplicates), before its emit resolves. */
  readonly accepted: (arrival: Arrival, accepted: Accepted) => void;
  /** Called once for each batch, after `accepted`. */
  readonly stored: (arrivals: readonly Arrival[], results: readonly Accepted[]) => void;
}): Intake {
  const { store, logger } = options;
  let waiting: Waiting[] = [];
  const underWay = new UnderWay();

  /** One async function with one wait: each promise more would be felt where emits come one by one. */
  const write = async (): Promise<void> => {
    if (waiting.length === 0) return;
    const batch = waiting;
    waiting = [];
    underWay.begin();
    let offer: Offer | undefined;
    try {
      offer = options.offer(batch);
      const acceptances = batch.map(({ acceptance }) => acceptance);
      const results = await store.accept(acceptances, offer?.lease);
      offer?.end(results);
      offer = undefined;
      const duplicates = settle(batch, results);
      options.stored(batch, results);
      for (const duplicate of duplicates) await settleDuplicate(duplicate);
    } catch (error) {
      offer?.end(undefined);
      refuse(batch, error);
    }
    underWay.end();
  };

  /** Answers who waits, but for duplicates, which are answered. */
  const settle = (batch: readonly Waiting[], results: readonly Accepted[]): Duplicate[] => {
    const duplicates: Duplicate[] = [];
    for (let index = 0; index < batch.length; index += 1) {
      const arrival = batch[index] as Waiting;
      const result = results[index];
      if (result === undefined) {
        reject(arrival, new HookError("STORE_FAILED", "The store did not answer for an event."));
      } else if (result.duplicate) {
        duplicates.push({ arrival, accepted: result });
      } else {
        options.accepted(arrival, result);
        arrival.resolve(toResult(arrival, result));
      }
    }
    return duplicates;
  };

  /** The hooks it reaches now need not be those of the first time. */
  const settleDuplicate = async ({ arrival, accepted }: Duplicate): Promise<void> => {
    const ids = accepted.deliveries;
    try {
      const rows = ids.length === 0 ? [] : await store.deliveries({ ids, limit: ids.length });
      const deliveries = rows
        .toSorted((a, b) => a.id - b.id)
        .map(({ hook, id }) => ({ hook, id: toDeliveryId(id) }));
      arrival.resolve({ event: arrival.event, duplicate: true, deliveries });
    } catch (error) {
      reject(arrival, error);
    }
  };

  const refuse = (batch: readonly Waiting[], error: unknown): void => {
    logger.error(`${batch.length} event(s) were not accepted: ${messageOf(error)}`);
    for (const arrival of batch) reject(arrival, error);
  };

  return {
    add(arrival) {
      const it = new Waiting(arrival);
      waiting.push(it);
      if (waiting.length === 1) queueMicrotask(write);
      else if (waiting.length >= largestBatch) void write();
      return it.promise;
    },
    async flushed() {
      do {
        await Promise.resolve();
        await underWay.ended();
      } while (waiting.length > 0 || underWay.count > 0);
    },
  };
}

/** Most events of a busy pipeline reach no hook. */
const nobody: readonly ReachedHook[] = Object.freeze([]);

function toResult({ event, acceptance }: Arrival, accepted: Accepted): EmitResult {
  if (!reachesHooks(acceptance)) return resultOf(event, nobody);
  const deliveries: ReachedHook[] = [];
  for (let index = 0; index < acceptance.deliveries.length; index += 1) {
    const { hook } = acceptance.deliveries[index] as NewDelivery;
    const id = accepted.deliveries[index];
    if (id !== undefined) deliveries.push({ hook, id: toDeliveryId(id) });
  }
  for (const [index, { hook }] of acceptance.gates?.entries() ?? []) {
    const place = accepted.gates?.[index];
    if (place === undefined) continue;
    deliveries.push({ hook, id: toDeliveryId(place.delivery), state: place.state });
  }
  return resultOf(event, deliveries);
}

/** Empty at first, for a literal with fields may be kept too long: see docs/architecture.md. */
function resultOf(event: PipehooksEvent, deliveries: readonly ReachedHook[]): EmitResult {
  const result: { -readonly [Name in keyof EmitResult]?: EmitResult[Name] } = {};
  result.event = event;
  result.duplicate = false;
  result.deliveries = deliveries;
  return result as EmitResult;
}

function reject({ promise, reject }: Waiting, error: unknown): void {
  void quiet(promise);
  reject(error);
}

/** A pipeline that does not await an emit must not die of it; who awaits still gets the rejection. */
export function quiet<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => {});
  return promise;
}
