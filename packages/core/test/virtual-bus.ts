import {
  createPipehooks,
  type Delivery,
  type EventTypes,
  type Logger,
  type Outcome,
  type Pipehooks,
  type PipehooksEvent,
  type PipehooksOptions,
  type Store,
} from "@pipehooks/core";
import { createVirtualTime, type VirtualTime } from "@pipehooks/testing";
import { onTestFinished } from "vitest";

/** A logger that keeps its lines as `level: message`. */
export function createLog(): { readonly lines: string[]; readonly logger: Logger } {
  const lines: string[] = [];
  const keep =
    (level: string): Logger["info"] =>
    (message, fields) =>
      void lines.push(
        `${level}: ${message}${fields === undefined ? "" : ` ${JSON.stringify(fields)}`}`,
      );
  return {
    lines,
    logger: { debug: keep("debug"), info: keep("info"), warn: keep("warn"), error: keep("error") },
  };
}

export interface VirtualBus<Types extends EventTypes> {
  readonly bus: Pipehooks<Types>;
  readonly time: VirtualTime;
  readonly log: string[];
}

/** A bus under virtual time, closed when the test is finished. */
export function openBus<const Types extends EventTypes = Record<never, never>>(
  options: PipehooksOptions<Types> & { readonly time?: VirtualTime } = {},
): VirtualBus<Types> {
  const { time = createVirtualTime(), ...rest } = options;
  const { lines, logger } = createLog();
  const bus = createPipehooks<Types>({
    clock: time.clock,
    random: time.random,
    logger,
    ...rest,
  } as PipehooksOptions<Types>);
  onTestFinished(() => bus.close({ timeoutMs: 0 }));
  return { bus, time, log: lines };
}

/** A hook that notes when (in seconds since the start) which event came, and answers as told. */
export function createRecorder(
  time: VirtualTime,
  answer: (delivery: Delivery, call: number) => Outcome | void | Promise<Outcome | void> = () => {},
) {
  const start = time.now();
  const calls: { at: number; event: PipehooksEvent; delivery: Delivery }[] = [];
  return {
    calls,
    times: () => calls.map(({ at }) => at),
    hook(delivery: Delivery) {
      calls.push({ at: (time.now() - start) / 1000, event: delivery.event, delivery });
      return answer(delivery, calls.length);
    },
  };
}

/** Resolves only when its signal aborts, by throwing the reason. */
export function untilAborted({ signal }: { readonly signal: AbortSignal }): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** The same store for several buses one after the other: closing a bus does not dispose of it. */
export function keepOpen(store: Store): Store {
  return { ...store, async [Symbol.asyncDispose]() {} };
}

/** The same store, which answers the first update of memory late. */
export function slowToUpdate(store: Store, { clock }: VirtualTime, ms: number): Store {
  let isFirst = true;
  return {
    ...store,
    async update(key, reduce) {
      const isLate = isFirst;
      isFirst = false;
      const memory = await store.update(key, reduce);
      if (isLate) await new Promise<void>((resolve) => void clock.timer(ms, resolve));
      return memory;
    },
  };
}

/** A promise to be settled from outside. */
export function createGate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}
