import type { ClaimedDelivery, ClaimLane, ClaimRequest, LaneClaim } from "../store.ts";
import type { DeliveryShelf } from "./delivery-shelf.ts";
import type { DeliveryEntry, Gated, HookShelf } from "./entries.ts";
import type { Asked, Gates } from "./gates.ts";

/** Of a delivery whose hook has no gate any more. */
const defaultMaxEvents = 1000;

// Only what was released or replayed is due, so this is for the types.
const notSaid = { reason: "due" };

const notAsked: Asked = { announced: false, nextGateAt: undefined };

export function createClaim(
  { deliveries, gates }: { readonly deliveries: DeliveryShelf; readonly gates: Gates },
  blockOf: (keys: readonly string[]) => number,
): (lane: ClaimLane, request: ClaimRequest) => LaneClaim {
  const askGate = (
    hook: HookShelf,
    { gate, seeds }: Pick<ClaimLane, "gate" | "seeds">,
    now: number,
  ): Asked => {
    if (gate === undefined) return notAsked;
    return gate === null ? gates.takeOut(hook, now) : gates.ask(hook, { gate, seeds }, now);
  };

  return ({ hook: name, keys, limit, gate, seeds }, { owner, now, leaseMs }) => {
    const hook = seeds === undefined ? deliveries.hooks.get(name) : deliveries.hook(name);
    if (hook === undefined) return { hook: name, deliveries: [] };
    const asked = askGate(hook, { gate, seeds }, now);
    const claimed: ClaimedDelivery[] = [];
    const blockedUntil = blockOf(keys);
    while (blockedUntil <= now && claimed.length < limit) {
      const entry = hook.due.peek();
      if (entry?.dueAt === undefined || entry.dueAt > now) break;
      const isLost = entry.state === "running";
      if (isLost) entry.losses += 1;
      entry.attempts += 1;
      entry.owner = owner;
      deliveries.move(entry, "running", now + leaseMs);
      const plain = toClaimed(entry, gate?.maxEvents ?? defaultMaxEvents);
      claimed.push(entry.losses === 0 ? plain : { ...plain, ...lossesOf(entry, isLost) });
    }
    const next = hook.due.peek()?.dueAt;
    return {
      hook: name,
      deliveries: claimed,
      nextDueAt: next === undefined ? undefined : Math.max(next, blockedUntil),
      nextGateAt: asked.nextGateAt,
      announced: asked.announced ? true : undefined,
    };
  };
}

function lossesOf(
  { losses }: DeliveryEntry,
  isLost: boolean,
): Pick<ClaimedDelivery, "losses" | "lost"> {
  return isLost ? { losses, lost: true } : { losses };
}

function toClaimed(entry: DeliveryEntry, maxEvents: number): ClaimedDelivery {
  const { id, event, gated, attempts: attempt, since, data: state } = entry;
  if (gated === undefined) return { id, events: [event.stored.body], attempt, since, state };
  return { id, ...toGated(gated, maxEvents), attempt, since, state };
}

function toGated(
  { key, events, release = notSaid }: Gated,
  maxEvents: number,
): Pick<ClaimedDelivery, "events" | "gate"> {
  const count = events.size;
  const first = count > maxEvents ? maxEvents - 1 : count;
  const whole = [...events.slice(0, first), ...events.slice(Math.max(first, count - 1))];
  const rest = events.slice(first, count - 1);
  return {
    events: whole.map(({ stored }) => stored.body),
    gate: { key, count, restIds: rest.map(({ stored }) => stored.id), release },
  };
}
