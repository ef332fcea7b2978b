import { type Outcome, pending } from "../hook.ts";
import type { JsonObject } from "../json.ts";
import type { RemoteRunState } from "./contract.ts";

/** Nothing was sent: the state is stored, and the hook is asked again after `againMs`, at once by default. */
export function wait(parts: {
  readonly state: RemoteRunState;
  readonly reason: string;
  readonly againMs?: number;
}): Outcome {
  const { state, reason, againMs = 0 } = parts;
  return pending({ state: toStored(state), againMs, reason, sent: false, record: false });
}

/** As JSON carries it: what is undefined is left out when it is stored. */
export function toStored(state: RemoteRunState): JsonObject {
  return state as unknown as JsonObject;
}
