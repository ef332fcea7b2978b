import { type Gathering, ripeAt, roomIn } from "./batching/gathering.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Destination } from "./destination.ts";
import type { PipehooksEvent } from "./event.ts";
import type { Gate } from "./gates/gate-of.ts";
import type { Hook } from "./hook.ts";
import type { HookSwitch } from "./hook-switch.ts";
import type { Logger } from "./logger.ts";
import type { Pace } from "./pace.ts";
import type { Policy } from "./policy.ts";
import type { Running } from "./running.ts";
import type { ClaimedDelivery } from "./store.ts";
import type { Strays } from "./strays.ts";

/** The live side of one hook: what it holds, what runs, when to look for more. */
export interface Lane {
  readonly hook: string;
  readonly policy: Policy;
  /** Whether its deliveries may have to wait for each other. */
  readonly isOrdered: boolean;
  readonly destination: Destination;
  readonly switch: HookSwitch;
  readonly logger: Logger;
  /** What is told of the hook's code. */
  readonly strays: Strays;
  /** Whether a delivery's state outlives its death, for a replay. */
  readonly keepState: boolean;
  /** The live hook, made when first needed. */
  readonly live: () => Hook | Promise<Hook>;
  /** Claimed and not begun, so that a slot never waits for the store. */
  readonly buffer: Held[];
  /** What is being tried. */
  readonly running: Running;
  /** The time-outs of its attempts. */
  readonly deadlines: Deadlines;
  /** Where the hook sends many deliveries in one call. */
  readonly gathering: Gathering | undefined;
  /** Deliveries that the store is asked to lease to this process as it accepts their events. */
  promised: number;
  /** When to ask the store again; infinite when nothing is unsettled. */
  wakeAt: number;
  readonly pace: Pace;
  /** Whether the store is being asked. */
  asking: boolean;
  /** How many were left to the store here since it was last asked. */
  left: number;
  /** Whether more wait in the store than it was last asked for. */
  behind: boolean;
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
  if (lane.gathering !== undefined) return Math.max(0, roomIn(lane.gathering) - buffer.length);
  const free = freeSlots(lane, now);
  // Where every attempt costs budget or is a trial, nothing is taken ahead.
  if (destination.windows.length > 0 || destination.breaker(now) === "half-open") {
    const most = Math.min(...destination.windows.map(({ count }) => count), free);
    return Math.max(0, most - buffer.length);
  }
  const ahead = aheadOf(lane);
  return buffer.length * 2 > ahead ? 0 : Math.max(0, free + ahead - buffer.length);
}

/** How many it may hold that have not begun. */
export function aheadOf({ policy, pace }: Lane): number {
  const usual = Math.min(policy.concurrency * 2, longestBuffer);
  return Math.max(usual, Math.min(pace.lately, longestFastBuffer));
}

/**
 * Whether new deliveries may come to a lane without a claim: it has room for them, no more waits in the store than what it
 * is asked for next, and neither order, budget nor trial has a word in it. What is delivered one by one comes in order.
 */
export function canTakeOver(lane: Lane, count: number, now: number): boolean {
  const { destination, policy, buffer, running, promised } = lane;
  const waits = lane.wakeAt <= now;
  if (lane.behind || (waits && policy.concurrency === 1)) return false;
  if (lane.switch.off !== undefined) return false;
  if (lane.isOrdered || destination.windows.length > 0) return false;
  if (destination.blockedUntil() > now || destination.breaker(now) !== "closed") return false;
  const held = buffer.length + promised + count;
  if (lane.gathering !== undefined) {
    return !waits && !lane.asking && held <= roomIn(lane.gathering);
  }
  // A lane that is half full asks for nothing, and what waits would go on waiting.
  const ahead = waits ? aheadOf(lane) / 2 : aheadOf(lane);
  return running.size + held <= policy.concurrency + ahead;
}

/** How many attempts, or calls with many deliveries, may begin now. */
export function freeSlots(lane: Lane, now: number): number {
  const { destination, policy, running, gathering } = lane;
  if (destination.closedUntil() > now || lane.switch.off !== undefined) return 0;
  const most = destination.breaker(now) === "half-open" ? 1 : destination.concurrency;
  const inFlight = gathering?.calls ?? running.size;
  return Math.max(0, Math.min(policy.concurrency - inFlight, most - destination.inFlight));
}

/** When a lane wants to be looked at next; infinite where it waits for nothing but the end of an attempt. */
export function restsUntil(lane: Lane, now: number): number {
  const { wakeAt, gateAt, gathering } = lane;
  // Full lanes, and a batch that waits for a slot, are woken by the end of an attempt.
  const work = wantedOf(lane, now) > 0 || lane.wakeAt > now ? wakeAt : Number.POSITIVE_INFINITY;
  const ripe = gathering === undefined ? Number.POSITIVE_INFINITY : ripeAt(gathering);
  return Math.min(work, gateAt, ripe > now ? ripe : Number.POSITIVE_INFINITY);
}

/** Whether a lane neither waits for anything nor holds anything. */
export function isAsleep(lane: Lane): boolean {
  return Math.min(lane.wakeAt, lane.gateAt) === Number.POSITIVE_INFINITY && isIdle(lane);
}

/** Whether a lane neither runs nor holds anything. */
export function isIdle({ running, buffer, gathering }: Lane): boolean {
  return running.size === 0 && buffer.length === 0 && (gathering?.ids.size ?? 0) === 0;
}

/** Whether it holds a lease of this delivery. */
export function isHeld({ running, buffer, gathering }: Lane, id: number): boolean {
  return (
    running.find(id) !== undefined ||
    gathering?.ids.has(id) === true ||
    buffer.some((held) => held.id === id)
  );
}

/** Ids of the deliveries that it holds a lease of. */
export function heldIds({ running, buffer, gathering }: Lane): readonly number[] {
  return [...running.ids(), ...buffer.map(({ id }) => id), ...(gathering?.ids ?? [])];
}

/** Whether a lane has something to do until then; one that is switched off delivers nothing. */
export function isBusy(lane: Lane, until: number): boolean {
  if (lane.running.size > 0 || lane.buffer.length > 0 || lane.gateAt <= until) return true;
  // What was gathered for a destination that is closed meanwhile stays where it is.
  const gatheredAt = lane.gathering?.ids.size ? 0 : Number.POSITIVE_INFINITY;
  const due = Math.max(Math.min(lane.wakeAt, gatheredAt), lane.destination.blockedUntil());
  return lane.switch.off === undefined && due <= until;
}
