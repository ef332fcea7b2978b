import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import { createAlarm } from "./alarm.ts";
import type { Arrival } from "./arrival.ts";
import { createBatcher } from "./batching/batcher.ts";
import { createBeginning } from "./beginning.ts";
import { createChanges } from "./changes.ts";
import { type Asking, createClaiming } from "./claiming.ts";
import { every } from "./clock.ts";
import { messageOf } from "./errors.ts";
import { findWork } from "./find-work.ts";
import { createFinisher, type FinisherParts } from "./finisher.ts";
import { createHandOver, type Offer } from "./hand-over.ts";
import { type Held, isAsleep, isBusy, isIdle, type Lane, restsUntil, wantedOf } from "./lane.ts";
import { endAttempts, extendLeases } from "./leases.ts";
import { createSuspects } from "./losses.ts";
import { nextTurn } from "./next-turn.ts";
import { createReceiving } from "./receiving.ts";
import { createRunner } from "./runner.ts";
import { createSettler } from "./settler.ts";
import { type Strays, whenLeaving } from "./strays.ts";

export interface DispatcherOptions extends FinisherParts {
  readonly lanes: ReadonlyMap<string, Lane>;
  /** How long a claim holds without being extended. */
  readonly leaseMs: number;
  /** Gates may have announced events, which wait to be routed. */
  readonly announced: () => void;
}

/** Takes what is due from the store to the hooks, lane by lane. */
export interface Dispatcher {
  start(): void;
  /** What of a batch of events this process wants to deliver itself, without claiming it. */
  offer(batch: readonly Arrival[]): Offer | undefined;
  /** Something was accepted for these hooks. */
  wake(hooks: Iterable<string>): void;
  /** Resolves when nothing runs and nothing is due within `horizonMs`, or when `signal` aborts. */
  idle(horizonMs: number, signal: AbortSignal): Promise<boolean>;
  /** Begins nothing more; what runs goes on. */
  hold(): void;
  /** Claims nothing more, waits for what runs until `deadline` aborts, then stops it. */
  stop(deadline: AbortSignal): Promise<void>;
}

const lookAroundMs = 5000;

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { store, lanes, clock, logger } = options;
  const owner = randomUUID();
  // Deliveries run in no pipeline's context, whoever woke the dispatcher.
  const outside = AsyncLocalStorage.snapshot();
  // Lanes that may have work; the others cost nothing.
  const active = new Set<Lane>();
  const changes = createChanges();
  // Whether what other processes left has been looked for once; before, no lane knows what waits for it.
  let lookedAround = false;
  let draining = 0;
  let started = false;
  let stopping = false;
  let pumping = false;
  let scheduled = false;
  let pumpAgain = false;
  let pumped: Promise<void> = Promise.resolve();
  const open: Disposable[] = [];
  let leaving: Disposable | undefined;

  const settler = createSettler({
    store,
    clock,
    logger,
    settled(settlements) {
      for (const { emitted } of settlements) if (emitted !== undefined) options.stored(emitted);
      // The next one of an order key becomes due when the one before it is settled.
      for (const lane of active) {
        if (lane.isOrdered) lane.wakeAt = Math.min(lane.wakeAt, clock.now());
      }
      if (draining > 0) askIdleLanes();
      pump();
    },
  });

  const claim = createClaiming({
    store,
    owner,
    leaseMs: options.leaseMs,
    announced: options.announced,
  });

  // What has ended in one turn of the event loop is taken down first, and the next begins after all of it: each of the
  // two goes faster alone. A slot that hooks share goes to the one whose turn it is.
  const ended = (): void => pump();

  const finisher = createFinisher({ ...options, owner, settler, freed: ended });
  const run = createRunner({ clock, finisher, ended });
  const batcher = createBatcher({
    clock,
    random: options.random,
    finisher,
    stopping: () => stopping,
    ended,
  });
  const { begin, giveBackHeld, yieldTurn } = createBeginning({
    clock,
    finisher,
    run,
    batcher,
    active,
    stopping: () => stopping,
    draining: () => draining > 0,
  });
  const suspects = createSuspects();
  const receive = createReceiving({
    clock,
    finisher,
    suspects,
    settled: () => settler.flushed(),
    taken(lane, count) {
      if (count > 0) yieldTurn(lane);
      if (stopping) giveBackHeld(lane);
      else begin(lane);
    },
  });

  /** Whether nothing is claimed for now. */
  const isHeldUp = (): boolean => settler.stuck || suspects.isLastTry();

  /** Once a turn of the event loop, however many attempts ended in it. */
  const pump = (): void => {
    if (!started || stopping || scheduled) return;
    scheduled = true;
    nextTurn(outside, () => {
      scheduled = false;
      for (const lane of [...active]) begin(lane);
      if (pumping) pumpAgain = true;
      else pumped = pumpUntilQuiet();
    });
  };

  const alarm = createAlarm(clock, pump);

  const pumpUntilQuiet = async (): Promise<void> => {
    pumping = true;
    try {
      await pumpOnce();
    } catch (error) {
      if (!stopping) logger.error(`The store gives out no deliveries: ${messageOf(error)}`);
      for (const lane of active) {
        lane.wakeAt = Math.max(lane.wakeAt, clock.now() + 1000);
        lane.gateAt = Math.max(lane.gateAt, clock.now() + 1000);
      }
    }
    pumping = false;
    if (pumpAgain) pump();
    pumpAgain = false;
    sleepUntilNext();
    changes.tell();
  };

  const pumpOnce = async (): Promise<void> => {
    const now = clock.now();
    const asking: Asking[] = [];
    for (const lane of active) {
      if (isAsleep(lane)) active.delete(lane);
      if (stopping || isHeldUp()) continue;
      const limit = wantedOf(lane, now);
      if (limit > 0 || lane.gateAt <= now) asking.push({ lane, limit });
    }
    if (asking.length === 0) return;
    const claims = await claim(asking, now);
    await receive(
      claims.flatMap((claim, index) => {
        const { lane, limit } = asking[index] ?? {};
        return lane === undefined ? [] : [{ lane, claim, limit: limit ?? 0 }];
      }),
    );
  };

  const sleepUntilNext = (): void => {
    if (stopping) return;
    const now = clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const lane of active) next = Math.min(next, restsUntil(lane, now));
    if (isHeldUp()) next = Math.max(next, now + 1000);
    if (next === Number.POSITIVE_INFINITY) return;
    if (next <= now) pump();
    else alarm.set(next);
  };

  const wakeGate = (lane: Lane): void => {
    active.add(lane);
    lane.gateAt = Math.min(lane.gateAt, clock.now());
  };

  /** Finds work and switches that other processes left. */
  const lookAround = async (): Promise<void> => {
    await findWork({ store, lanes, active });
    lookedAround = true;
    options.announced();
    pump();
  };

  const lookAroundSafely = (): void => {
    lookAround().catch((error: unknown) => {
      if (!stopping) logger.warn(`The store could not be looked through: ${messageOf(error)}`);
    });
  };

  const extendLeasesSafely = (): void => {
    const now = clock.now();
    const until = now + options.leaseMs;
    const giveBack = (lane: Lane, held: Held) => {
      finisher.giveBack(lane, held, now);
      lane.wakeAt = Math.min(lane.wakeAt, now);
    };
    extendLeases({ store, owner, lanes: active, until, giveBack }).catch((error: unknown) => {
      logger.warn(`Leases could not be extended: ${messageOf(error)}`);
    });
  };

  /** What a lane knew of its next due time may have been the end of a lease that is settled since. */
  const askIdleLanes = (): void => {
    const now = clock.now();
    for (const lane of active) if (isIdle(lane)) lane.wakeAt = Math.min(lane.wakeAt, now);
  };

  const handOver = createHandOver({
    owner,
    leaseMs: options.leaseMs,
    clock,
    lanes,
    ready: () => lookedAround && !stopping && !settler.stuck,
    taken(lane, held) {
      active.add(lane);
      lane.buffer.push(...held);
      if (stopping) giveBackHeld(lane);
      // Whoever emitted goes on first: no hook runs in the turn that resolves an emit.
      else pump();
    },
  });

  /** The process exits: what it holds is let go of, and no attempt counts as lost but those of the hook that ended it. */
  const leave = (culprit: Strays | undefined): void => {
    stopping = true;
    const now = clock.now();
    for (const lane of active) {
      if (lane.strays === culprit) continue;
      giveBackHeld(lane);
      for (const entry of lane.running.entries()) finisher.breakOff(lane, entry, now);
    }
    const others = [...lanes.values()].filter(({ strays }) => strays !== culprit);
    settler.writeNow({ owner, now, hooks: others.map(({ hook }) => hook) });
  };

  return {
    start() {
      if (started) return;
      started = true;
      leaving = whenLeaving(leave);
      // What a gate expects from the beginning.
      for (const lane of lanes.values()) if (lane.gate !== undefined) wakeGate(lane);
      lookAroundSafely();
      open.push(store.watch(lookAroundSafely));
      open.push(every(clock, lookAroundMs, lookAroundSafely));
      open.push(every(clock, options.leaseMs / 3, extendLeasesSafely));
    },
    offer: handOver.offer,
    wake(hooks) {
      const now = clock.now();
      for (const hook of hooks) {
        const lane = lanes.get(hook);
        if (lane === undefined) continue;
        active.add(lane);
        lane.wakeAt = Math.min(lane.wakeAt, now);
        if (lane.gate !== undefined) wakeGate(lane);
      }
      pump();
    },
    async idle(horizonMs, signal) {
      draining += 1;
      try {
        await lookAround();
        askIdleLanes();
        while (!signal.aborted) {
          await settler.flushed();
          if (!isAnythingBusy(clock.now() + horizonMs)) return true;
          await changes.next(signal);
        }
        return false;
      } finally {
        draining -= 1;
      }
    },
    hold() {
      stopping = true;
    },
    async stop(deadline) {
      stopping = true;
      alarm[Symbol.dispose]();
      await pumped;
      for (const item of open.splice(0)) item[Symbol.dispose]();
      for (const lane of active) giveBackHeld(lane);
      await endAttempts(active, deadline);
      await settler.flushed();
      settler[Symbol.dispose]();
      leaving?.[Symbol.dispose]();
      if (settler.stuck)
        logger.error(
          "Outcomes of deliveries are lost with this process; they will be tried again.",
        );
    },
  };

  function isAnythingBusy(until: number): boolean {
    if (pumping || scheduled || settler.stuck) return true;
    return [...active].some((lane) => isBusy(lane, until));
  }
}
