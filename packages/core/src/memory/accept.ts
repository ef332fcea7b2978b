import type {
  Acceptance,
  Accepted,
  AcceptLease,
  GateEntry,
  GatePlace,
  NewDelivery,
  Routed,
} from "../store.ts";
import type { DeliveryShelf } from "./delivery-shelf.ts";
import type { EventEntry } from "./entries.ts";
import type { EventShelf } from "./event-shelf.ts";
import type { Gates } from "./gates.ts";

/** Stores one event with its deliveries and brings it to its gates. */
export type Accept = (acceptance: Acceptance, lease: AcceptLease | undefined) => Accepted;

interface Shelves {
  readonly events: EventShelf;
  readonly deliveries: DeliveryShelf;
  readonly gates: Gates;
}

/** Of the many events that no hook wants nothing is made anew. */
const nowhere: Accepted = Object.freeze({ duplicate: false, deliveries: Object.freeze([]) });

export function createAccept(
  { events, deliveries, gates }: Shelves,
  blockOf: (keys: readonly string[]) => number,
): Accept {
  const isLeased = (lease: AcceptLease, { hook, dueAt, orderKey }: NewDelivery, at: number) => {
    const lane = lease.lanes.find((other) => other.hook === hook);
    return lane !== undefined && orderKey === undefined && dueAt <= at && blockOf(lane.keys) <= at;
  };

  return ({ event: stored, deliveries: wanted, gates: entries = [], at }, lease) => {
    const known = events.find(stored);
    if (known !== undefined) return { duplicate: true, deliveries: idsOf(known) };
    if (wanted.length === 0 && entries.length === 0) {
      events.addSettled(stored, at);
      return nowhere;
    }
    const event = events.add(stored, at);
    const ids: number[] = [];
    const leased: number[] = [];
    for (const delivery of wanted) {
      const { hook, dueAt, orderKey } = delivery;
      const made = deliveries.add({
        hook: deliveries.hook(hook),
        event,
        orderKey,
        gated: undefined,
        since: at,
      });
      ids.push(made.id);
      if (lease !== undefined && isLeased(lease, delivery, at)) {
        made.attempts = 1;
        made.owner = lease.owner;
        deliveries.move(made, "running", lease.until);
        leased.push(made.id);
      } else {
        deliveries.enter(made, dueAt);
      }
    }
    const passed = entries.length === 0 ? undefined : passGates(gates, event, { entries, at });
    events.letGo(event);
    if (passed === undefined && leased.length === 0) return { duplicate: false, deliveries: ids };
    return {
      duplicate: false,
      deliveries: ids,
      ...(leased.length > 0 && { leased }),
      ...passed,
    };
  };
}

/** Adds what an announced event brings; answers whether it waited for that. */
export function createRoute({ events, deliveries, gates }: Shelves): (routed: Routed) => boolean {
  return ({ seq, deliveries: wanted, gates: entries = [], at }) => {
    const event = gates.unrouted.get(seq);
    if (event === undefined) return false;
    gates.unrouted.delete(seq);
    for (const { hook, dueAt, orderKey } of wanted) {
      const shelf = deliveries.hook(hook);
      const made = deliveries.add({ hook: shelf, event, orderKey, gated: undefined, since: at });
      deliveries.enter(made, dueAt);
    }
    passGates(gates, event, { entries, at });
    events.letGo(event);
    return true;
  };
}

function passGates(
  gates: Gates,
  event: EventEntry,
  { entries, at }: { readonly entries: readonly GateEntry[]; readonly at: number },
): Pick<Accepted, "gates" | "announced"> {
  const places: GatePlace[] = [];
  let anyAnnounced = false;
  for (const entry of entries) {
    const { place, announced } = gates.pass(event, entry, at);
    places.push(place);
    if (announced) anyAnnounced = true;
  }
  return { gates: places, ...(anyAnnounced && { announced: true }) };
}

/** Those that were not made by a gate. */
function idsOf({ deliveries = [] }: EventEntry): number[] {
  return deliveries.filter(({ gated }) => gated === undefined).map(({ id }) => id);
}
