import { idempotencyKeyOf, toDeliveryId } from "./delivery-id.ts";
import type { PipehooksEvent } from "./event.ts";
import { commonKey } from "./gates/gate.ts";
import type { Delivery } from "./hook.ts";
import { deepFreeze } from "./json.ts";
import type { Held, Lane } from "./lane.ts";

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
  return {
    id: toDeliveryId(claimed.id),
    hook: lane.hook,
    event,
    events,
    eventTexts: claimed.events,
    ...gatedFields(claimed, events),
    attempt: claimed.attempt,
    idempotencyKey: idempotencyKeyOf(events[0] ?? event, lane.hook, claimed.gate),
    since: claimed.since,
    state: claimed.state,
    signal,
    logger: lane.logger,
    emit,
  };
}

/** What a hook is told of its gate. */
function gatedFields(
  { gate }: Held,
  events: readonly PipehooksEvent[],
): Pick<Delivery, "count" | "key" | "gate" | "alert"> {
  if (gate === undefined) return { count: events.length, key: null };
  const { alert, tag: _tag, ...release } = gate.release;
  return {
    count: gate.count,
    key: gate.key === commonKey ? null : gate.key,
    gate: { ...release, restIds: gate.restIds },
    ...(alert !== undefined && { alert }),
  };
}

function parseEvents(bodies: readonly string[]): readonly PipehooksEvent[] | undefined {
  try {
    return bodies.map((body) => deepFreeze(JSON.parse(body) as PipehooksEvent));
  } catch {
    return undefined;
  }
}
