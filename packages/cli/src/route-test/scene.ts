import type { LoadedConfig } from "@pipehooks/config";
import {
  type Delivery,
  type EmitResult,
  type EventFields,
  type Hook,
  type JsonObject,
  type Outcome,
  type Pipehooks,
  type PipehooksEvent,
  settledStates,
  toDeliveryId,
} from "@pipehooks/core";
import { answerWith } from "./answers.ts";
import { openRehearsal, type RehearsedDelivery } from "./rehearsal.ts";
import type { GivenAnswerInput } from "./schema.ts";

/** One test's bus, and what its steps have seen of it so far. */
export interface Scene extends AsyncDisposable {
  readonly bus: Pipehooks;
  now(): number;
  /** Emits, and does what is due at once. */
  emit(type: string, fields: EventFields<JsonObject>): Promise<void>;
  answer(hook: string, answers: readonly GivenAnswerInput[]): void;
  advance(ms: number): Promise<void>;
  advanceUntil(limit: number, done: () => Promise<boolean>): Promise<void>;
  /** Deliveries that no expectation has seen settled. */
  newDeliveriesOf(hook: string): Promise<readonly RehearsedDelivery[]>;
  /** Deliveries that no expectation has seen at all. */
  unseenDeliveriesOf(hook: string): Promise<readonly RehearsedDelivery[]>;
  /** An expectation was met by these. */
  look(hook: string, looked: readonly RehearsedDelivery[]): void;
  /** What the test emitted since an expectation of the hook was met. */
  emittedSince(hook: string): readonly EmitResult[];
  eventsOf(delivery: RehearsedDelivery): readonly PipehooksEvent[];
  countEvents(deliveries: readonly RehearsedDelivery[]): number;
  /** What hooks and gates emitted that fits and that no expectation was met by. */
  takeEvents(type: string): readonly PipehooksEvent[];
  /** Warnings and errors that core logged. */
  readonly log: readonly string[];
}

export async function openScene(options: {
  readonly loaded: LoadedConfig;
  readonly start: number;
  readonly seed: number;
  /** Types of events that are asked for. */
  readonly heard: readonly string[];
}): Promise<Scene> {
  const answers = new Map<string, GivenAnswerInput[]>();
  const log: string[] = [];
  const tell = (message: string) => void log.push(message);
  const nothing = () => {};
  const rehearsal = await openRehearsal({
    ...options,
    keepSettled: Number.POSITIVE_INFINITY,
    logger: { debug: nothing, info: nothing, warn: tell, error: tell },
    answer: (delivery: Delivery, hook: Pick<Hook, "answered">, now): Promise<Outcome | void> =>
      answerWith(answers.get(delivery.hook)?.shift() ?? 200, delivery, { hook, now }),
  });
  const { bus } = rehearsal;
  const emitted: EmitResult[] = [];
  const own = new Set<PipehooksEvent>();
  const heard = new Map<string, PipehooksEvent[]>();
  for (const type of new Set(options.heard)) {
    const events: PipehooksEvent[] = [];
    heard.set(type, events);
    bus.on(type, (event) => void events.push(event));
  }
  // Ids of deliveries that an expectation saw at all, and those it saw settled.
  const seen = new Set<number>();
  const done = new Set<number>();
  const emittedBefore = new Map<string, number>();
  // A delivery that was never tried tells its events only here.
  const gathered = new Map<string, PipehooksEvent[]>();
  let count = 0;

  const eventsOf = ({ row, sent }: RehearsedDelivery) =>
    sent?.delivery.events ?? gathered.get(toDeliveryId(row.id)) ?? [];

  return {
    bus,
    log,
    now: rehearsal.now,
    advance: rehearsal.advance,
    advanceUntil: rehearsal.advanceUntil,
    async emit(type, fields) {
      count += 1;
      const logged = log.length;
      try {
        // Ids of its own would differ from run to run.
        const result = await rehearsal.emit(type, { id: `evt_${count}`, ...fields });
        emitted.push(result);
        own.add(result.event);
        for (const { id } of result.deliveries) {
          gathered.set(id, [...(gathered.get(id) ?? []), result.event]);
        }
      } catch (error) {
        // The step says it.
        log.length = logged;
        throw error;
      }
      await rehearsal.advance(0);
    },
    answer(hook, given) {
      answers.set(hook, [...given]);
    },
    async newDeliveriesOf(hook) {
      const all = await rehearsal.deliveriesOf(hook);
      return all.filter(({ row }) => !done.has(row.id));
    },
    async unseenDeliveriesOf(hook) {
      const all = await rehearsal.deliveriesOf(hook);
      return all.filter(({ row }) => !seen.has(row.id));
    },
    look(hook, looked) {
      for (const { row } of looked) {
        if (row.state !== "gathering") seen.add(row.id);
        if (settledStates.includes(row.state)) done.add(row.id);
      }
      emittedBefore.set(hook, emitted.length);
    },
    emittedSince: (hook) => emitted.slice(emittedBefore.get(hook) ?? 0),
    eventsOf,
    countEvents: (deliveries) =>
      deliveries.reduce(
        (sum, one) =>
          sum + (one.row.gate?.count ?? one.sent?.delivery.count ?? eventsOf(one).length),
        0,
      ),
    takeEvents(type) {
      return (
        heard
          .get(type)
          ?.splice(0)
          .filter((event) => !own.has(event)) ?? []
      );
    },
    [Symbol.asyncDispose]: () => rehearsal[Symbol.asyncDispose](),
  };
}
