import { hash } from "node:crypto";
import type { PipehooksEvent } from "./event.ts";
import type { GatedDelivery } from "./store.ts";

/**
 * The same over attempts, restarts and replays; safe as a `webhook-id`, whatever the event's id looks like. Of what
 * a gate let through together it is made from the first event, the gate's key and what the delivery is (its tag).
 */
export function idempotencyKeyOf(
  event: PipehooksEvent,
  hook: string,
  gate?: Pick<GatedDelivery, "key" | "release">,
): string {
  let text = `${event.source}\u0000${event.id}\u0000${hook}`;
  if (gate !== undefined) text += `\u0000${gate.key}\u0000${gate.release.tag ?? ""}`;
  return `ph_${hash("sha256", text, "hex").slice(0, 32)}`;
}

/** Text form of a delivery's id, as people see and type it. */
export function toDeliveryId(id: number): string {
  return `dlv_${id}`;
}
