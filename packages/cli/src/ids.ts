import {
  type DeliveryQuery,
  type DeliveryRow,
  type DeliveryState,
  type EventQuery,
  type EventRow,
  eventIdInKey,
  idempotencyKeyOf,
  type Store,
  settledStates,
  toDeliveryId,
  unsettledStates,
} from "@pipehooks/core";
import { iso } from "./time.ts";
import { UsageError } from "./usage-error.ts";

/** The number in `dlv_42`; undefined for what is no delivery's id. */
export function deliveryNumber(id: string): number | undefined {
  const number = Number(/^dlv_(\d{1,15})$/.exec(id)?.[1] ?? Number.NaN);
  return Number.isSafeInteger(number) ? number : undefined;
}

/** What somebody typed, and the deliveries it stands for. */
export interface Named {
  readonly id: string;
  /** Whether there is an event or a delivery of that id. */
  readonly known: boolean;
  readonly deliveries: readonly DeliveryRow[];
}

const mostOfOneEvent = 10_000;

/** Finds deliveries by their own ids or by the ids of their events. */
export async function findNamed(store: Store, ids: readonly string[]): Promise<readonly Named[]> {
  return Promise.all(
    [...new Set(ids)].map(async (id): Promise<Named> => {
      const number = deliveryNumber(id);
      if (number !== undefined) {
        const deliveries = await store.deliveries({ ids: [number], limit: 1 });
        return { id, known: deliveries.length > 0, deliveries };
      }
      const deliveries = await store.deliveries({
        eventId: id,
        limit: mostOfOneEvent,
        oldestFirst: true,
      });
      const known = deliveries.length > 0 || (await store.events({ id, limit: 1 })).length > 0;
      const meant = known ? [] : await deliveriesOfKey(store, id);
      return meant.length > 0 ? { id, known: true, deliveries: meant } : { id, known, deliveries };
    }),
  );
}

/** What a receiver knows as its `webhook-id`. */
export async function deliveriesOfKey(store: Store, key: string): Promise<readonly DeliveryRow[]> {
  const eventId = eventIdInKey(key);
  if (eventId === undefined) return [];
  const rows = await store.deliveries({ eventId, limit: mostOfOneEvent, oldestFirst: true });
  return rows.filter((row) => keyOf(row) === key);
}

function keyOf({ eventId: id, eventSource: source, hook, gate }: DeliveryRow): string {
  const { key, release = { tag: undefined } } = gate ?? {};
  return idempotencyKeyOf({ id, source }, hook, key === undefined ? undefined : { key, release });
}

/** Every delivery row that a query finds, in steps, so that millions cost no memory at once. */
export async function* allDeliveries(
  store: Store,
  query: DeliveryQuery,
  step = 1000,
): AsyncGenerator<DeliveryRow> {
  let after = query.after;
  for (;;) {
    const rows = await store.deliveries({ ...query, after, limit: step });
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < step) return;
    after = last.id;
  }
}

export async function* allEvents(
  store: Store,
  query: EventQuery,
  step = 1000,
): AsyncGenerator<EventRow> {
  let after = query.after;
  for (;;) {
    const rows = await store.events({ ...query, after, limit: step });
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < step) return;
    after = last.seq;
  }
}

/** A delivery as the commands print it with `--json`: text ids, ISO times. */
export function deliveryJson(row: DeliveryRow): Readonly<Record<string, unknown>> {
  const { id, acceptedAt, dueAt, settledAt, ...rest } = row;
  return {
    id: toDeliveryId(id),
    ...rest,
    acceptedAt: iso(acceptedAt),
    dueAt: iso(dueAt),
    settledAt: iso(settledAt),
  };
}

/** What `--state` takes: one state, or several with commas. */
export function parseStates(text: string): readonly DeliveryState[] {
  const known: readonly string[] = [...unsettledStates, ...settledStates];
  const states = text.split(",").map((state) => state.trim());
  const unknown = states.filter((state) => !known.includes(state));
  if (unknown.length === 0) return states as DeliveryState[];
  throw new UsageError(`There is no state "${unknown.join('", "')}". States: ${known.join(", ")}.`);
}
