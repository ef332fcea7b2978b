import { randomUUID } from "node:crypto";
import { startAttempt } from "./attempt.ts";
import type { DeliveryEventType } from "./catalogue.ts";
import type { Clock } from "./clock.ts";
import { idempotencyKeyOf, toDeliveryId } from "./delivery-id.ts";
import { type Answer, HookError, messageOf } from "./errors.ts";
import type { EventFields, PipehooksEvent } from "./event.ts";
import type { Delivery } from "./hook.ts";
import { deepFreeze, type JsonObject, type JsonValue } from "./json.ts";
import { type Ending, judge, type Verdict } from "./judge.ts";
import { freeSlots, type Lane, wantedOf } from "./lane.ts";
import type { Logger } from "./logger.ts";
import { type Notice, noticeDetail, outcomeNotices } from "./notice.ts";
import type { Redact } from "./redact.ts";
import { createSettler } from "./settler.ts";
import type { Acceptance, ClaimedDelivery, LaneClaim, Settlement, Store } from "./store.ts";

export interface DispatcherOptions {
  readonly store: Store;
  readonly lanes: ReadonlyMap<string, Lane>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly redact: Redact;
  /** How long a claim holds without being extended. */
  readonly leaseMs: number;
  /** Makes an event that a hook emits ready to be stored. */
  readonly emission: (
    type: string,
    fields: EventFields<JsonObject>,
    cause: PipehooksEvent,
  ) => Acceptance;
  /** Whether listeners or hooks take notices of this type. */
  readonly wants: (type: DeliveryEventType) => boolean;
  /** Tells listeners; answers the event to store when hooks take notices of this type. */
  readonly notify: (notice: Notice) => Acceptance | undefined;
  /** Called after emitted events were stored. */
  readonly stored: (acceptances: readonly Acceptance[]) => void;
}

/** Takes what is due from the store to the hooks, lane by lane. */
export interface Dispatcher {
  start(): void;
  /** Something was accepted for these hooks. */
  wake(hooks: Iterable<string>): void;
  /** Resolves when nothing runs and nothing is due within `horizonMs`, or when `signal` aborts. */
  idle(horizonMs: number, signal: AbortSignal): Promise<boolean>;
  /** Claims nothing more, waits for what runs until `deadline` aborts, then stops it. */
  stop(deadline: AbortSignal): Promise<void>;
}

const lookAroundMs = 5000;

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { store, lanes, clock, logger, redact } = options;
  const owner = randomUUID();
  // Lanes that may have work; the others cost nothing.
  const active = new Set<Lane>();
  const waiters = new Set<() => void>();
  let started = false;
  let stopping = false;
  let pumping = false;
  let scheduled = false;
  let pumpAgain = false;
  let timer: Disposable | undefined;
  const open: Disposable[] = [];

  const settler = createSettler({
    store,
    clock,
    logger,
    settled(settlements) {
      for (const { emitted } of settlements) if (emitted !== undefined) options.stored(emitted);
      // The next one of an order key becomes due when the one before it is settled.
      for (const lane of active) {
        if (lane.policy.orderBy !== undefined) lane.wakeAt = Math.min(lane.wakeAt, clock.now());
      }
      pump();
    },
  });

  /** Once a turn of the event loop, however many attempts ended in it. */
  const pump = (): void => {
    if (!started || stopping || scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      if (pumping) pumpAgain = true;
      else void pumpUntilQuiet();
    });
  };

  const pumpUntilQuiet = async (): Promise<void> => {
    pumping = true;
    try {
      await pumpOnce();
    } catch (error) {
      if (!stopping) logger.error(`The store gives out no deliveries: ${messageOf(error)}`);
      for (const lane of active) lane.wakeAt = Math.max(lane.wakeAt, clock.now() + 1000);
    }
    pumping = false;
    if (pumpAgain) pump();
    pumpAgain = false;
    sleepUntilNext();
    for (const waiter of waiters) waiter();
  };

  const pumpOnce = async (): Promise<void> => {
    const now = clock.now();
    const asking: { lane: Lane; limit: number }[] = [];
    for (const lane of active) {
      begin(lane);
      if (lane.wakeAt === Number.POSITIVE_INFINITY && isIdle(lane)) active.delete(lane);
      const limit = stopping || settler.stuck ? 0 : wantedOf(lane, now);
      if (limit > 0) asking.push({ lane, limit });
    }
    if (asking.length === 0) return;
    for (const { lane } of asking) lane.wakeAt = Number.POSITIVE_INFINITY;
    let claims: readonly LaneClaim[];
    try {
      claims = await store.claim({
        lanes: asking.map(({ lane: { hook, switch: off, destination }, limit }) => ({
          hook,
          keys: [off.key, destination.key],
          limit,
        })),
        owner,
        now,
        leaseMs: options.leaseMs,
      });
    } catch (error) {
      for (const { lane } of asking) lane.wakeAt = Math.min(lane.wakeAt, now);
      throw error;
    }
    await Promise.all(claims.map((claim, index) => receive(claim, asking[index]?.limit ?? 0)));
  };

  const receive = async (claim: LaneClaim, limit: number): Promise<void> => {
    const lane = lanes.get(claim.hook);
    if (lane === undefined) return;
    const granted = await withinBudget(lane, claim.deliveries).catch((error: unknown) => {
      lane.wakeAt = clock.now() + 1000;
      throw error;
    });
    lane.buffer.push(...granted);
    const more = claim.deliveries.length === limit && granted.length === claim.deliveries.length;
    const next = more ? clock.now() : (claim.nextDueAt ?? Number.POSITIVE_INFINITY);
    lane.wakeAt = Math.min(lane.wakeAt, next);
    if (granted.length < claim.deliveries.length) {
      lane.wakeAt = Math.min(lane.wakeAt, lane.destination.blockedUntil());
    }
    begin(lane);
  };

  /** Gives back what the budget of rates does not allow now. */
  const withinBudget = async (lane: Lane, claimed: readonly ClaimedDelivery[]) => {
    if (claimed.length === 0 || lane.destination.windows.length === 0) return claimed;
    let granted = 0;
    try {
      granted = await lane.destination.take(claimed.length, clock.now());
    } finally {
      const again = Math.max(lane.destination.blockedUntil(), clock.now());
      for (const delivery of claimed.slice(granted)) giveBack(delivery, again);
    }
    return claimed.slice(0, granted);
  };

  const giveBack = ({ id, attempt, state }: ClaimedDelivery, dueAt: number): void => {
    settler.add({
      settlement: {
        id,
        owner,
        now: clock.now(),
        to: state !== undefined ? "pending" : attempt > 1 ? "retrying" : "waiting",
        dueAt,
        attempts: attempt - 1,
        state,
      },
    });
  };

  const begin = (lane: Lane): void => {
    if (stopping) return;
    while (lane.buffer.length > 0 && freeSlots(lane, clock.now()) > 0) {
      const claimed = lane.buffer.shift();
      if (claimed !== undefined) run(lane, claimed);
    }
    const blockedUntil = lane.destination.blockedUntil();
    if (lane.buffer.length > 0 && (blockedUntil > clock.now() || lane.switch.off !== undefined)) {
      for (const claimed of lane.buffer.splice(0)) giveBack(claimed, clock.now());
      lane.wakeAt = Math.min(lane.wakeAt, Math.max(blockedUntil, clock.now()));
    }
  };

  const run = (lane: Lane, claimed: ClaimedDelivery): void => {
    const startedAt = clock.now();
    const emitted: Acceptance[] = [];
    const events = parseEvents(claimed.events);
    const event = events?.at(-1);
    if (events === undefined || event === undefined) {
      giveUpUnreadable(claimed);
      return;
    }
    const attempt = startAttempt({
      hook: lane.live,
      name: lane.hook,
      timeoutMs: lane.policy.timeoutMs,
      clock,
      delivery: (signal): Delivery => ({
        id: toDeliveryId(claimed.id),
        hook: lane.hook,
        event,
        events,
        attempt: claimed.attempt,
        idempotencyKey: idempotencyKeyOf(event, lane.hook),
        state: claimed.state,
        signal,
        logger: lane.logger,
        emit: (type, fields = {}) => void emitted.push(options.emission(type, fields, event)),
      }),
    });
    lane.running.set(claimed.id, attempt);
    lane.destination.inFlight += 1;
    void attempt.ending.then((ending) => {
      lane.running.delete(claimed.id);
      lane.destination.inFlight -= 1;
      finish({ lane, claimed, event, startedAt, ending, emitted });
      begin(lane);
      pump();
    });
  };

  const finish = (done: {
    readonly lane: Lane;
    readonly claimed: ClaimedDelivery;
    readonly event: PipehooksEvent;
    readonly startedAt: number;
    readonly ending: Ending;
    readonly emitted: readonly Acceptance[];
  }): void => {
    const { lane, claimed, event, startedAt, ending, emitted } = done;
    const now = clock.now();
    const verdict = judge(ending, {
      attempt: claimed.attempt,
      state: claimed.state,
      since: claimed.since,
      now,
      retry: lane.policy.retry,
      random: options.random,
    });
    const durationMs = now - startedAt;
    const reason = verdict.reason === undefined ? undefined : redact(verdict.reason);
    const noticed = (["pipehooks.delivery.attempted", outcomeNotices[verdict.outcome]] as const)
      .filter(options.wants)
      .flatMap((type) => {
        const detail = noticeDetail({
          hook: lane.hook,
          claimed,
          event,
          verdict,
          reason,
          durationMs,
        });
        return options.notify({ type, hook: lane.hook, event, detail }) ?? [];
      });
    settler.add({
      settlement: toSettlement({ claimed, verdict, reason, startedAt, durationMs, now }),
      // A failed attempt's events stay: they say what the hook learned.
      emitted: [...emitted, ...noticed],
    });
    lane.wakeAt = Math.min(lane.wakeAt, verdict.dueAt ?? Number.POSITIVE_INFINITY);
    recordHealth(lane, verdict, now);
  };

  const toSettlement = (done: {
    readonly claimed: ClaimedDelivery;
    readonly verdict: Verdict;
    readonly reason: string | undefined;
    readonly startedAt: number;
    readonly durationMs: number;
    readonly now: number;
  }): Settlement => {
    const { claimed, verdict, reason, startedAt, durationMs, now } = done;
    return {
      id: claimed.id,
      owner,
      now,
      to: verdict.to,
      dueAt: verdict.dueAt,
      attempts: verdict.attempts,
      state: verdict.state,
      reason,
      attempt: {
        number: claimed.attempt,
        startedAt,
        durationMs,
        outcome: verdict.outcome,
        code: verdict.error?.code,
        message: verdict.error === undefined ? undefined : redact(verdict.error.message),
        answer: redactAnswer(verdict.answer, redact),
      },
    };
  };

  const recordHealth = (lane: Lane, verdict: Verdict, now: number): void => {
    const before = lane.destination.blockedUntil();
    const message = verdict.error === undefined ? undefined : redact(verdict.error.message);
    const destination = lane.destination.record({
      health: verdict.destinationHealth,
      pauseUntil: verdict.pauseUntil,
      because: message,
      now,
      breaker: lane.policy.breaker,
    });
    const hook = lane.switch.record({
      health: verdict.hookHealth,
      now,
      disableAfter: lane.policy.breaker.disableAfter,
      message,
    });
    const until = lane.destination.blockedUntil();
    if (until > now && until > before) {
      tell({
        type: "pipehooks.destination.paused",
        hook: lane.hook,
        detail: {
          destination: lane.destination.name,
          until: new Date(until).toISOString(),
          because: lane.destination.describe(now).because ?? "",
        },
      });
    }
    void Promise.all([destination, hook])
      .then(([, because]) => {
        if (because === undefined) return;
        logger.error(`Hook "${lane.hook}" is disabled: ${because}. Enable it when that is mended.`);
        tell({ type: "pipehooks.hook.disabled", hook: lane.hook, detail: { because } });
      })
      .catch((error: unknown) => {
        logger.warn(`The health of hook "${lane.hook}" was not stored: ${messageOf(error)}`);
      });
  };

  /** A notice that belongs to no settlement is stored by itself. */
  const tell = (notice: Notice): void => {
    const acceptance = options.notify(notice);
    if (acceptance === undefined) return;
    store.accept([acceptance]).then(
      () => options.stored([acceptance]),
      (error: unknown) => logger.warn(`Event ${notice.type} was not stored: ${messageOf(error)}`),
    );
  };

  const giveUpUnreadable = (claimed: ClaimedDelivery): void => {
    settler.add({
      settlement: {
        id: claimed.id,
        owner,
        now: clock.now(),
        to: "dead",
        attempts: claimed.attempt,
        reason: "The stored event cannot be read: the store's data is damaged.",
      },
    });
  };

  const sleepUntilNext = (): void => {
    timer?.[Symbol.dispose]();
    timer = undefined;
    if (stopping) return;
    const now = clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const lane of active) {
      // Full lanes are woken by the end of an attempt.
      if (wantedOf(lane, now) > 0 || lane.wakeAt > now) next = Math.min(next, lane.wakeAt);
    }
    if (settler.stuck) next = Math.max(next, now + 1000);
    if (next === Number.POSITIVE_INFINITY) return;
    if (next <= now) pump();
    else timer = clock.timer(next - now, pump);
  };

  /** Finds work and switches that other processes left. */
  const lookAround = async (): Promise<void> => {
    const found = await store.lanes();
    for (const { hook, dueAt } of found) {
      const lane = lanes.get(hook);
      if (lane === undefined) continue;
      active.add(lane);
      lane.wakeAt = Math.min(lane.wakeAt, dueAt);
    }
    const keys = [...active].flatMap((lane) => [lane.switch.key, lane.destination.key]);
    if (keys.length > 0) {
      const memories = new Map((await store.read(keys)).map((memory) => [memory.key, memory]));
      for (const lane of active) {
        lane.switch.learn(memories.get(lane.switch.key));
        lane.destination.learn(memories.get(lane.destination.key));
      }
    }
    pump();
  };

  const lookAroundSafely = (): void => {
    lookAround().catch((error: unknown) => {
      if (!stopping) logger.warn(`The store could not be looked through: ${messageOf(error)}`);
    });
  };

  const extendLeases = async (): Promise<void> => {
    for (const lane of active) {
      const ids = [...lane.running.keys(), ...lane.buffer.map(({ id }) => id)];
      if (ids.length === 0) continue;
      const until = clock.now() + options.leaseMs;
      const held = new Set(await store.extend({ owner, ids, until }));
      for (const id of ids.filter((id) => !held.has(id))) {
        const buffered = lane.buffer.findIndex((claimed) => claimed.id === id);
        if (buffered >= 0) lane.buffer.splice(buffered, 1);
        lane.running.get(id)?.breakOff(
          new HookError(
            "ABORTED",
            `${lane.hook}: the delivery was cancelled, or its lease was lost.`,
            {
              retryable: true,
            },
          ),
        );
      }
    }
  };

  const every = (ms: number, action: () => void): void => {
    let current: Disposable;
    const again = () => {
      if (stopping) return;
      action();
      current = clock.timer(ms, again);
    };
    current = clock.timer(ms, again);
    open.push({ [Symbol.dispose]: () => current[Symbol.dispose]() });
  };

  const isIdle = (lane: Lane): boolean => lane.running.size === 0 && lane.buffer.length === 0;

  return {
    start() {
      if (started) return;
      started = true;
      lookAroundSafely();
      open.push(store.watch(lookAroundSafely));
      every(lookAroundMs, lookAroundSafely);
      every(options.leaseMs / 3, () => {
        extendLeases().catch((error: unknown) => {
          logger.warn(`Leases could not be extended: ${messageOf(error)}`);
        });
      });
    },
    wake(hooks) {
      const now = clock.now();
      for (const hook of hooks) {
        const lane = lanes.get(hook);
        if (lane === undefined) continue;
        active.add(lane);
        lane.wakeAt = Math.min(lane.wakeAt, now);
      }
      pump();
    },
    async idle(horizonMs, signal) {
      await lookAround();
      for (;;) {
        if (signal.aborted) return false;
        await settler.flushed();
        const until = clock.now() + horizonMs;
        const busy =
          pumping ||
          scheduled ||
          settler.stuck ||
          [...active].some((lane) => !isIdle(lane) || dueBy(lane, until));
        if (!busy) return true;
        await changed(signal);
      }
    },
    async stop(deadline) {
      stopping = true;
      timer?.[Symbol.dispose]();
      for (const item of open.splice(0)) item[Symbol.dispose]();
      for (const lane of active) {
        for (const claimed of lane.buffer.splice(0)) giveBack(claimed, clock.now());
      }
      const running = () => [...active].flatMap((lane) => [...lane.running.values()]);
      const stopAll = () => {
        for (const attempt of running()) {
          attempt.breakOff(
            new HookError("ABORTED", "The bus was closed while the attempt ran.", {
              retryable: true,
            }),
          );
        }
      };
      if (deadline.aborted) stopAll();
      else deadline.addEventListener("abort", stopAll, { once: true });
      await Promise.all(running().map(({ ending }) => ending));
      deadline.removeEventListener("abort", stopAll);
      await settler.flushed();
      if (settler.stuck)
        logger.error(
          "Outcomes of deliveries are lost with this process; they will be tried again.",
        );
    },
  };

  function changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        waiters.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      waiters.add(done);
      signal.addEventListener("abort", done);
    });
  }

  function dueBy(lane: Lane, until: number): boolean {
    const off = lane.switch.off !== undefined;
    return !off && Math.max(lane.wakeAt, lane.destination.blockedUntil()) <= until;
  }
}

function parseEvents(bodies: readonly string[]): readonly PipehooksEvent[] | undefined {
  try {
    return bodies.map((body) => deepFreeze(JSON.parse(body) as PipehooksEvent));
  } catch {
    return undefined;
  }
}

function redactAnswer(answer: Answer | undefined, redact: Redact): JsonValue | undefined {
  if (answer === undefined) return undefined;
  return {
    ...(answer.status !== undefined && { status: answer.status }),
    ...(answer.body !== undefined && { body: redact(answer.body) }),
    ...(answer.timing !== undefined && { timing: answer.timing }),
  };
}
