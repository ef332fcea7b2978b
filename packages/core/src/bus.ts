import { createAnnouncements } from "./announcements.ts";
import { type Arrival, EventForStore, NewAcceptance, NewArrival } from "./arrival.ts";
import { busProblems } from "./bus-problems.ts";
import { builtInEventTypes, deliveryEventTypes, type EventTypes } from "./catalogue.ts";
import { checkHook } from "./check-hook.ts";
import { systemClock } from "./clock.ts";
import { type EventContext, type EventRules, type Stamped, stampEvent } from "./create-event.ts";
import { createDispatcher } from "./dispatcher.ts";
import { checkWait } from "./duration.ts";
import { HookError, messageOf } from "./errors.ts";
import type { EventFields, PipehooksEvent } from "./event.ts";
import { explainEvent } from "./explain/explain.ts";
import { collectHealth } from "./health.ts";
import { prepareHooks } from "./hook-config.ts";
import { createInstrument } from "./instrument.ts";
import { createIntake, type EmitResult, quiet } from "./intake.ts";
import { deepFreeze, type JsonObject } from "./json.ts";
import { createLanes } from "./lanes.ts";
import { createListeners } from "./listeners.ts";
import { redactingLogger, stderrLogger } from "./logger.ts";
import { createMemoryStore } from "./memory/store.ts";
import { createOwnEvents } from "./own-events.ts";
import type { Pipehooks, PipehooksOptions } from "./pipehooks.ts";
import { createRedactor, type Redact } from "./redact.ts";
import { createRetention } from "./retention.ts";
import { createRouter } from "./router.ts";
import { createShutDown } from "./shut-down.ts";
import type { Acceptance, Accepted } from "./store.ts";
import { strangersIn } from "./strangers.ts";
import { unknownHook } from "./unknown-hook.ts";
import { withoutStop } from "./without-stop.ts";

const defaultMaxEventBytes = 256 * 1024;
const defaultSource = "/pipehooks";

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
export function createPipehooks<const Types extends EventTypes = Record<never, never>>(
  options: PipehooksOptions<Types> = {},
): Pipehooks<Types> {
  const clock = options.clock ?? systemClock;
  const random = options.random ?? Math.random;
  const store = options.store ?? createMemoryStore();
  const plainLogger = options.logger ?? stderrLogger;
  // The hooks tell their secrets when they are prepared, and their conditions log later.
  let redact: Redact = (text) => text;
  const logger = redactingLogger(plainLogger, (text) => redact(text));
  const hooks = prepareHooks(Array.isArray(options.hooks) ? options.hooks : [], {
    problems: busProblems(options),
    defaults: options.defaults,
    source: options.source ?? defaultSource,
    logger,
    now: () => clock.now(),
  });
  redact = createRedactor([...(options.secrets ?? []), ...hooks.flatMap(({ secrets }) => secrets)]);
  const rules: EventRules = {
    source: options.source ?? defaultSource,
    types: { ...builtInEventTypes, ...options.events },
    allowUnknownTypes: options.allowUnknownTypes ?? false,
    maxEventBytes: options.maxEventBytes ?? defaultMaxEventBytes,
    wantsJson: store.durable,
  };
  const strangers = strangersIn(options.hooks ?? [], {
    types: [...Object.keys(rules.types), ...deliveryEventTypes],
    allowUnknownTypes: rules.allowUnknownTypes,
    destinations: Object.keys(options.destinations ?? {}),
  });
  for (const stranger of strangers) logger.warn(stranger);
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
  let closing: Promise<void> | undefined;

  const arrive = (
    stamped: Stamped,
    now: number,
    { context, idIsNew = false }: { context?: EventContext | undefined; idIsNew?: boolean } = {},
  ): Arrival => {
    const { event } = stamped;
    const stored = new EventForStore(stamped, now, idIsNew);
    const acceptance = new NewAcceptance(stored, router.placesOf(event, now), now);
    return new NewArrival(event, acceptance, context);
  };

  const intake = createIntake({
    store,
    logger,
    offer: (batch) => dispatcher.offer(batch),
    accepted(arrival, accepted) {
      // A listener's own emits inherit where the event was emitted, not where its batch began.
      if (listeners.wants(arrival.event.type)) {
        instrument.within(arrival.context, () => listeners.tell(arrival.event));
      }
      ownEvents.tellAccepted(arrival.event, arrival.acceptance, accepted);
    },
    stored(arrivals, results) {
      if (results.some(isLeft)) {
        const left = arrivals.filter((_, index) => isLeft(results[index]));
        dispatcher.wake(reached(left.map(({ acceptance }) => acceptance)));
      }
      if (results.some(({ announced }) => announced)) announcements.route();
    },
  });

  const stored = (acceptances: readonly Acceptance[]): void => {
    for (const acceptance of acceptances) {
      const { type, body } = acceptance.event;
      if (listeners.wants(type)) listeners.tell(deepFreeze(JSON.parse(body) as PipehooksEvent));
      void ownEvents.tellAcceptedLater(acceptance);
    }
    dispatcher.wake(reached(acceptances));
    // A gate may have said something to what was stored with an outcome.
    if (acceptances.some(({ gates }) => gates !== undefined)) announcements.route();
  };

  const announcements = createAnnouncements({
    store,
    logger,
    now: () => clock.now(),
    places: router.placesOf,
    routed(event, routed) {
      if (listeners.wants(event.type)) listeners.tell(event);
      dispatcher.wake(reached([routed]));
    },
  });

  const ownEvents = createOwnEvents({
    store,
    logger,
    clock,
    rules,
    router,
    listeners,
    arrive,
    stored,
  });

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
    return arrive(stampEvent(type, own, context, rules, now), now).acceptance;
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
    wants: ownEvents.wants,
    notify: ownEvents.notify,
    stored,
    announced: announcements.route,
  });
  const retention = createRetention({ store, clock, logger, input: options.retention });

  const accept = (type: string, fields: EventFields<unknown>): Promise<EmitResult> => {
    if (closing !== undefined) {
      throw new HookError("CLOSED", `Event "${type}" comes after the bus was closed.`);
    }
    const now = clock.now();
    const context = instrument.context();
    const stamped = stampEvent(type, fields, context, rules, now);
    return intake.add(arrive(stamped, now, { context, idIsNew: fields.id === undefined }));
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
  const instrument = createInstrument({ accept, rules, now: () => clock.now(), logger });

  const checkConfigured = (names: readonly string[]): void => {
    const configured = hooks.map(({ name }) => name);
    const unknown = names.find((name) => !configured.includes(name));
    if (unknown !== undefined) throw unknownHook(unknown, configured);
  };

  const laneOf = (name: string) => {
    const lane = lanes.byHook.get(name);
    if (lane !== undefined) return lane;
    checkConfigured([name]);
    throw new HookError(
      "CONFIG_INVALID",
      `The configuration switches hook "${name}" off ("enabled: false"). Change it there.`,
    );
  };

  const shutDown = createShutDown({
    store,
    clock,
    logger,
    intake,
    announcements,
    dispatcher,
    retention,
    lanes,
    delivers: options.deliver !== false,
  });

  const bus: Pipehooks<Types> = {
    // What the types say of an event's metadata is what the schema of its type has checked.
    emit: ((type, fields) => emitUnknown(type, fields ?? {})) as Pipehooks<Types>["emit"],
    emitUnknown,
    on: listeners.on as Pipehooks<Types>["on"],
    pipeline: instrument.pipeline,
    drain: shutDown.drain,
    async close({ timeoutMs = 10_000, deliverDue = true } = {}) {
      checkWait("timeoutMs", timeoutMs);
      closing ??= shutDown.close(timeoutMs, deliverDue);
      return closing;
    },
    [Symbol.asyncDispose]: () => bus.close(),
    explain: (target, explainOptions) =>
      explainEvent({ store, hooks, rules, now: clock.now(), redact }, target, explainOptions),
    health: () => collectHealth({ store, hooks, lanes: lanes.byHook, now: clock.now() }),
    async check(names, timeoutMs = 10_000, { verbose = false } = {}) {
      checkWait("timeoutMs", timeoutMs);
      checkConfigured(names ?? []);
      return Promise.all(
        hooks
          .filter(({ name }) => names === undefined || names.includes(name))
          .map(({ name }) =>
            checkHook(name, { make: lanes.live, timeoutMs, clock, redact, verbose }),
          ),
      );
    },
    async enable(name) {
      await laneOf(name).switch.enable();
      logger.info(`Hook "${name}" is enabled.`);
      await ownEvents.tell({ type: "pipehooks.hook.enabled", hook: name, detail: {} });
      dispatcher.wake([name]);
    },
    async disable(name, because = "somebody disabled it") {
      await laneOf(name).switch.disable(redact(because), clock.now());
      logger.warn(`Hook "${name}" is disabled: ${withoutStop(because)}.`);
      const detail = { because: redact(because) };
      await ownEvents.tell({ type: "pipehooks.hook.disabled", hook: name, detail });
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

function reached(acceptances: readonly Pick<Acceptance, "deliveries" | "gates">[]): Set<string> {
  const hooks = new Set<string>();
  for (const { deliveries, gates = [] } of acceptances) {
    for (const { hook } of deliveries) hooks.add(hook);
    for (const { hook } of gates) hooks.add(hook);
  }
  return hooks;
}

/** Whether something of an event is left to be claimed. */
function isLeft(accepted: Accepted | undefined): boolean {
  if (accepted === undefined) return false;
  const { deliveries, leased, gates } = accepted;
  return deliveries.length > (leased?.length ?? 0) || gates !== undefined;
}
