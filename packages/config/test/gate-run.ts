import { type LoadedConfig, openPipehooks } from "@pipehooks/config";
import {
  createMemoryStore,
  type Delivery,
  type DeliveryState,
  type EventFields,
  silentLogger,
} from "@pipehooks/core";
import { createVirtualTime } from "@pipehooks/testing";
import { onTestFinished } from "vitest";

/** An event: seconds since the start, type, and the rest. */
export type Emitted = readonly [at: number, type: string, fields?: EventFields];

export interface GateRun {
  /** In their order: `40s orders: 1 2`, seconds since the start, key, and numbers (else types) of the events. */
  readonly delivered: readonly string[];
  /** What was not delivered: state, numbers of the events, reason. */
  readonly others: readonly string[];
}

/**
 * Runs a loaded configuration under virtual time from 2026-01-01T00:00:00Z: events are numbered from 1 in the order
 * given. Deliveries of every hook are noted and count as delivered, unless the hooks run as configured.
 */
export async function runGate(
  loaded: LoadedConfig,
  { emit, until }: { readonly emit: readonly Emitted[]; readonly until: number },
  hooks: "noting" | "as configured" = "noting",
): Promise<GateRun> {
  const time = createVirtualTime();
  const start = time.now();
  const seconds = (): number => (time.now() - start) / 1000;
  const store = createMemoryStore();
  const delivered: string[] = [];
  const note = (delivery: Delivery): void => {
    const { events, key, alert } = delivery;
    const names = events.map(({ id, type }) => (/^\d+$/.test(id) ? id : type));
    const state = alert === undefined ? "" : ` ${alert.state}`;
    delivered.push(`${seconds()}s ${key ?? "-"}${state}: ${names.join(" ")}`);
  };
  const bus = await openPipehooks(loaded, {
    hooks: (loaded.options.hooks ?? []).map((hook) =>
      hooks === "noting" ? { ...hook, hook: note } : hook,
    ),
    clock: time.clock,
    random: time.random,
    logger: silentLogger,
    store,
  });
  onTestFinished(() => bus.close({ timeoutMs: 0 }));

  await time.advance(0);
  for (const [index, [at, type, fields]] of emit.entries()) {
    await time.advance(at * 1000 - (time.now() - start));
    await bus.emitUnknown(type, { ...fields, id: String(index + 1) });
  }
  await time.advance(until * 1000 - (time.now() - start));

  const states: readonly DeliveryState[] = ["skipped", "dead", "gathering"];
  const rows = await store.deliveries({ states, oldestFirst: true });
  return {
    delivered,
    others: rows.map(({ state, eventId, reason }) => `${state} ${eventId}: ${reason ?? ""}`),
  };
}
