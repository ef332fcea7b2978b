import { createHash } from "node:crypto";
import type { Delivery } from "@pipehooks/core";

/**
 * What makes one alert of everything that belongs together: of an `alert` gate the incident, so that what resolves it finds
 * it; else the delivery, so that a retry doubles nothing.
 */
export function alertKeyOf({ hook, alert, idempotencyKey }: Delivery, most: number): string {
  if (alert === undefined) return idempotencyKey;
  return shortened(`pipehooks ${hook} ${alert.key ?? ""} ${alert.incident}`, most);
}

/** The key itself, or where it is too long what stands for it: cut keys could be the same. */
export function shortened(key: string, most: number): string {
  return key.length <= most ? key : createHash("sha256").update(key).digest("hex");
}
