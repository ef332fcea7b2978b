import { hash } from "node:crypto";
import type { Delivery } from "../hook.ts";

/**
 * What a run is known by at its receiver: the same for every try at one start, another one for the `again`th run of a
 * delivery, and after a replay. `ph_` and 32 hexadecimal digits.
 */
export function runMarker(
  { idempotencyKey, since }: Pick<Delivery, "idempotencyKey" | "since">,
  again = 0,
): string {
  const parts = [idempotencyKey, since ?? "", again];
  return `ph_${hash("sha256", parts.join("\u0000"), "hex").slice(0, 32)}`;
}
