import type { Arrival } from "./arrival.ts";
import type { Clock } from "./clock.ts";
import type { PipehooksEvent } from "./event.ts";
import { canTakeOver, type Held, type Lane } from "./lane.ts";
import type { Acceptance, Accepted, AcceptLease, StoredEvent } from "./store.ts";

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

/** A delivery that was leased as its event was stored. Its lists are made when asked for; why a class: see docs/architecture.md. */
class JustAccepted implements Held {
  readonly id: number;
  readonly attempt = 1;
  readonly since: number;
  readonly #event: PipehooksEvent;
  readonly #stored: StoredEvent;

  constructor(id: number, event: PipehooksEvent, { at, event: stored }: Acceptance) {
    this.id = id;
    this.since = at;
    this.#event = event;
    this.#stored = stored;
  }

  get events(): readonly string[] {
    return [this.#stored.body];
  }

  get parsed(): readonly PipehooksEvent[] {
    return [this.#event];
  }
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
          const one = new JustAccepted(id, event, acceptance);
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
      // Most events of a busy pipeline reach no hook.
      if (!batch.some(({ acceptance }) => acceptance.deliveries.length > 0)) return undefined;
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
          // What comes before the first look at the store is claimed: what follows must not overtake it.
          if (!isReady) lane.behind = true;
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
