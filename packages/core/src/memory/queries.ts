import type { DeliveryQuery, DeliveryRow, EventQuery, GateQuery, GateRow } from "../store-query.ts";
import type { DeliveryShelf } from "./delivery-shelf.ts";
import type { DeliveryEntry, EventEntry, GateKey } from "./entries.ts";
import type { EventShelf } from "./event-shelf.ts";

const defaultLimit = 100;

export function findEvents(events: EventShelf, query: EventQuery): EventEntry[] {
  const { id, source, type, pipeline, since, until, oldestFirst = false, after } = query;
  const pool = id === undefined ? events.all() : events.withId(id).sort((a, b) => a.seq - b.seq);
  if (!oldestFirst) pool.reverse();
  return takeWhere(pool, query.limit, ({ seq, stored, acceptedAt }) => {
    if (after !== undefined && (oldestFirst ? seq <= after : seq >= after)) return false;
    return (
      (source === undefined || stored.source === source) &&
      (type === undefined || stored.type === type) &&
      (pipeline === undefined || stored.pipeline === pipeline) &&
      (since === undefined || acceptedAt >= since) &&
      (until === undefined || acceptedAt < until)
    );
  });
}

export function findDeliveries(
  { deliveries, events }: { deliveries: DeliveryShelf; events: EventShelf },
  query: DeliveryQuery,
): DeliveryEntry[] {
  const { ids, eventId, hook, states, since, until, oldestFirst = false, after } = query;
  const pool = poolOf({ deliveries, events }, query);
  if (!oldestFirst) pool.reverse();
  return takeWhere(pool, query.limit, (entry) => {
    if (after !== undefined && (oldestFirst ? entry.id <= after : entry.id >= after)) return false;
    return (
      (ids === undefined || eventId === undefined || ids.includes(entry.id)) &&
      (hook === undefined || entry.hook.name === hook) &&
      (states === undefined || states.includes(entry.state)) &&
      (since === undefined || entry.event.acceptedAt >= since) &&
      (until === undefined || entry.event.acceptedAt < until)
    );
  });
}

/** Deliveries that may be meant, in the order of their ids. */
function poolOf(
  { deliveries, events }: { deliveries: DeliveryShelf; events: EventShelf },
  { ids, eventId }: DeliveryQuery,
): DeliveryEntry[] {
  if (ids === undefined && eventId === undefined) return [...deliveries.all.values()];
  const named =
    eventId === undefined
      ? (ids ?? []).flatMap((id) => deliveries.all.get(id) ?? [])
      : events.withId(eventId).flatMap((event) => event.deliveries ?? []);
  return [...new Set(named)].sort((a, b) => a.id - b.id);
}

export function findGates(
  { hooks }: DeliveryShelf,
  { hook, key, timersOnly = false, limit = defaultLimit }: GateQuery,
): GateRow[] {
  const shelves = [...hooks.values()].filter(({ name }) => hook === undefined || name === hook);
  const found = shelves.flatMap(({ gates }) => {
    const known = key === undefined ? undefined : gates.get(key);
    if (key !== undefined) return known === undefined ? [] : [known];
    return [...gates.values()];
  });
  return found
    .filter(({ wakeAt }) => !timersOnly || wakeAt !== undefined)
    .sort((a, b) => (a.wakeAt ?? Infinity) - (b.wakeAt ?? Infinity) || 0)
    .slice(0, limit)
    .map(toGateRow);
}

export function toDeliveryRow(entry: DeliveryEntry): DeliveryRow {
  const { gated, event } = entry;
  const row = {
    id: entry.id,
    hook: entry.hook.name,
    state: entry.state,
    eventId: event.stored.id,
    eventSource: event.stored.source,
    eventType: event.stored.type,
    acceptedAt: event.acceptedAt,
    attempts: entry.attempts,
    dueAt: entry.dueAt,
    settledAt: entry.settledAt,
    reason: entry.reason,
    orderKey: entry.orderKey,
  };
  if (gated === undefined) return row;
  const { key, events, release } = gated;
  return { ...row, gate: { key, count: events.size, release } };
}

function toGateRow({ hook, key, value, wakeAt, keep, gathering }: GateKey): GateRow {
  return {
    hook: hook.name,
    key,
    value,
    wakeAt,
    keep: keep?.seq,
    gathered: gathering?.gated?.events.size ?? 0,
    delivery: gathering?.id,
  };
}

function takeWhere<Item>(
  items: readonly Item[],
  limit: number = defaultLimit,
  isWanted: (item: Item) => boolean,
): Item[] {
  const taken: Item[] = [];
  for (const item of items) {
    if (taken.length >= limit) break;
    if (isWanted(item)) taken.push(item);
  }
  return taken;
}
