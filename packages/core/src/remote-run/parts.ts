import type { Delivery, Outcome } from "../hook.ts";
import type { RemoteRunClient, RemoteRunState, Trigger } from "./contract.ts";
import type { OwnRuns } from "./own-runs.ts";
import type { RunSettings } from "./settings.ts";

/** What the phases of a run share. */
export interface RunParts {
  readonly client: RemoteRunClient;
  readonly settings: RunSettings;
  readonly own: OwnRuns;
  readonly random: () => number;
  readonly now: () => number;
}

export type Starting = RemoteRunState & { readonly phase: "starting" };
export type Going = RemoteRunState & { readonly phase: "running" | "cancelling" };

/** What is done in one claim. */
export type Step<State> = (delivery: Delivery, state: State) => Promise<Outcome>;

export function toTrigger(delivery: Delivery, state: Starting): Trigger {
  const { marker, since, previous, waitingSince } = state;
  return {
    delivery,
    marker,
    since,
    signal: delivery.signal,
    previous,
    waited: waitingSince !== undefined,
  };
}
