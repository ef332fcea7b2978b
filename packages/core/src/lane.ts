import type { Attempt } from "./attempt.ts";
import type { Destination } from "./destination.ts";
import type { Hook } from "./hook.ts";
import type { HookSwitch } from "./hook-switch.ts";
import type { Logger } from "./logger.ts";
import type { Policy } from "./policy.ts";
import type { ClaimedDelivery } from "./store.ts";

/** The live side of one hook: what it holds, what runs, when to look for more. */
export interface Lane {
  readonly hook: string;
  readonly policy: Policy;
  readonly destination: Destination;
  readonly switch: HookSwitch;
  readonly logger: Logger;
  /** The live hook, made when first needed. */
  readonly live: () => Hook | Promise<Hook>;
  /** Claimed and not begun, so that a slot never waits for the store. */
  readonly buffer: ClaimedDelivery[];
  readonly running: Map<number, Attempt>;
  /** When to ask the store again; infinite when nothing is unsettled. */
  wakeAt: number;
}

const longestBuffer = 200;

/** How many deliveries to ask the store for now. */
export function wantedOf(lane: Lane, now: number): number {
  const { destination, policy, buffer } = lane;
  if (lane.wakeAt > now || lane.switch.off !== undefined) return 0;
  if (destination.blockedUntil() > now) {
    lane.wakeAt = Math.max(lane.wakeAt, destination.blockedUntil());
    return 0;
  }
  const free = freeSlots(lane, now);
  // Where every attempt costs budget or is a trial, nothing is taken ahead.
  if (destination.windows.length > 0 || destination.breaker(now) === "half-open") {
    const most = Math.min(...destination.windows.map(({ count }) => count), free);
    return Math.max(0, most - buffer.length);
  }
  const ahead = Math.min(policy.concurrency * 2, longestBuffer);
  return buffer.length * 2 > ahead ? 0 : Math.max(0, free + ahead - buffer.length);
}

/** How many attempts may begin now. */
export function freeSlots(lane: Lane, now: number): number {
  const { destination, policy, running } = lane;
  if (destination.closedUntil() > now || lane.switch.off !== undefined) return 0;
  const most = destination.breaker(now) === "half-open" ? 1 : destination.concurrency;
  return Math.max(0, Math.min(policy.concurrency - running.size, most - destination.inFlight));
}

/** Whether a lane neither runs nor holds anything. */
export function isIdle({ running, buffer }: Lane): boolean {
  return running.size === 0 && buffer.length === 0;
}

/** Whether a lane will have something to do until then; one that is switched off has not. */
export function isDueBy(lane: Lane, until: number): boolean {
  const off = lane.switch.off !== undefined;
  return !off && Math.max(lane.wakeAt, lane.destination.blockedUntil()) <= until;
}
