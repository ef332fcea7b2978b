import type { BreakerState } from "./breaker.ts";
import { unsettledStates } from "./delivery-state.ts";
import type { DestinationReport } from "./destination.ts";
import type { PreparedHook } from "./hook-config.ts";
import type { Lane } from "./lane.ts";
import type { DeliveryState, Store } from "./store.ts";

export interface HookHealth {
  readonly name: string;
  readonly kind: string;
  /** `off`: disabled in the configuration; `disabled`: switched off by failures or by somebody. */
  readonly status: "on" | "off" | "disabled";
  readonly because?: string | undefined;
  readonly destination: string;
  readonly breaker: BreakerState;
  readonly running: number;
  readonly counts: Readonly<Partial<Record<DeliveryState, number>>>;
}

export interface Health {
  /** `degraded`: a hook is disabled, a destination blocked, or there are dead letters. */
  readonly status: "ok" | "degraded";
  readonly store: string;
  readonly hooks: readonly HookHealth[];
  readonly destinations: readonly DestinationReport[];
  /** Hooks that have deliveries in the store and are not configured any more. */
  readonly unknownHooks: readonly { readonly name: string; readonly unsettled: number }[];
}

/** One look at everything: switches and destinations as stored, counts, what runs here. */
export async function collectHealth(parts: {
  readonly store: Store;
  readonly hooks: readonly PreparedHook[];
  readonly lanes: ReadonlyMap<string, Lane>;
  readonly now: number;
}): Promise<Health> {
  const { store, hooks, lanes, now } = parts;
  const keys = [...lanes.values()].flatMap((lane) => [lane.switch.key, lane.destination.key]);
  const [counts, memories] = await Promise.all([store.counts(), store.read([...new Set(keys)])]);
  const byKey = new Map(memories.map((memory) => [memory.key, memory]));
  for (const lane of lanes.values()) {
    lane.switch.learn(byKey.get(lane.switch.key));
    lane.destination.learn(byKey.get(lane.destination.key));
  }
  const byHook = new Map<string, Partial<Record<DeliveryState, number>>>();
  for (const { hook, state, count } of counts) {
    byHook.set(hook, { ...byHook.get(hook), [state]: count });
  }
  const reports = hooks.map((hook): HookHealth => {
    const lane = lanes.get(hook.name);
    const off = lane?.switch.off;
    return {
      name: hook.name,
      kind: hook.kind,
      status: !hook.policy.enabled ? "off" : off !== undefined ? "disabled" : "on",
      ...(off !== undefined && { because: off.because }),
      destination: hook.destination,
      breaker: lane?.destination.breaker(now) ?? "closed",
      running: lane?.running.size ?? 0,
      counts: byHook.get(hook.name) ?? {},
    };
  });
  const destinations = [...new Set([...lanes.values()].map((lane) => lane.destination))].map(
    (destination) => destination.describe(now),
  );
  const known = new Set(hooks.map(({ name }) => name));
  const unknownHooks = [...byHook].flatMap(([name, states]) => {
    const unsettled = unsettledStates.reduce((total, state) => total + (states[state] ?? 0), 0);
    return known.has(name) || unsettled === 0 ? [] : [{ name, unsettled }];
  });
  const degraded =
    reports.some(({ status, counts: states }) => status === "disabled" || (states.dead ?? 0) > 0) ||
    destinations.some(({ blockedUntil }) => blockedUntil !== undefined);
  return {
    status: degraded ? "degraded" : "ok",
    store: store.description,
    hooks: reports,
    destinations,
    unknownHooks,
  };
}
