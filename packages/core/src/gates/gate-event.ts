import { createId } from "../id.ts";
import type { StoredEvent } from "../store.ts";
import { commonKey, type GateEvent } from "./gate.ts";
import type { GateSpec } from "./spec.ts";

/** What a gate announces, as an event to be stored. */
export function createGateEvent(
  spec: GateSpec,
  key: string,
  { type, metadata }: GateEvent,
  now: number,
): StoredEvent {
  const id = createId(now);
  const { source, keyField } = spec;
  const field = keyField === undefined || key === commonKey ? {} : { [keyField]: key };
  const time = new Date(now).toISOString();
  const body = JSON.stringify({ id, source, type, time, ...field, metadata });
  const pipeline = keyField === "pipeline" && key !== commonKey ? key : undefined;
  return { source, id, type, time: now, pipeline, body };
}
