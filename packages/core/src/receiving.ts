import type { Clock } from "./clock.ts";
import type { Finisher } from "./finisher.ts";
import { freeSlots, type Held, isHeld, type Lane } from "./lane.ts";
import type { Suspects } from "./losses.ts";
import type { ClaimedDelivery, LaneClaim } from "./store.ts";

/** What the store answered a lane, and how many it had asked for. */
export interface Received {
  readonly lane: Lane;
  readonly claim: LaneClaim;
  readonly limit: number;
}

interface Sorted extends Received {
  /** What of it is to be tried now. */
  readonly fresh: readonly ClaimedDelivery[];
  /** How many were given back. */
  readonly refused: number;
}

/** Takes what was claimed into the lanes' buffers, as far as the budget of rates allows. */
export function createReceiving({
  clock,
  finisher,
  settled,
  taken,
  suspects,
}: {
  readonly clock: Clock;
  readonly finisher: Finisher;
  /** Resolves when what was given back is stored. */
  readonly settled: () => Promise<void>;
  /** Called when a lane has taken what it was given, be it nothing. */
  readonly taken: (lane: Lane, count: number) => void;
  readonly suspects: Suspects;
}): (received: readonly Received[]) => Promise<void> {
  const receive = async ({ lane, claim, limit, fresh }: Sorted): Promise<void> => {
    lane.gateAt = Math.min(lane.gateAt, claim.nextGateAt ?? Number.POSITIVE_INFINITY);
    if (limit === 0) {
      // What its gate let through just now, for instance.
      lane.wakeAt = Math.min(lane.wakeAt, claim.nextDueAt ?? Number.POSITIVE_INFINITY);
      return;
    }
    const granted = await withinBudget(lane, fresh).catch((error: unknown) => {
      suspects.taken(fresh);
      lane.wakeAt = clock.now() + 1000;
      throw error;
    });
    addOlder(lane.buffer, granted);
    suspects.taken(fresh);
    lane.behind = claim.deliveries.length === limit;
    const more = lane.behind && granted.length === fresh.length;
    if (lane.gathering !== undefined && !more) lane.gathering.shortClaims += 1;
    const next = more ? clock.now() : (claim.nextDueAt ?? Number.POSITIVE_INFINITY);
    lane.wakeAt = Math.min(lane.wakeAt, next);
    if (granted.length < fresh.length) {
      lane.wakeAt = Math.min(lane.wakeAt, lane.destination.blockedUntil());
    }
    taken(lane, granted.length);
  };

  /** Takes out what was lost, and what is not to be tried beside others now. */
  const sortOut = (received: Received): Sorted => {
    const { lane, claim } = received;
    let refused = 0;
    const fresh = claim.deliveries.filter((one) => {
      if (isHere(lane, one)) return false;
      if (one.losses === undefined) return true;
      if (one.lost === true) {
        finisher.lose(lane, one);
        return false;
      }
      if (suspects.admit(lane, one)) return true;
      refused += 1;
      const again = clock.now() + suspects.waitMs(refused);
      finisher.giveBack(lane, one, again);
      lane.wakeAt = Math.min(lane.wakeAt, again);
      return false;
    });
    return { ...received, fresh, refused };
  };

  /** Gives back what the budget of rates does not allow now. */
  const withinBudget = async (lane: Lane, claimed: readonly ClaimedDelivery[]) => {
    // A call with many deliveries takes from it when it begins.
    const isFree = lane.destination.windows.length === 0 || lane.gathering !== undefined;
    if (claimed.length === 0 || isFree) return claimed;
    // What cannot begin now takes nothing: it would be counted for a time at which it did not happen.
    const free = freeSlots(lane, clock.now()) - lane.buffer.length;
    const wanted = Math.max(0, Math.min(claimed.length, free));
    let granted = 0;
    try {
      if (wanted > 0) granted = await lane.destination.take(wanted, clock);
    } finally {
      const again = Math.max(lane.destination.blockedUntil(), clock.now());
      for (const delivery of claimed.slice(granted)) finisher.giveBack(lane, delivery, again);
    }
    return claimed.slice(0, granted);
  };

  const receiveInTurn = async (group: readonly Sorted[]): Promise<void> => {
    for (const received of group) await receive(received);
  };

  return async (received) => {
    const sorted = received.map(sortOut);
    // Those that are tried may end the process: what was let go of must not be lost with them.
    if (sorted.some(({ refused }) => refused > 0)) await settled();
    // Those that share a budget one after the other: what one takes is begun before the next one asks.
    const groups = Map.groupBy(sorted, ({ lane }) => lane.destination);
    await Promise.all([...groups.values()].map(receiveInTurn));
  };
}

/** What was emitted while the store was asked may be here before what it was asked for. */
function addOlder(buffer: Held[], claimed: readonly ClaimedDelivery[]): void {
  const isAhead = (buffer.at(-1)?.id ?? 0) > (claimed[0]?.id ?? Number.POSITIVE_INFINITY);
  buffer.push(...claimed);
  if (isAhead) buffer.sort((a, b) => a.id - b.id);
}

/** A lease that ran out here while the process was busy: claimed anew, and still running. */
function isHere(lane: Lane, { id, attempt }: ClaimedDelivery): boolean {
  return attempt > 1 && isHeld(lane, id);
}
