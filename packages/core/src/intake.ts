import type { EventContext } from "./create-event.ts";
import { toDeliveryId } from "./delivery-id.ts";
import { HookError, messageOf } from "./errors.ts";
import type { PipehooksEvent } from "./event.ts";
import type { Logger } from "./logger.ts";
import type { Acceptance, Accepted, Store, StoredEvent } from "./store.ts";

/** An event on its way into the store, with its object at hand. */
export interface Arrival {
  readonly event: PipehooksEvent;
  readonly acceptance: Acceptance;
  /** Where it was emitted. */
  readonly context?: EventContext | undefined;
}

export interface EmitResult {
  /** As stamped and frozen. */
  readonly event: PipehooksEvent;
  /** The same id from the same source was accepted before; nothing new was stored. */
  readonly duplicate: boolean;
  /** The hooks it reached, each with its delivery; of a duplicate, those of the first time. */
  readonly deliveries: readonly { readonly hook: string; readonly id: string }[];
}

/** Brings events into the store: all emits of one turn go together. */
export interface Intake {
  add(arrival: Arrival): Promise<EmitResult>;
  /** Resolves when everything added so far is stored or refused. */
  flushed(): Promise<void>;
}

/** A burst goes in several batches, so that the store is at work on one while the next is made. */
const largestBatch = 50;

interface Waiting extends Arrival {
  readonly promise: Promise<EmitResult>;
  readonly resolve: (result: EmitResult) => void;
  readonly reject: (error: unknown) => void;
}

export function createIntake(options: {
  readonly store: Store;
  readonly logger: Logger;
  /** Called for each event that was stored (not for duplicates), before its emit resolves. */
  readonly accepted: (arrival: Arrival, accepted: Accepted) => void;
  /** Called once for each batch, after `accepted`. */
  readonly stored: (arrivals: readonly Arrival[]) => void;
}): Intake {
  const { store, logger } = options;
  let waiting: Waiting[] = [];
  const writing = new Set<Promise<void>>();

  const write = (): void => {
    if (waiting.length === 0) return;
    const batch = waiting;
    waiting = [];
    const written = store
      .accept(batch.map(({ acceptance }) => acceptance))
      .then((results) => settle(batch, results))
      .catch((error: unknown) => refuse(batch, error));
    writing.add(written);
    void written.then(() => writing.delete(written));
  };

  const settle = async (batch: readonly Waiting[], results: readonly Accepted[]): Promise<void> => {
    const duplicates: Waiting[] = [];
    for (const [index, arrival] of batch.entries()) {
      const result = results[index];
      if (result === undefined) {
        reject(arrival, new HookError("STORE_FAILED", "The store did not answer for an event."));
        continue;
      }
      if (result.duplicate) {
        duplicates.push(arrival);
        continue;
      }
      options.accepted(arrival, result);
      arrival.resolve(toResult(arrival, result));
    }
    options.stored(batch);
    for (const arrival of duplicates)
      await settleDuplicate(arrival, results[batch.indexOf(arrival)]);
  };

  /** The hooks it reaches now need not be those of the first time. */
  const settleDuplicate = async (arrival: Waiting, accepted: Accepted | undefined) => {
    const ids = accepted?.deliveries ?? [];
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
    add({ event, acceptance, context }) {
      const { promise, resolve, reject } = Promise.withResolvers<EmitResult>();
      waiting.push({ event, acceptance, context, promise, resolve, reject });
      if (waiting.length === 1) queueMicrotask(write);
      else if (waiting.length >= largestBatch) write();
      return promise;
    },
    async flushed() {
      do {
        await Promise.resolve();
        await Promise.all(writing);
      } while (waiting.length > 0 || writing.size > 0);
    },
  };
}

function toResult({ event, acceptance }: Arrival, accepted: Accepted): EmitResult {
  const deliveries: { hook: string; id: string }[] = [];
  for (const [index, { hook }] of acceptance.deliveries.entries()) {
    const id = accepted.deliveries[index];
    if (id !== undefined) deliveries.push({ hook, id: toDeliveryId(id) });
  }
  return { event, duplicate: false, deliveries };
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

/** What stores keep of an event; the JSON text is made when a store asks for it. */
export class EventForStore implements StoredEvent {
  readonly source: string;
  readonly id: string;
  readonly type: string;
  readonly time: number;
  readonly pipeline: string | undefined;
  readonly #event: PipehooksEvent;
  #body: string | undefined;

  constructor(event: PipehooksEvent, time: number) {
    this.source = event.source;
    this.id = event.id;
    this.type = event.type;
    this.time = time;
    this.pipeline = event.pipeline;
    this.#event = event;
  }

  get body(): string {
    this.#body ??= JSON.stringify(this.#event);
    return this.#body;
  }
}
