import type { Stop } from "./attempt.ts";
import { idempotencyKeyOf, toDeliveryId } from "./delivery-id.ts";
import type { PipehooksEvent } from "./event.ts";
import { commonKey } from "./gates/gate.ts";
import type { Delivery } from "./hook.ts";
import { deepFreeze } from "./json.ts";
import type { Held, Lane } from "./lane.ts";
import type { Logger } from "./logger.ts";
import type { GatedDelivery } from "./store.ts";

// Classes, not literals: see the decisions in docs/architecture.md.

/** A held delivery whose events could be read. */
export class Readable {
  readonly claimed: Held;
  /** At least one. */
  readonly events: readonly PipehooksEvent[];
  /** The last one. */
  readonly event: PipehooksEvent;

  constructor(claimed: Held, events: readonly PipehooksEvent[], event: PipehooksEvent) {
    this.claimed = claimed;
    this.events = events;
    this.event = event;
  }
}

/** What a hook without a gate is given. */
class PlainDelivery implements Delivery {
  // An own property, so that it is there in a copy (`{ ...delivery, … }`); one descriptor for all, which V8 knows.
  static readonly #signal: PropertyDescriptor & ThisType<PlainDelivery> = {
    get() {
      return this.#stop.signal;
    },
    enumerable: true,
    configurable: true,
  };

  /** Only of the very object that a hook was given: a copy may have another signal. */
  static stopOf(from: object): Stop | undefined {
    return #stop in from ? from.#stop : undefined;
  }

  readonly id: string;
  readonly hook: string;
  readonly event: PipehooksEvent;
  readonly events: readonly PipehooksEvent[];
  readonly eventTexts: readonly string[];
  readonly count: number;
  readonly key: string | null;
  readonly attempt: number;
  readonly idempotencyKey: string;
  readonly since: number;
  readonly state: Delivery["state"];
  declare readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly emit: Delivery["emit"];
  readonly #stop: Stop;

  constructor({ claimed, events, event }: Readable, lane: Lane, { stop, emit }: Surroundings) {
    const { gate } = claimed;
    this.id = toDeliveryId(claimed.id);
    this.hook = lane.hook;
    this.event = event;
    this.events = events;
    this.eventTexts = claimed.events;
    this.count = gate?.count ?? events.length;
    this.key = gate === undefined || gate.key === commonKey ? null : gate.key;
    this.attempt = claimed.attempt;
    this.idempotencyKey = idempotencyKeyOf(events[0] ?? event, lane.hook, gate);
    this.since = claimed.since;
    this.state = claimed.state;
    this.logger = lane.logger;
    this.emit = emit;
    this.#stop = stop;
    Object.defineProperty(this, "signal", PlainDelivery.#signal);
  }
}

interface Surroundings extends Pick<Delivery, "emit"> {
  readonly stop: Stop;
}

/** Absent when the stored events cannot be read. */
export function readEvents(claimed: Held): Readable | undefined {
  const events = claimed.parsed ?? parseEvents(claimed.events);
  const event = events?.at(-1);
  if (events === undefined || event === undefined) return undefined;
  return new Readable(claimed, events, event);
}

/** What a hook is given. */
export function toDelivery(readable: Readable, lane: Lane, surroundings: Surroundings): Delivery {
  const plain = new PlainDelivery(readable, lane, surroundings);
  const { gate } = readable.claimed;
  return gate === undefined ? plain : { ...plain, ...releaseOf(gate) };
}

/**
 * Calls back once when a delivery's signal aborts, at once where it is aborted, and never after the attempt has ended. The
 * same as a listener of `delivery.signal`, for hooks that make thousands of requests a second: a signal that nobody asks for
 * is not made, and it would cost a tenth of a delivery. The listener must not throw.
 */
export function onAbort(
  delivery: Pick<Delivery, "signal">,
  listener: (reason: unknown) => void,
): void {
  const stop = PlainDelivery.stopOf(delivery);
  if (stop !== undefined) {
    stop.onAbort(listener);
    return;
  }
  const { signal } = delivery;
  if (signal.aborted) listener(signal.reason);
  else signal.addEventListener("abort", () => listener(signal.reason), { once: true });
}

/** What a hook is told of its gate. */
function releaseOf({ release, restIds }: GatedDelivery): Pick<Delivery, "gate" | "alert"> {
  const { alert, tag: _tag, ...said } = release;
  return { gate: { ...said, restIds }, ...(alert !== undefined && { alert }) };
}

function parseEvents(bodies: readonly string[]): readonly PipehooksEvent[] | undefined {
  try {
    return bodies.map((body) => deepFreeze(JSON.parse(body) as PipehooksEvent));
  } catch {
    return undefined;
  }
}
