import {
  createPipehooks,
  type DeliveryRow,
  type HookConfig,
  type Logger,
  type PipehooksEvent,
  silentLogger,
} from "@pipehooks/core";
import { type HexRunOptions, hexEvents, hexRun } from "@pipehooks/hex";
import { createHexReceiver, createVirtualTime, type HexReceiverOptions } from "@pipehooks/testing";

export interface BenchOptions extends Omit<HexReceiverOptions, "now"> {
  /** Options of the hook `hex`. */
  readonly options?: Partial<HexRunOptions>;
  /** Policies and gates of the hook `hex`. */
  readonly hook?: Partial<Omit<HookConfig, "hook" | "name">>;
  /** Other hooks, made from the options that lead to the receiver. */
  readonly others?: (
    options: (more?: Partial<HexRunOptions>) => HexRunOptions,
    projectIds: readonly string[],
  ) => readonly HookConfig[];
  readonly logger?: Logger;
  readonly restMs?: number;
}

/** A bus on virtual time with a `hex-run` hook, and a receiver that lives in the same time. */
export async function openBench(bench: BenchOptions = {}) {
  const { options = {}, hook = {}, others, logger = silentLogger, restMs = 1, ...rest } = bench;
  const time = createVirtualTime({ restMs });
  // Its looking at the clock is a sign of life, too: time does not move on meanwhile.
  const hex = await createHexReceiver({ ...rest, now: () => time.clock.now() });
  const outcomes: PipehooksEvent[] = [];
  const optionsOf = (more: Partial<HexRunOptions> = {}): HexRunOptions => ({
    token: hex.token,
    host: hex.url,
    allowHttp: true,
    project: hex.projectIds[0] ?? "",
    ...more,
  });
  const bus = createPipehooks({
    hooks: [
      { name: "hex", events: "pipeline.end", ...hook, hook: hexRun(optionsOf(options)) },
      ...(others?.(optionsOf, hex.projectIds) ?? []),
      {
        name: "outcomes",
        events: "hex.run.*",
        hook: ({ event }) => void outcomes.push(event),
      },
    ],
    events: hexEvents,
    clock: time.clock,
    random: time.random,
    logger,
    leaseMs: 600_000,
  });
  return {
    time,
    hex,
    bus,
    /** The events that hooks emitted, in their order. */
    outcomes,
    rows: (name = "hex"): Promise<readonly DeliveryRow[]> =>
      bus.store.deliveries({ hook: name, limit: 1000 }),
    async row(): Promise<DeliveryRow> {
      const [row] = await bus.store.deliveries({ hook: "hex" });
      if (row === undefined) throw new Error("there is no delivery");
      return row;
    },
    /** What was posted to start runs. */
    bodies: () =>
      hex.requests.filter(({ method }) => method === "POST").map(({ text }) => JSON.parse(text)),
    async [Symbol.asyncDispose]() {
      await bus.close({ timeoutMs: 0 });
      await hex[Symbol.asyncDispose]();
    },
  };
}

export const minute = 60_000;
export const hour = 3_600_000;
