import { hash } from "node:crypto";
import type { PipehooksEvent } from "./event.ts";

/** The same over attempts, restarts and replays; safe as a `webhook-id`, whatever the event's id looks like. */
export function idempotencyKeyOf(event: PipehooksEvent, hook: string): string {
  return `ph_${hash("sha256", `${event.source}\u0000${event.id}\u0000${hook}`, "hex").slice(0, 32)}`;
}

/** Text form of a delivery's id, as people see and type it. */
export function toDeliveryId(id: number): string {
  return `dlv_${id}`;
}
