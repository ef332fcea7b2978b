import { idempotencyKeyOf, toDeliveryId } from "./delivery-id.ts";
import type { PipehooksEvent } from "./event.ts";
import { commonKey } from "./gates/gate.ts";
import type { Delivery } from "./hook.ts";
import { deepFreeze } from "./json.ts";
import type { Held, Lane } from "./lane.ts";
import type { Logger } from "./logger.ts";
import type { GatedDelivery } from "./store.ts";

// Classes, not literals: V8 allocates literals of which many are alive at a time in the old generation, and what they
// refer to follows them there.

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
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly emit: Delivery["emit"];

  constructor({ claimed, events, event }: Readable, lane: Lane, { signal, emit }: Surroundings) {
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
    this.signal = signal;
    this.logger = lane.logger;
    this.emit = emit;
  }
}

type Surroundings = Pick<Delivery, "signal" | "emit">;

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
