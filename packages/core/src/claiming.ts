import type { Lane } from "./lane.ts";
import type { ClaimLane, LaneClaim, Store } from "./store.ts";

/** A lane that asks the store for deliveries (of which it may want none), and for what its gate lets through. */
export interface Asking {
  readonly lane: Lane;
  readonly limit: number;
}

/** Asks the store for several lanes at once. */
export type Claim = (asking: readonly Asking[], now: number) => Promise<readonly LaneClaim[]>;

export function createClaiming(parts: {
  readonly store: Store;
  readonly owner: string;
  readonly leaseMs: number;
  /** Gates may have announced events, which wait to be routed. */
  readonly announced: () => void;
}): Claim {
  const { store, owner, leaseMs, announced } = parts;
  // Lanes whose gates know the keys that they expect from the beginning.
  const seeded = new Set<Lane>();

  const toClaimLane = ({ lane, limit }: Asking, now: number): ClaimLane => {
    const { hook, switch: off, destination, gate, gateAt } = lane;
    return {
      hook,
      keys: [off.key, destination.key],
      limit,
      ...(gate !== undefined && { gate: gate.spec }),
      ...(gate !== undefined && !seeded.has(lane) && { seeds: gate.seeds }),
      ...(gate === undefined && gateAt <= now && { gate: null }),
    };
  };

  return async (asking, now) => {
    const lanes = asking.map((one) => toClaimLane(one, now));
    const before = asking.map(({ lane: { wakeAt, gateAt } }) => ({ wakeAt, gateAt }));
    for (const { lane, limit } of asking) {
      lane.asking = true;
      // What comes meanwhile lowers these again.
      lane.gateAt = Number.POSITIVE_INFINITY;
      if (limit === 0) continue;
      lane.wakeAt = Number.POSITIVE_INFINITY;
      lane.behind ||= lane.left > limit;
      lane.left = 0;
    }
    try {
      const claims = await store.claim({ lanes, owner, now, leaseMs });
      for (const { lane } of asking) seeded.add(lane);
      if (claims.some((claim) => claim.announced)) announced();
      return claims;
    } catch (error) {
      for (const [index, { lane, limit }] of asking.entries()) {
        if (limit > 0) lane.behind = true;
        lane.wakeAt = Math.min(lane.wakeAt, before[index]?.wakeAt ?? now);
        lane.gateAt = Math.min(lane.gateAt, before[index]?.gateAt ?? now);
      }
      throw error;
    } finally {
      for (const { lane } of asking) lane.asking = false;
    }
  };
}
