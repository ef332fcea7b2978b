import type { Attempt } from "./attempt.ts";
import type { Destination } from "./destination.ts";
import type { PipehooksEvent } from "./event.ts";
import type { Gate } from "./gates/gate-of.ts";
import type { Hook } from "./hook.ts";
import type { HookSwitch } from "./hook-switch.ts";
import type { Logger } from "./logger.ts";
import type { Pace } from "./pace.ts";
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
  readonly buffer: Held[];
  readonly running: Map<number, Attempt>;
  /** Deliveries that the store is asked to lease to this process as it accepts their events. */
  promised: number;
  /** When to ask the store again; infinite when nothing is unsettled. */
  wakeAt: number;
  readonly pace: Pace;
  /** Whether the store is being asked. */
  asking: boolean;
  readonly gate: Gate | undefined;
  /** When the hook's gate wants to be asked; infinite when it waits for nothing. */
  gateAt: number;
}

/** A delivery that this process holds a lease of. */
export interface Held extends ClaimedDelivery {
  /** Its events, where they need not be read from their texts. */
  readonly parsed?: readonly PipehooksEvent[] | undefined;
}

const longestBuffer = 200;
/** Of a fast lane more is held, lest it waits for the store: no more than it delivers in the blink of an eye. */
const longestFastBuffer = 1000;

/** How many deliveries to ask the store for now. */
export function wantedOf(lane: Lane, now: number): number {
  const { destination, buffer } = lane;
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
  const ahead = aheadOf(lane, now);
  return buffer.length * 2 > ahead ? 0 : Math.max(0, free + ahead - buffer.length);
}

function aheadOf({ policy, pace }: Lane, now: number): number {
  const usual = Math.min(policy.concurrency * 2, longestBuffer);
  return Math.max(usual, Math.min(pace.lately(now), longestFastBuffer));
}

/**
 * Whether new deliveries may come to a lane without a claim: it has room for them, nothing older waits in the store, and
 * neither order, budget nor trial has a word in it.
 */
export function canTakeOver(lane: Lane, count: number, now: number): boolean {
  const { destination, policy, buffer, running, promised } = lane;
  if (lane.asking || lane.wakeAt <= now || lane.switch.off !== undefined) return false;
  if (policy.orderBy !== undefined || destination.windows.length > 0) return false;
  if (destination.blockedUntil() > now || destination.breaker(now) !== "closed") return false;
  const held = running.size + buffer.length + promised;
  return held + count <= policy.concurrency + aheadOf(lane, now);
}

/** How many attempts may begin now. */
export function freeSlots(lane: Lane, now: number): number {
  const { destination, policy, running } = lane;
  if (destination.closedUntil() > now || lane.switch.off !== undefined) return 0;
  const most = destination.breaker(now) === "half-open" ? 1 : destination.concurrency;
  return Math.max(0, Math.min(policy.concurrency - running.size, most - destination.inFlight));
}

/** Until when a lane has no reason to ask the store. */
export function restsFor({ wakeAt, gateAt }: Lane): number {
  return Math.min(wakeAt, gateAt);
}

/** Whether a lane neither runs nor holds anything. */
export function isIdle({ running, buffer }: Lane): boolean {
  return running.size === 0 && buffer.length === 0;
}

/** Whether a lane will have something to do until then; one that is switched off delivers nothing. */
export function isDueBy(lane: Lane, until: number): boolean {
  if (lane.gateAt <= until) return true;
  const off = lane.switch.off !== undefined;
  return !off && Math.max(lane.wakeAt, lane.destination.blockedUntil()) <= until;
}
