import type { EventContext, Stamped } from "./create-event.ts";
import type { PipehooksEvent } from "./event.ts";
import type { Places } from "./router.ts";
import type { Acceptance, GateEntry, NewDelivery, StoredEvent } from "./store.ts";

/** An event on its way into the store, with its object at hand. */
export interface Arrival {
  readonly event: PipehooksEvent;
  readonly acceptance: Acceptance;
  /** Where it was emitted. */
  readonly context?: EventContext | undefined;
}

// Classes, not literals: see the decisions in docs/architecture.md.

/** An event that was just emitted. */
export class NewArrival implements Arrival {
  readonly event: PipehooksEvent;
  readonly acceptance: Acceptance;
  readonly context: EventContext | undefined;

  constructor(event: PipehooksEvent, acceptance: Acceptance, context: EventContext | undefined) {
    this.event = event;
    this.acceptance = acceptance;
    this.context = context;
  }
}

/** What is to be stored of it. */
export class NewAcceptance implements Acceptance {
  readonly event: StoredEvent;
  readonly deliveries: readonly NewDelivery[];
  readonly gates: readonly GateEntry[] | undefined;
  readonly at: number;

  constructor(event: StoredEvent, { deliveries, gates }: Places, at: number) {
    this.event = event;
    this.deliveries = deliveries;
    this.gates = gates;
    this.at = at;
  }
}

/** Whether any hook takes it, be it through a gate. */
export function reachesHooks({ deliveries, gates }: Acceptance): boolean {
  return deliveries.length > 0 || gates !== undefined;
}

/** What stores keep of an event; the JSON text is made when a store asks for it. */
export class EventForStore implements StoredEvent {
  readonly source: string;
  readonly id: string;
  readonly type: string;
  readonly time: number;
  readonly pipeline: string | undefined;
  readonly idIsNew: boolean;
  readonly #event: PipehooksEvent;
  #body: string | undefined;

  constructor({ event, json }: Stamped, time: number, idIsNew: boolean) {
    this.source = event.source;
    this.id = event.id;
    this.type = event.type;
    this.time = time;
    this.pipeline = event.pipeline;
    this.idIsNew = idIsNew;
    this.#event = event;
    this.#body = json;
  }

  get body(): string {
    this.#body ??= JSON.stringify(this.#event);
    return this.#body;
  }
}
