import { HookError, messageOf } from "./errors.ts";
import type { PipehooksEvent } from "./event.ts";
import type { Logger } from "./logger.ts";
import type { Acceptance, Accepted, Store, StoredEvent } from "./store.ts";

/** An event on its way into the store, with its object at hand. */
export interface Arrival {
  readonly event: PipehooksEvent;
  readonly acceptance: Acceptance;
}

/** Brings events into the store: all emits of one turn go together. */
export interface Intake {
  add(arrival: Arrival): Promise<Accepted>;
  /** Resolves when everything added so far is stored or refused. */
  flushed(): Promise<void>;
}

interface Waiting extends Arrival {
  readonly resolve: (accepted: Accepted) => void;
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
    const batch = waiting;
    waiting = [];
    const written = store
      .accept(batch.map(({ acceptance }) => acceptance))
      .then((results) => settle(batch, results))
      .catch((error: unknown) => refuse(batch, error));
    writing.add(written);
    void written.then(() => writing.delete(written));
  };

  const settle = (batch: readonly Waiting[], results: readonly Accepted[]): void => {
    for (const [index, arrival] of batch.entries()) {
      const result = results[index];
      if (result === undefined) {
        arrival.reject(new HookError("STORE_FAILED", "The store did not answer for an event."));
        continue;
      }
      if (!result.duplicate) options.accepted(arrival, result);
      arrival.resolve(result);
    }
    options.stored(batch);
  };

  const refuse = (batch: readonly Waiting[], error: unknown): void => {
    logger.error(`${batch.length} event(s) were not accepted: ${messageOf(error)}`);
    for (const { reject } of batch) reject(error);
  };

  return {
    add({ event, acceptance }) {
      const { promise, resolve, reject } = Promise.withResolvers<Accepted>();
      waiting.push({ event, acceptance, resolve, reject });
      if (waiting.length === 1) queueMicrotask(write);
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
