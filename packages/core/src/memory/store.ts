import { HookError } from "../errors.ts";
import type { Memory, PurgeRequest, Settlement, Store } from "../store.ts";
import type { EventRow } from "../store-query.ts";
import { createAccept, createRoute } from "./accept.ts";
import { createClaim } from "./claim.ts";
import { createDeliveryShelf, type DeliveryShelf } from "./delivery-shelf.ts";
import { deliveryStates, type EventEntry, settledStates } from "./entries.ts";
import { createEventShelf } from "./event-shelf.ts";
import { createGates } from "./gates.ts";
import { findDeliveries, findEvents, findGates, toDeliveryRow } from "./queries.ts";

export interface MemoryStoreOptions {
  /** Events that are unsettled or have dead letters, at most; then `accept` is refused. @default 100_000 */
  readonly maxEvents?: number | undefined;
  /**
   * Events kept after all their deliveries ended well, to be asked for; an id is known as a duplicate as long.
   * @default 256
   */
  readonly keepSettled?: number | undefined;
}

/**
 * A store that forgets at the end of the process: for tests, and for pipelines that prefer that to a file.
 * Bounded: when it is full of unsettled and dead deliveries, `accept` is refused with STORE_FULL.
 */
export function createMemoryStore({
  maxEvents = 100_000,
  keepSettled = 256,
}: MemoryStoreOptions = {}): Store {
  const events = createEventShelf({
    maxEvents,
    keepSettled,
    removed: (event, entry) => deliveries.removed(entry, event),
  });
  const deliveries: DeliveryShelf = createDeliveryShelf(events);
  const gates = createGates(events, deliveries);
  const memories = new Map<string, Memory>();
  let closed = false;

  const blockOf = (keys: readonly string[]): number => {
    let until = 0;
    for (const key of keys) until = Math.max(until, memories.get(key)?.blockedUntil ?? 0);
    return until;
  };
  const shelves = { events, deliveries, gates };
  const acceptOne = createAccept(shelves, blockOf);
  const routeOne = createRoute(shelves);
  const claimLane = createClaim(shelves, blockOf);

  const settleOne = (settlement: Settlement): boolean => {
    const entry = deliveries.all.get(settlement.id);
    if (entry?.state !== "running" || entry.owner !== settlement.owner) return false;
    const { to, now, reason, attempts, attempt } = settlement;
    entry.attempts = attempts;
    if (attempt !== undefined) {
      entry.log ??= [];
      entry.log.push({ ...attempt, deliveryId: entry.id });
    }
    if (to === "delivered" || to === "skipped" || to === "dead") {
      deliveries.end(entry, to, now, reason);
      entry.data = settlement.state;
    } else {
      entry.owner = undefined;
      // What was given back untried keeps what was last said of it.
      if (attempt !== undefined || reason !== undefined) entry.reason = reason;
      entry.data = settlement.state ?? entry.data;
      entry.losses = settlement.losses ?? 0;
      deliveries.move(entry, to, settlement.dueAt ?? now);
    }
    // Also beyond the bound: a full store that refused outcomes would never be less full.
    for (const acceptance of settlement.emitted ?? []) acceptOne(acceptance, undefined);
    events.forget();
    return true;
  };

  const open = (): void => {
    if (closed) throw new HookError("CLOSED", "The memory store is closed.");
  };

  return {
    description: "memory",
    durable: false,
    async accept(batch, lease) {
      open();
      events.makeRoom(batch.length);
      return batch.map((acceptance) => acceptOne(acceptance, lease));
    },
    async claim(request) {
      open();
      return request.lanes.map((lane) => claimLane(lane, request));
    },
    async settle(settlements) {
      open();
      return settlements.map(settleOne);
    },
    async extend({ owner, ids, until }) {
      open();
      return ids.filter((id) => {
        const entry = deliveries.all.get(id);
        if (entry?.state !== "running" || entry.owner !== owner) return false;
        deliveries.move(entry, "running", until);
        return true;
      });
    },
    async update(key, reduce) {
      open();
      const { value, blockedUntil } = reduce(memories.get(key)?.value);
      const memory: Memory = { key, value, blockedUntil };
      if (value === undefined) memories.delete(key);
      else memories.set(key, memory);
      return memory;
    },
    async read(keys) {
      open();
      return keys.flatMap((key) => memories.get(key) ?? []);
    },
    async lanes() {
      open();
      return [...deliveries.hooks.values()].flatMap(({ name, due, timers, gates }) => {
        const dueAt = Math.min(due.peek()?.dueAt ?? Infinity, timers.peek()?.wakeAt ?? Infinity);
        const gated = gates.size > 0;
        if (dueAt === Infinity && !gated) return [];
        return [{ hook: name, dueAt: dueAt === Infinity ? undefined : dueAt, gated }];
      });
    },
    watch: () => ({ [Symbol.dispose]() {} }),
    async events(query) {
      open();
      return findEvents(events, query).map(toEventRow);
    },
    async deliveries(query) {
      open();
      return findDeliveries(shelves, query).map(toDeliveryRow);
    },
    async attempts(deliveryId) {
      open();
      return [...(deliveries.all.get(deliveryId)?.log ?? [])];
    },
    async counts() {
      open();
      return [...deliveries.hooks.values()].flatMap(({ name, counts }) =>
        deliveryStates.flatMap((state) =>
          counts[state] === 0 ? [] : [{ hook: name, state, count: counts[state] }],
        ),
      );
    },
    async gates(query) {
      open();
      return findGates(deliveries, query);
    },
    async unrouted(limit) {
      open();
      return [...gates.unrouted.values()].slice(0, limit).map(toEventRow);
    },
    async route(routed) {
      open();
      return routed.map(routeOne);
    },
    async replay(query, now) {
      open();
      const found = findDeliveries(shelves, query);
      const again = found.filter(({ state }) => settledStates.has(state));
      // Of an order key the earliest has the turn first.
      for (const entry of again.toSorted((a, b) => a.id - b.id)) deliveries.replay(entry, now);
      return again.map(({ id }) => id);
    },
    async cancel(query, now) {
      open();
      const found = findDeliveries(shelves, query);
      const ended = found.filter(({ state }) => !settledStates.has(state));
      for (const entry of ended) {
        if (entry.state === "gathering") gates.forget(entry);
        deliveries.end(entry, "cancelled", now, "cancelled");
      }
      return ended.map(({ id }) => id);
    },
    async purge(request) {
      open();
      const old = findOld(events.all(), events.lastSeq, request);
      for (const event of old) events.remove(event);
      return old.length;
    },
    async [Symbol.asyncDispose]() {
      closed = true;
    },
  };
}

function findOld(
  all: readonly EventEntry[],
  lastSeq: number,
  { before, deadBefore, keep = Number.POSITIVE_INFINITY, limit }: PurgeRequest,
): readonly EventEntry[] {
  const isOld = ({ dead, acceptedAt, seq }: EventEntry): boolean =>
    dead > 0 ? acceptedAt < deadBefore : acceptedAt < before || seq <= lastSeq - keep;
  return all.filter((event) => event.open === 0 && isOld(event)).slice(0, limit);
}

function toEventRow({ seq, acceptedAt, stored }: EventEntry): EventRow {
  return { seq, acceptedAt, body: stored.body };
}
