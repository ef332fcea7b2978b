import assert from "node:assert/strict";
import type {
  Accepted,
  DeliveryRow,
  DeliveryState,
  GateEntry,
  GateRow,
  Store,
} from "@pipehooks/core";
import type {
  AbsenceSpec,
  AlertSpec,
  DebounceSpec,
  DigestSpec,
  GateFacts,
  GateSpec,
  JoinSpec,
  ThresholdSpec,
} from "@pipehooks/core/gates";
import { acceptance, claimLane, every, t0 } from "./bed.ts";

const common = { hook: "a", source: "/gates", maxKeys: 100, maxEvents: 100 };

// One gate of each kind, with waits of a second or so.
export const debounce: DebounceSpec = {
  ...common,
  kind: "debounce",
  waitMs: 1000,
  maxWaitMs: undefined,
  leading: false,
};
export const digest: DigestSpec = { ...common, kind: "digest", every: 60_000, max: 3 };
export const threshold: ThresholdSpec = {
  ...common,
  kind: "threshold",
  count: 3,
  withinMs: 1000,
  distinct: false,
};
export const join: JoinSpec = {
  ...common,
  kind: "join",
  inputs: ["x", "y"],
  needed: 2,
  withinMs: 1000,
  baseline: "last_fire",
  onFailedInput: "wait",
  onDeadline: "drop",
  late: "next",
};
export const absence: AbsenceSpec = {
  ...common,
  kind: "absence",
  expect: "pipeline.end",
  schedule: { type: "after", withinMs: 1000 },
  graceMs: 0,
  keys: [],
  forgetAfterMs: 1_000_000_000,
};
export const alert: AlertSpec = {
  ...common,
  kind: "alert",
  confirmForMs: 0,
  remindMs: [1000],
  maxReminders: 5,
};

/** An event as it comes to a gate; of the hook `a`, and with the key `k`, unless said otherwise. */
export interface Gated {
  readonly spec?: GateSpec;
  readonly hook?: string;
  readonly key?: string;
  readonly facts?: GateFacts;
  readonly orderKey?: string;
  readonly at?: number;
}

export function gateEntry(fields: Gated = {}): GateEntry {
  const { spec = debounce, hook = "a", key = "k", facts = {}, orderKey } = fields;
  return {
    hook,
    spec: { ...spec, hook },
    key,
    facts,
    ...(orderKey === undefined ? {} : { orderKey }),
  };
}

export function gated(id: string, fields: Gated = {}) {
  return acceptance(id, {
    at: fields.at ?? t0,
    body: bodyOf(id),
    deliveries: [],
    gates: [gateEntry(fields)],
  });
}

/** What {@link gated} gives the event with this id as its body. */
export const bodyOf = (id: string): string => JSON.stringify({ id });

/** Brings one event to a gate, and answers where it is now. */
export async function pass(
  store: Store,
  id: string,
  fields: Gated = {},
): Promise<Accepted & { readonly delivery: number; readonly state: DeliveryState }> {
  const [accepted] = await store.accept([gated(id, fields)]);
  const place = accepted?.gates?.[0];
  assert.ok(accepted !== undefined && place !== undefined, "accept says where the event is now");
  assert.equal(accepted.gates?.length, 1);
  return { ...accepted, ...place };
}

/** Asks for the gate of the hook `a`, taking no delivery, until it wants to be asked no more by now. */
export async function askAll(store: Store, gate: GateSpec | null, now = t0): Promise<void> {
  for (let claims = 0; claims < 30; claims += 1) {
    const { nextGateAt = Infinity } = await claimLane(store, { gate, now, limit: 0 });
    if (nextGateAt > now) return;
  }
  assert.fail("of what is due some hundred keys are asked in each claim");
}

/** The deliveries that an event belongs to. */
export function of(store: Store, eventId: string): Promise<DeliveryRow[]> {
  return every(store, { eventId });
}

/** What a gate remembers of a key, if it does. */
export async function remembered(
  store: Store,
  key = "k",
  hook = "a",
): Promise<GateRow | undefined> {
  const rows = await store.gates({ hook, key });
  assert.ok(rows.length <= 1, "a gate remembers a key once");
  return rows[0];
}

/** Events of this type with what their body says. */
export async function eventsOfType(
  store: Store,
  type: string,
): Promise<readonly { readonly [name: string]: unknown }[]> {
  const rows = await store.events({ type, oldestFirst: true });
  return rows.map(({ body }) => JSON.parse(body) as { readonly [name: string]: unknown });
}
