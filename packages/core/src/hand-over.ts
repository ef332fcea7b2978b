import type { Arrival } from "./arrival.ts";
import type { Clock } from "./clock.ts";
import { canTakeOver, type Held, type Lane } from "./lane.ts";
import type { Accepted, AcceptLease } from "./store.ts";

/** A batch on its way into the store, part of which this process wants to deliver itself at once. */
export interface Offer {
  readonly lease: AcceptLease;
  /** The store has answered; `undefined` when it refused the batch. */
  end(results: readonly Accepted[] | undefined): void;
}

/** Leases what is emitted here as it is stored, where a lane is caught up: that spares the store a claim. */
export interface HandOver {
  offer(batch: readonly Arrival[]): Offer | undefined;
}

const nothing: Accepted = { duplicate: false, deliveries: [] };

export function createHandOver(parts: {
  readonly owner: string;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly lanes: ReadonlyMap<string, Lane>;
  /** Whether anything may be begun at all. */
  readonly ready: () => boolean;
  readonly taken: (lane: Lane, held: readonly Held[]) => void;
}): HandOver {
  const { owner, leaseMs, clock, lanes, ready, taken } = parts;

  const takeUp = (wanted: ReadonlyMap<Lane, number>, batch: readonly Arrival[]) => {
    return (results: readonly Accepted[] | undefined): void => {
      for (const [lane, count] of wanted) lane.promised -= count;
      if (results === undefined) return;
      const held = new Map<Lane, Held[]>();
      for (let index = 0; index < batch.length; index += 1) {
        const { event, acceptance } = batch[index] as Arrival;
        const { leased, deliveries } = results[index] ?? nothing;
        if (leased === undefined) continue;
        for (let at = 0; at < deliveries.length; at += 1) {
          const id = deliveries[at] as number;
          const lane = lanes.get(acceptance.deliveries[at]?.hook ?? "");
          if (lane === undefined || !leased.includes(id)) continue;
          const one: Held = {
            id,
            attempt: 1,
            since: acceptance.at,
            events: [acceptance.event.body],
            parsed: [event],
            state: undefined,
          };
          const others = held.get(lane);
          if (others === undefined) held.set(lane, [one]);
          else others.push(one);
        }
      }
      for (const [lane, deliveries] of held) taken(lane, deliveries);
    };
  };

  return {
    offer(batch) {
      const wanted = new Map<Lane, number>();
      for (const { acceptance } of batch) {
        for (const { hook } of acceptance.deliveries) {
          const lane = lanes.get(hook);
          if (lane !== undefined) wanted.set(lane, (wanted.get(lane) ?? 0) + 1);
        }
      }
      const now = clock.now();
      const isReady = ready();
      for (const [lane, count] of wanted) {
        if (isReady && canTakeOver(lane, count, now)) lane.promised += count;
        else {
          lane.left += count;
          wanted.delete(lane);
        }
      }
      if (wanted.size === 0) return undefined;
      const asked = [...wanted.keys()].map(({ hook, switch: off, destination }) => ({
        hook,
        keys: [off.key, destination.key],
      }));
      const lease: AcceptLease = { owner, until: now + leaseMs, lanes: asked };
      return { lease, end: takeUp(wanted, batch) };
    },
  };
}
