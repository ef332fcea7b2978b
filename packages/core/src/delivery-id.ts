import { hash } from "node:crypto";
import type { PipehooksEvent } from "./event.ts";
import type { GatedDelivery } from "./store.ts";

/** Ids that can stand in a key as they are: as a header, in a file's name, before a suffix. */
const plainId = /^[\w-]{1,40}$/;

/**
 * The same over attempts, restarts and replays; at most 60 letters, digits, `_` and `-`, whatever the event's id looks
 * like: `ph_`, the event's id, and 16 hexadecimal digits for its source and the hook (`phx_` where only a hash of the id can
 * stand there). Of what a gate let through together it is made from the first event, the gate's key and what the delivery
 * is (its tag).
 */
export function idempotencyKeyOf(
  event: Pick<PipehooksEvent, "id" | "source">,
  hook: string,
  gate?: Pick<GatedDelivery, "key"> & { readonly release: Pick<GatedDelivery["release"], "tag"> },
): string {
  const { id, source } = event;
  const suffix =
    gate === undefined
      ? suffixOf(source, hook)
      : digest(`${source}\u0000${hook}\u0000${gate.key}\u0000${gate.release.tag ?? ""}`, 16);
  return plainId.test(id) ? `ph_${id}_${suffix}` : `phx_${digest(id, 32)}_${suffix}`;
}

/** The event's id in an idempotency key, which a receiver may have logged; absent where it was hashed. */
export function eventIdInKey(key: string): string | undefined {
  return /^ph_(.+)_[0-9a-f]{16}$/.exec(key)?.[1];
}

const mostSuffixes = 1000;
const suffixes = new Map<string, { readonly source: string; readonly suffix: string }>();

/** Most hooks see one source; its suffix need not be made for each delivery. */
function suffixOf(source: string, hook: string): string {
  const known = suffixes.get(hook);
  if (known?.source === source) return known.suffix;
  const suffix = digest(`${source}\u0000${hook}`, 16);
  if (suffixes.size >= mostSuffixes) suffixes.clear();
  suffixes.set(hook, { source, suffix });
  return suffix;
}

function digest(text: string, digits: number): string {
  return hash("sha256", text, "hex").slice(0, digits);
}

/** Text form of a delivery's id, as people see and type it. */
export function toDeliveryId(id: number): string {
  return `dlv_${id}`;
}
