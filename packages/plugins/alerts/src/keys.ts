import { createHash } from "node:crypto";
import type { Delivery } from "@pipehooks/core";
import type { Render } from "./templates.ts";

/** The user's own key of an alert; where there is none, or it is empty for this event, {@link alertKeyOf}. */
export function keyOf(delivery: Delivery, own: Render<string> | undefined, most: number): string {
  const key = own?.(delivery) ?? "";
  return key.trim() === "" ? alertKeyOf(delivery, most) : shortened(key, most);
}

/**
 * What makes one alert of everything that belongs together: of an `alert` gate the incident, so that what resolves it finds
 * it; else the delivery, so that a retry doubles nothing.
 */
function alertKeyOf({ hook, alert, idempotencyKey }: Delivery, most: number): string {
  if (alert === undefined) return idempotencyKey;
  return shortened(`pipehooks ${hook} ${alert.key ?? ""} ${alert.incident}`, most);
}

/** The key itself, or where it is too long what stands for it: cut keys could be the same. */
function shortened(key: string, most: number): string {
  return key.length <= most ? key : createHash("sha256").update(key).digest("hex");
}
