import type { LoadedConfig } from "@pipehooks/config";
import {
  type AttemptRow,
  createLocalValues,
  createMemoryStore,
  createPipehooks,
  createRedactor,
  type Delivery,
  type DeliveryRow,
  type EmitResult,
  type EventFields,
  endlessBudget,
  type Hook,
  type JsonObject,
  type Logger,
  type Outcome,
  type Pipehooks,
  toDeliveryId,
} from "@pipehooks/core";
import { rehearseHooks, type Sent } from "./rehearsed-hooks.ts";
import { createTestClock } from "./test-clock.ts";

/** A configuration at work in virtual time: the same core over a memory store, and nothing is sent. */
export interface Rehearsal extends AsyncDisposable {
  readonly bus: Pipehooks;
  now(): number;
  /** Stores events at the present time; what is due because of them is done when `advance` is called. */
  emit(type: string, fields: EventFields<JsonObject>): Promise<EmitResult>;
  /** Lets time pass. */
  advance(ms: number): Promise<void>;
  /** Lets time pass from one timer to the next one until `done`, at most until `limit`. */
  advanceUntil(limit: number, done: () => Promise<boolean>): Promise<void>;
  /** All deliveries of a hook, oldest first. */
  deliveriesOf(hook: string): Promise<readonly RehearsedDelivery[]>;
}

export interface RehearsedDelivery {
  readonly row: DeliveryRow;
  readonly attempts: readonly AttemptRow[];
  /** Its last attempt as it would have gone out. */
  readonly sent: Sent | undefined;
}

const never = () => Promise.resolve(false);
// No process takes over from this one.
const leaseMs = 3_650 * 86_400_000;

export async function openRehearsal(options: {
  readonly loaded: LoadedConfig;
  /** Milliseconds since the epoch. */
  readonly start: number;
  readonly seed: number;
  /** How many settled events the store keeps. */
  readonly keepSettled: number;
  readonly answer: (
    delivery: Delivery,
    hook: Pick<Hook, "answered">,
    now: () => number,
  ) => Promise<Outcome | void>;
  readonly sent?: ((sent: Sent) => void) | undefined;
  readonly logger: Logger;
}): Promise<Rehearsal> {
  const { loaded, start, seed, logger } = options;
  const time = createTestClock({ start, seed });
  const { clock, random } = time;
  const lastSent = new Map<string, Sent>();
  // Once there is a bus, it also knows the secrets among the options of hooks.
  let redact = createRedactor(loaded.options.secrets ?? []);
  const hooks = await rehearseHooks(loaded.options.hooks ?? [], {
    context: (name) => ({
      ...{ name, logger, clock, random, budget: endlessBudget, shared: createLocalValues() },
      redact: (text) => redact(text),
    }),
    defaults: loaded.options.defaults,
    stage: {
      during: time.during,
      answer: (delivery, hook) => options.answer(delivery, hook, time.now),
      sent(sent) {
        if (options.sent === undefined) lastSent.set(sent.delivery.id, sent);
        else options.sent(sent);
      },
    },
  });
  const bus = createPipehooks({
    ...loaded.options,
    hooks: hooks.configs,
    store: createMemoryStore({ maxEvents: 100_000_000, keepSettled: options.keepSettled }),
    deliver: true,
    logger,
    leaseMs,
    clock,
    random,
  });
  time.begin();
  redact = bus.redact;

  /** Does what is due now, and looks through the store once, in the place of the upkeep that the clock leaves out. */
  const doDue = async () => {
    await time.advance(0);
    bus.wake();
    await time.advance(0);
  };
  const advanceUntil = async (limit: number, done: () => Promise<boolean>) => {
    await doDue();
    for (;;) {
      if (await done()) return;
      const next = time.nextAt();
      if (next === undefined || next > limit) break;
      await time.advance(Math.max(0, next - time.now()));
      await doDue();
    }
    if (limit > time.now()) await time.advance(limit - time.now());
  };
  await doDue();

  return {
    bus,
    now: time.now,
    emit: (type, fields) => bus.emitUnknown(type, fields),
    advance: (ms) => advanceUntil(time.now() + ms, never),
    advanceUntil,
    async deliveriesOf(hook) {
      const rows = await bus.store.deliveries({ hook, oldestFirst: true, limit: 1_000_000 });
      return Promise.all(
        rows.map(async (row) => ({
          row,
          attempts: await bus.store.attempts(row.id),
          sent: lastSent.get(toDeliveryId(row.id)),
        })),
      );
    },
    async [Symbol.asyncDispose]() {
      // Time stands still, so nobody may wait for it.
      await bus.close({ timeoutMs: 0, deliverDue: false });
      await hooks[Symbol.asyncDispose]();
    },
  };
}
