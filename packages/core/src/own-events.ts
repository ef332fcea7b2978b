import { type Arrival, reachesHooks } from "./arrival.ts";
import {
  type DeliveryEventType,
  deliveryEventTypes,
  isOwnType,
  unknownMetadata,
} from "./catalogue.ts";
import type { Clock } from "./clock.ts";
import { createEvent, type EventContext, type EventRules, type Stamped } from "./create-event.ts";
import { toDeliveryId } from "./delivery-id.ts";
import { messageOf } from "./errors.ts";
import type { PipehooksEvent } from "./event.ts";
import type { JsonObject } from "./json.ts";
import type { Listeners } from "./listeners.ts";
import type { Logger } from "./logger.ts";
import type { Notice } from "./notice.ts";
import type { Router } from "./router.ts";
import type { Acceptance, Accepted, GatePlace, Store } from "./store.ts";

/** What Pipehooks says about itself, as events for hooks and listeners that want them. */
export interface OwnEvents {
  wants(type: string): boolean;
  /** Tells listeners; answers the event to store where hooks take it. */
  notify(notice: Notice): Acceptance | undefined;
  /** The same, and stores it. */
  tell(notice: Notice): Promise<void>;
  /** Also tells what became of it at gates. */
  tellAccepted(event: PipehooksEvent, acceptance: Acceptance, accepted: Accepted): void;
  /** For what hooks emit, of which the store tells no ids: they are looked up. */
  tellAcceptedLater(acceptance: Acceptance): Promise<void>;
}

export function createOwnEvents(parts: {
  readonly store: Store;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly rules: EventRules;
  readonly router: Router;
  readonly listeners: Listeners;
  readonly arrive: (stamped: Stamped, now: number) => Arrival;
  readonly stored: (acceptances: readonly Acceptance[]) => void;
}): OwnEvents {
  const { store, logger, clock, router, listeners, arrive, stored } = parts;
  const ownRules: EventRules = {
    ...parts.rules,
    types: Object.fromEntries(deliveryEventTypes.map((type) => [type, unknownMetadata])),
    // They repeat fields of the event they tell of, which may be as large as allowed.
    maxEventBytes: Number.POSITIVE_INFINITY,
  };

  const wants = (type: string): boolean => router.takes(type) || listeners.wants(type);

  /** Makes an event of a notice where somebody wants it; own events never cause own events. */
  const notify = (notice: Notice): Acceptance | undefined => {
    if (notice.event !== undefined && isOwnType(notice.event.type)) return undefined;
    if (!wants(notice.type)) return undefined;
    const now = clock.now();
    const event = ownEvent(notice, ownRules, now);
    const { acceptance } = arrive({ event, json: undefined }, now);
    // Stored for hooks; what only listeners hear of leaves nothing behind.
    if (reachesHooks(acceptance)) return acceptance;
    listeners.tell(event);
    return undefined;
  };

  const tellAccepted = (
    event: PipehooksEvent,
    acceptance: Acceptance,
    { deliveries, gates }: Accepted,
  ): void => {
    if (!reachesHooks(acceptance) || isOwnType(event.type)) return;
    if (wants("pipehooks.delivery.accepted")) {
      for (const [index, { hook }] of acceptance.deliveries.entries()) {
        tellPlace(event, "pipehooks.delivery.accepted", hook, { delivery: deliveries[index] ?? 0 });
      }
    }
    for (const [index, { hook }] of (acceptance.gates ?? []).entries()) {
      const place = gates?.[index];
      if (place !== undefined) tellPlace(event, placeNotice(place.state), hook, place);
    }
  };

  const tellPlace = (
    event: PipehooksEvent,
    type: DeliveryEventType,
    hook: string,
    { delivery, state }: Pick<GatePlace, "delivery"> & Partial<GatePlace>,
  ): void => {
    if (!wants(type)) return;
    const detail: JsonObject = {
      delivery: toDeliveryId(delivery),
      hook,
      event: event.id,
      event_type: event.type,
      ...(state !== undefined && { state }),
    };
    const notice = notify({ type, hook, event, detail });
    if (notice === undefined) return;
    store.accept([notice]).then(
      () => stored([notice]),
      (error: unknown) => logger.warn(`Event ${type} was not stored: ${messageOf(error)}`),
    );
  };

  /** Of what hooks emit the store tells no ids; who wants to know looks them up. */
  const tellAcceptedLater = async (acceptance: Acceptance): Promise<void> => {
    const { event, deliveries } = acceptance;
    if (deliveries.length === 0 || isOwnType(event.type) || !wants("pipehooks.delivery.accepted")) {
      return;
    }
    try {
      const rows = await store.deliveries({ eventId: event.id, limit: deliveries.length });
      const ids = deliveries.map(({ hook }) => rows.find((row) => row.hook === hook)?.id ?? 0);
      const accepted = { duplicate: false, deliveries: ids };
      tellAccepted(JSON.parse(event.body) as PipehooksEvent, acceptance, accepted);
    } catch (error) {
      logger.warn(`Accepted deliveries were not told: ${messageOf(error)}`);
    }
  };

  const tell = async (notice: Notice): Promise<void> => {
    const acceptance = notify(notice);
    if (acceptance === undefined) return;
    await store.accept([acceptance]);
    stored([acceptance]);
  };

  return { wants, notify, tell, tellAccepted, tellAcceptedLater };
}

/** What an event that came to a gate is told as. */
function placeNotice(state: GatePlace["state"]): DeliveryEventType {
  if (state === "dead") return "pipehooks.delivery.dead";
  return state === "skipped" ? "pipehooks.delivery.skipped" : "pipehooks.delivery.accepted";
}

function ownEvent(notice: Notice, rules: EventRules, now: number): PipehooksEvent {
  const { event, type, hook, detail } = notice;
  const context: EventContext =
    event === undefined
      ? {}
      : {
          pipeline: event.pipeline,
          flowgroup: event.flowgroup,
          action: event.action,
          runId: event.runId,
          traceparent: event.traceparent,
          causedBy: event.id,
          hops: Math.min((event.hops ?? 0) + 1, 16),
        };
  return createEvent(type, { subject: hook, metadata: { hook, ...detail } }, context, rules, now);
}
