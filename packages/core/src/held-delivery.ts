import { idempotencyKeyOf, toDeliveryId } from "./delivery-id.ts";
import type { PipehooksEvent } from "./event.ts";
import { commonKey } from "./gates/gate.ts";
import type { Delivery } from "./hook.ts";
import { deepFreeze } from "./json.ts";
import type { Held, Lane } from "./lane.ts";
import type { GatedDelivery } from "./store.ts";

/** A held delivery whose events could be read. */
export interface Readable {
  readonly claimed: Held;
  /** At least one. */
  readonly events: readonly PipehooksEvent[];
  /** The last one. */
  readonly event: PipehooksEvent;
}

/** Absent when the stored events cannot be read. */
export function readEvents(claimed: Held): Readable | undefined {
  const events = claimed.parsed ?? parseEvents(claimed.events);
  const event = events?.at(-1);
  return events === undefined || event === undefined ? undefined : { claimed, events, event };
}

/** What a hook is given. */
export function toDelivery(
  { claimed, events, event }: Readable,
  lane: Lane,
  { signal, emit }: Pick<Delivery, "signal" | "emit">,
): Delivery {
  const { gate } = claimed;
  const plain: Delivery = {
    id: toDeliveryId(claimed.id),
    hook: lane.hook,
    event,
    events,
    eventTexts: claimed.events,
    count: gate?.count ?? events.length,
    key: gate === undefined || gate.key === commonKey ? null : gate.key,
    attempt: claimed.attempt,
    idempotencyKey: idempotencyKeyOf(events[0] ?? event, lane.hook, gate),
    since: claimed.since,
    state: claimed.state,
    signal,
    logger: lane.logger,
    emit,
  };
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
