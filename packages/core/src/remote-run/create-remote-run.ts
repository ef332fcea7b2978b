import type { Delivery, Hook } from "../hook.ts";
import type { JsonValue } from "../json.ts";
import type { RemoteRunClient, RemoteRunOptions, RemoteRunState } from "./contract.ts";
import { createLooking } from "./looking.ts";
import { runMarker } from "./marker.ts";
import { createOwnRuns } from "./own-runs.ts";
import type { Starting } from "./parts.ts";
import { toSettings } from "./settings.ts";
import { createStarting } from "./starting.ts";
import { wait } from "./wait.ts";

/**
 * `deliver` of a hook over a {@link RemoteRunClient}: starts a run, looks at it until it ends, and emits how it ended.
 * That it is about to start is stored first (unless the client is idempotent), so that after a crash the run is looked
 * for, not started twice. No slot is held between two looks.
 */
export function createRemoteRun(
  client: RemoteRunClient,
  options: RemoteRunOptions,
  context: { readonly random: () => number; readonly now: () => number },
): Hook["deliver"] {
  const { random, now } = context;
  const settings = toSettings(options);
  const parts = { client, settings, random, now, own: createOwnRuns(now) };
  const start = createStarting(parts);
  const look = createLooking(parts);
  // A start that follows from nothing but the delivery needs no memory; a choice among other runs does.
  const storesFirst = !client.idempotent || settings.onRunning !== "queue";

  return async (delivery) => {
    const state = readState(delivery.state) ?? firstState(delivery, now());
    if (state.phase !== "starting") return look(delivery, state);
    if (delivery.state !== undefined || !storesFirst) return start(delivery, state);
    return wait({ state, reason: `${client.what}: about to start` });
  };
}

function firstState(delivery: Delivery, now: number): Starting {
  const { attempt } = delivery;
  return { phase: "starting", marker: runMarker(delivery), attempt, again: 0, since: now };
}

/** What an earlier claim stored; only this module writes it, so the shape is known. */
function readState(state: JsonValue | undefined): RemoteRunState | undefined {
  return state as unknown as RemoteRunState | undefined;
}
