import type { StandardSchemaV1 } from "@standard-schema/spec";
import { busProblems } from "./bus-problems.ts";
import {
  type BuiltInEventTypes,
  builtInEventTypes,
  deliveryEventTypes,
  type EventTypes,
  isOwnType,
  unknownMetadata,
} from "./catalogue.ts";
import { type Clock, holdProcess, systemClock } from "./clock.ts";
import { createEvent, type EventContext, type EventRules } from "./create-event.ts";
import { toDeliveryId } from "./delivery-id.ts";
import { createDispatcher } from "./dispatcher.ts";
import { HookError, messageOf } from "./errors.ts";
import type { EventFields, PipehooksEvent } from "./event.ts";
import { collectHealth, type Health } from "./health.ts";
import type { CheckReport } from "./hook.ts";
import { type HookConfig, type PreparedHook, prepareHooks } from "./hook-config.ts";
import { createInstrument, type PipelineRunOptions, type PipelineScope } from "./instrument.ts";
import { type Arrival, createIntake, type EmitResult, EventForStore, quiet } from "./intake.ts";
import { deepFreeze, type JsonObject } from "./json.ts";
import { createLanes, type DestinationInput, type Lanes } from "./lanes.ts";
import { createListeners, type Listener } from "./listeners.ts";
import { type Logger, redactingLogger, stderrLogger } from "./logger.ts";
import { createMemoryStore } from "./memory-store.ts";
import type { Notice } from "./notice.ts";
import type { PolicyInput } from "./policy.ts";
import { createRedactor, type Redact } from "./redact.ts";
import { createRetention, type RetentionInput } from "./retention.ts";
import { createRouter, orderKeyOf } from "./router.ts";
import type { Acceptance, Store } from "./store.ts";

export interface PipehooksOptions<Types extends EventTypes = EventTypes> {
  readonly hooks?: readonly HookConfig[] | undefined;
  /** Own event types: `defineEvents({ … })`. */
  readonly events?: Types | undefined;
  /** Takes types that are neither built in nor defined, with any metadata. @default false */
  readonly allowUnknownTypes?: boolean | undefined;
  /** Largest event as JSON. @default 262_144 (256 KiB) */
  readonly maxEventBytes?: number | undefined;
  /** Taken over: closing the bus disposes of it. @default a memory store */
  readonly store?: Store | undefined;
  /** CloudEvents `source` of what is emitted here. @default "/pipehooks" */
  readonly source?: string | undefined;
  readonly destinations?: Readonly<Record<string, DestinationInput>> | undefined;
  /** Policies of every hook that says nothing else. */
  readonly defaults?: PolicyInput | undefined;
  /** Whether this process delivers; `false` only accepts, and another process delivers. @default true */
  readonly deliver?: boolean | undefined;
  readonly retention?: RetentionInput | undefined;
  /** Texts that must not appear in logs, errors or the store. */
  readonly secrets?: readonly string[] | undefined;
  /** @default warnings and errors to stderr */
  readonly logger?: Logger | undefined;
  /** How long a delivery is leased; another process takes over when it runs out. @default 30_000 */
  readonly leaseMs?: number | undefined;
  readonly clock?: Clock | undefined;
  /** A number in [0, 1). @default Math.random */
  readonly random?: (() => number) | undefined;
}

type AllTypes<Types extends EventTypes> = BuiltInEventTypes & Types;
type MetadataOf<Schema> = Schema extends StandardSchemaV1<infer Input, unknown> ? Input : never;
type Nothing = Record<never, never>;
type FieldsOf<Schema> = EventFields<MetadataOf<Schema>>;
/** Fields may be left out where the metadata's schema asks for nothing. */
type EmitArguments<Schema> =
  Nothing extends MetadataOf<Schema>
    ? [fields?: FieldsOf<Schema>]
    : [fields: FieldsOf<Schema> & { readonly metadata: MetadataOf<Schema> }];

export interface Pipehooks<Types extends EventTypes = EventTypes> extends AsyncDisposable {
  /**
   * Accepts an event: routes it and resolves when the store has it. Never runs a hook. A rejection that nobody
   * awaits is logged and does not end the process.
   * @throws HookError EVENT_INVALID, EVENT_TOO_LARGE, EVENT_TYPE_UNKNOWN, EVENT_LOOP, STORE_*, CLOSED
   */
  emit<Type extends keyof AllTypes<Types> & string>(
    type: Type,
    ...fields: EmitArguments<AllTypes<Types>[Type]>
  ): Promise<EmitResult>;
  /** The same with the type unknown until run time. */
  emitUnknown(type: string, fields?: EventFields<JsonObject>): Promise<EmitResult>;
  /**
   * Calls `listener` in this process for each accepted event whose type fits the glob. What it throws is logged.
   * Pipehooks' own events come under `pipehooks.*`.
   * @throws HookError CONFIG_INVALID for a bad glob
   */
  on(pattern: string, listener: Listener): Disposable;
  /**
   * Runs pipeline code between `pipeline.start` and `pipeline.end` or `pipeline.error`; the code's own error is
   * rethrown untouched. A plain `emit` inside inherits pipeline, flowgroup, action, runId and traceparent.
   */
  pipeline<Result>(
    name: string,
    run: (pipeline: PipelineScope) => Result | Promise<Result>,
    options?: PipelineRunOptions,
  ): Promise<Result>;
  /**
   * Waits until nothing runs and nothing is due within `horizonMs` (retries included).
   * Answers false when `timeoutMs` was over first. A bus that does not deliver waits for its emits only.
   */
  drain(options?: {
    /** @default 30_000 */
    readonly timeoutMs?: number | undefined;
    /** @default 0: only what is due now */
    readonly horizonMs?: number | undefined;
    readonly signal?: AbortSignal | undefined;
  }): Promise<boolean>;
  /**
   * Takes no more events, delivers what is due until `timeoutMs` is over, stops the rest (it stays in a durable
   * store), and frees everything. May be called twice.
   */
  close(options?: {
    /** @default 10_000 */
    readonly timeoutMs?: number | undefined;
    /** Whether what is due is delivered first; `false` only waits for attempts that run already. @default true */
    readonly deliverDue?: boolean | undefined;
  }): Promise<void>;
  health(): Promise<Health>;
  /** Asks hooks whether they could deliver; sends nothing. */
  check(hooks?: readonly string[], timeoutMs?: number): Promise<readonly HookCheck[]>;
  /**
   * Switches a disabled hook on again.
   * @throws HookError CONFIG_INVALID for an unknown name
   */
  enable(hook: string): Promise<void>;
  /** Switches a hook off for all processes; what is accepted for it waits. */
  disable(hook: string, because?: string): Promise<void>;
  /** Tells the dispatcher that the store has changed by other means than emit (a replay). */
  wake(): void;
  readonly store: Store;
  /** The hooks as configured. */
  readonly hooks: readonly PreparedHook[];
  /** Removes every known secret from a text. */
  readonly redact: (text: string) => string;
}

export interface HookCheck {
  readonly hook: string;
  /** `unknown`: the hook has no check. */
  readonly status: "ok" | "failed" | "unknown" | "off";
  readonly summary: string;
}

const defaultMaxEventBytes = 256 * 1024;

/**
 * Makes a bus: events in, deliveries out.
 * @throws HookError CONFIG_INVALID naming every problem of the configuration
 * @example
 * const hooks = createPipehooks({
 *   hooks: [{ name: "ops", events: "pipeline.error", hook: ({ event }) => console.log(event) }],
 * });
 * await hooks.emit("pipeline.error", { pipeline: "orders", error: new Error("no such file") });
 * await hooks.close();
 */
export function createPipehooks<const Types extends EventTypes = Nothing>(
  options: PipehooksOptions<Types> = {},
): Pipehooks<Types> {
  const clock = options.clock ?? systemClock;
  const random = options.random ?? Math.random;
  const store = options.store ?? createMemoryStore();
  const plainLogger = options.logger ?? stderrLogger;
  // The hooks tell their secrets when they are prepared, and their conditions log later.
  let redact: Redact = (text) => text;
  const logger = redactingLogger(plainLogger, (text) => redact(text));
  const hooks = prepareHooks(options.hooks ?? [], {
    problems: busProblems(options),
    defaults: options.defaults,
    logger,
  });
  redact = createRedactor([...(options.secrets ?? []), ...hooks.flatMap(({ secrets }) => secrets)]);
  const rules: EventRules = {
    source: options.source ?? "/pipehooks",
    types: { ...builtInEventTypes, ...options.events },
    allowUnknownTypes: options.allowUnknownTypes ?? false,
    maxEventBytes: options.maxEventBytes ?? defaultMaxEventBytes,
  };
  const ownRules: EventRules = {
    ...rules,
    types: Object.fromEntries(deliveryEventTypes.map((type) => [type, unknownMetadata])),
    // They repeat fields of the event they tell of, which may be as large as allowed.
    maxEventBytes: Number.POSITIVE_INFINITY,
  };
  const router = createRouter(
    hooks.filter(({ policy }) => policy.enabled).map(({ route }) => route),
  );
  const listeners = createListeners(logger);
  const lanes = createLanes({
    hooks,
    destinations: options.destinations ?? {},
    store,
    logger,
    clock,
    random,
    redact,
  });
  let state: "open" | "closing" | "closed" = "open";
  let closing: Promise<void> | undefined;

  const wants = (type: string): boolean => router.takes(type) || listeners.wants(type);

  const arrive = (event: PipehooksEvent, now: number): Arrival => {
    const routes = router.match(event);
    return {
      event,
      acceptance: {
        at: now,
        event: new EventForStore(event, now),
        deliveries: routes.map(({ hook, orderBy }) => ({
          hook,
          dueAt: now,
          orderKey: orderKeyOf(event, orderBy),
        })),
      },
    };
  };

  const intake = createIntake({
    store,
    logger,
    accepted(arrival, accepted) {
      // A listener's own emits inherit where the event was emitted, not where its batch began.
      instrument.within(arrival.context, () => listeners.tell(arrival.event));
      tellAccepted(arrival.event, arrival.acceptance, accepted.deliveries);
    },
    stored(arrivals) {
      dispatcher.wake(reached(arrivals.map(({ acceptance }) => acceptance)));
    },
  });

  const stored = (acceptances: readonly Acceptance[]): void => {
    for (const acceptance of acceptances) {
      const { type, body } = acceptance.event;
      if (listeners.wants(type)) listeners.tell(deepFreeze(JSON.parse(body) as PipehooksEvent));
      void tellLater(acceptance);
    }
    dispatcher.wake(reached(acceptances));
  };

  /** Of what hooks emit the store tells no ids; who wants to know looks them up. */
  const tellLater = async (acceptance: Acceptance): Promise<void> => {
    const { event, deliveries } = acceptance;
    if (deliveries.length === 0 || isOwnType(event.type) || !wants("pipehooks.delivery.accepted")) {
      return;
    }
    try {
      const rows = await store.deliveries({ eventId: event.id, limit: deliveries.length });
      const ids = deliveries.map(({ hook }) => rows.find((row) => row.hook === hook)?.id ?? 0);
      tellAccepted(JSON.parse(event.body) as PipehooksEvent, acceptance, ids);
    } catch (error) {
      logger.warn(`Accepted deliveries were not told: ${messageOf(error)}`);
    }
  };

  const emission = (
    type: string,
    fields: EventFields<JsonObject>,
    cause: PipehooksEvent,
  ): Acceptance => {
    const context: EventContext = {
      pipeline: cause.pipeline,
      flowgroup: cause.flowgroup,
      action: cause.action,
      runId: cause.runId,
      traceparent: cause.traceparent,
      causedBy: cause.id,
      hops: (cause.hops ?? 0) + 1,
    };
    const now = clock.now();
    // What a hook emits is caused by what it handles, whatever the hook says: that is what ends loops.
    const own = { ...fields, causedBy: undefined, hops: undefined };
    return arrive(createEvent(type, own, context, rules, now), now).acceptance;
  };

  /** Makes an event of a notice where somebody wants it; own events never cause own events. */
  const notify = (notice: Notice): Acceptance | undefined => {
    if (notice.event !== undefined && isOwnType(notice.event.type)) return undefined;
    if (!wants(notice.type)) return undefined;
    const now = clock.now();
    const event = ownEvent(notice, ownRules, now);
    const { acceptance } = arrive(event, now);
    // Stored for hooks; what only listeners hear of leaves nothing behind.
    if (acceptance.deliveries.length > 0) return acceptance;
    listeners.tell(event);
    return undefined;
  };

  const tellAccepted = (
    event: PipehooksEvent,
    acceptance: Acceptance,
    ids: readonly number[],
  ): void => {
    const type = "pipehooks.delivery.accepted";
    if (isOwnType(event.type) || !wants(type)) return;
    for (const [index, { hook }] of acceptance.deliveries.entries()) {
      const detail: JsonObject = {
        delivery: toDeliveryId(ids[index] ?? 0),
        hook,
        event: event.id,
        event_type: event.type,
      };
      const notice = notify({ type, hook, event, detail });
      if (notice === undefined) continue;
      store.accept([notice]).then(
        () => stored([notice]),
        (error: unknown) => logger.warn(`Event ${type} was not stored: ${messageOf(error)}`),
      );
    }
  };

  const dispatcher = createDispatcher({
    store,
    lanes: lanes.byHook,
    clock,
    random,
    logger,
    redact,
    leaseMs: options.leaseMs ?? 30_000,
    emission,
    wants,
    notify,
    stored,
  });
  const retention = createRetention({ store, clock, logger, input: options.retention });

  const accept = (type: string, fields: EventFields<unknown>): Promise<EmitResult> => {
    if (state !== "open") {
      throw new HookError("CLOSED", `Event "${type}" comes after the bus was closed.`);
    }
    const now = clock.now();
    const context = instrument.context();
    const { event, acceptance } = arrive(createEvent(type, fields, context, rules, now), now);
    return intake.add({ event, acceptance, context });
  };
  const emitUnknown = (type: string, fields: EventFields<unknown> = {}): Promise<EmitResult> => {
    try {
      return accept(type, fields);
    } catch (error) {
      // Nobody may be waiting for the promise.
      logger.error(messageOf(error));
      return quiet(Promise.reject(error));
    }
  };
  const instrument = createInstrument({ emit: emitUnknown, now: () => clock.now(), logger });

  const laneOf = (name: string) => {
    const lane = lanes.byHook.get(name);
    if (lane !== undefined) return lane;
    throw new HookError(
      "CONFIG_INVALID",
      `There is no enabled hook "${name}". Enabled are: ${[...lanes.byHook.keys()].join(", ")}.`,
    );
  };

  const tellSwitched = async (notice: Notice): Promise<void> => {
    const acceptance = notify(notice);
    if (acceptance === undefined) return;
    await store.accept([acceptance]);
    stored([acceptance]);
  };

  const drain: Pipehooks["drain"] = async ({ timeoutMs = 30_000, horizonMs = 0, signal } = {}) => {
    await intake.flushed();
    if (options.deliver === false) return true;
    const deadline = new AbortController();
    const timer = clock.timer(timeoutMs, () => deadline.abort());
    const stop =
      signal === undefined ? deadline.signal : AbortSignal.any([deadline.signal, signal]);
    const held = holdProcess();
    try {
      return await dispatcher.idle(horizonMs, stop);
    } finally {
      timer[Symbol.dispose]();
      held[Symbol.dispose]();
    }
  };

  const close = async (timeoutMs: number, deliverDue: boolean): Promise<void> => {
    state = "closing";
    const deadline = new AbortController();
    const timer = clock.timer(timeoutMs, () => deadline.abort());
    const held = holdProcess();
    if (timeoutMs <= 0) deadline.abort();
    await intake.flushed();
    if (deliverDue && options.deliver !== false && !deadline.signal.aborted) {
      await dispatcher.idle(0, deadline.signal).catch((error: unknown) => {
        logger.warn(`What is due was not delivered before closing: ${messageOf(error)}`);
      });
    }
    await dispatcher.stop(deadline.signal);
    timer[Symbol.dispose]();
    retention[Symbol.dispose]();
    try {
      if (!store.durable) await warnOfLoss(store, logger);
    } finally {
      for (const error of await lanes.dispose()) {
        logger.warn(`A hook could not be disposed of: ${messageOf(error)}`);
      }
      state = "closed";
      try {
        await store[Symbol.asyncDispose]();
      } finally {
        held[Symbol.dispose]();
      }
    }
  };

  const bus: Pipehooks<Types> = {
    emit: (type, ...[fields]) => emitUnknown(type, fields ?? {}),
    emitUnknown,
    on: listeners.on,
    pipeline: instrument.pipeline,
    drain,
    close({ timeoutMs = 10_000, deliverDue = true } = {}) {
      closing ??= close(timeoutMs, deliverDue);
      return closing;
    },
    [Symbol.asyncDispose]: () => bus.close(),
    health: () => collectHealth({ store, hooks, lanes: lanes.byHook, now: clock.now() }),
    check: (names, timeoutMs = 10_000) =>
      Promise.all(
        hooks
          .filter(({ name }) => names === undefined || names.includes(name))
          .map(({ name }) => checkHook(name, { make: lanes.live, timeoutMs, clock, redact })),
      ),
    async enable(name) {
      await laneOf(name).switch.enable();
      logger.info(`Hook "${name}" is enabled.`);
      await tellSwitched({ type: "pipehooks.hook.enabled", hook: name, detail: {} });
      dispatcher.wake([name]);
    },
    async disable(name, because = "somebody disabled it") {
      await laneOf(name).switch.disable(redact(because), clock.now());
      logger.warn(`Hook "${name}" is disabled: ${because}.`);
      const detail = { because: redact(because) };
      await tellSwitched({ type: "pipehooks.hook.disabled", hook: name, detail });
    },
    wake: () => dispatcher.wake(lanes.byHook.keys()),
    store,
    hooks,
    redact,
  };

  if (options.deliver !== false) {
    dispatcher.start();
    retention.start();
  }
  return bus;
}

function ownEvent(notice: Notice, rules: EventRules, now: number): PipehooksEvent {
  const { event, type, hook, detail } = notice;
  const context: EventContext =
    event === undefined
      ? {}
      : {
          pipeline: event.pipeline,
          flowgroup: event.flowgroup,
          action: event.action,
          runId: event.runId,
          traceparent: event.traceparent,
          causedBy: event.id,
          hops: Math.min((event.hops ?? 0) + 1, 16),
        };
  return createEvent(type, { subject: hook, metadata: { hook, ...detail } }, context, rules, now);
}

function reached(acceptances: readonly Acceptance[]): Set<string> {
  const hooks = new Set<string>();
  for (const { deliveries } of acceptances) for (const { hook } of deliveries) hooks.add(hook);
  return hooks;
}

async function checkHook(
  hook: string,
  {
    make,
    timeoutMs,
    clock,
    redact,
  }: {
    readonly make: Lanes["live"];
    readonly timeoutMs: number;
    readonly clock: Clock;
    readonly redact: Redact;
  },
): Promise<HookCheck> {
  const controller = new AbortController();
  const late = Promise.withResolvers<never>();
  const timer = clock.timer(timeoutMs, () => {
    const error = new HookError("TIMEOUT", `${hook}: the check took longer than ${timeoutMs} ms.`);
    late.reject(error);
    controller.abort(error);
  });
  const check = async (): Promise<HookCheck> => {
    const live = await make(hook);
    if (live === undefined)
      return { hook, status: "off", summary: "disabled in the configuration" };
    if (live.check === undefined) {
      return { hook, status: "unknown", summary: "this kind of hook has no check" };
    }
    const report: CheckReport | void = await live.check(controller.signal);
    return { hook, status: "ok", summary: redact(report?.summary ?? "could deliver") };
  };
  try {
    return await Promise.race([check(), late.promise]);
  } catch (error) {
    return { hook, status: "failed", summary: redact(messageOf(error)) };
  } finally {
    timer[Symbol.dispose]();
  }
}

async function warnOfLoss(store: Store, logger: Logger): Promise<void> {
  const counts = await store.counts();
  const lost = counts
    .filter(({ state }) => ["waiting", "blocked", "running", "retrying", "pending"].includes(state))
    .reduce((total, { count }) => total + count, 0);
  if (lost > 0) {
    logger.warn(
      `${lost} deliveries end with the memory store. Drain before closing, or use a durable store.`,
    );
  }
}
