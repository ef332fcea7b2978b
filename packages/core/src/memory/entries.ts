import { unsettledStates } from "../delivery-state.ts";
import type { GateRelease } from "../gates/gate.ts";
import type { GateSpec } from "../gates/spec.ts";
import type { JsonValue } from "../json.ts";
import type { DeliveryState, StoredEvent } from "../store.ts";
import type { AttemptRow } from "../store-query.ts";
import type { Fifo } from "./fifo.ts";
import type { Heap, Placed } from "./heap.ts";

export interface EventEntry {
  readonly seq: number;
  readonly stored: StoredEvent;
  readonly acceptedAt: number;
  /** Those that it belongs to, in the order in which it came to them; absent until there is one. */
  deliveries: DeliveryEntry[] | undefined;
  /** How many things need it: unsettled deliveries, gates that keep it, its missing route. */
  open: number;
  /** How many of its deliveries are dead. */
  dead: number;
  removed: boolean;
  /** Whether it can be found by its id. */
  isSorted: boolean;
}

export interface DeliveryEntry extends Placed {
  readonly id: number;
  readonly hook: HookShelf;
  /** Its first one, if a gate let several through. */
  event: EventEntry;
  readonly orderKey: string | undefined;
  readonly gated: Gated | undefined;
  state: DeliveryState;
  dueAt: number | undefined;
  attempts: number;
  owner: string | undefined;
  /** Leases in a row that ran out. */
  losses: number;
  data: JsonValue | undefined;
  reason: string | undefined;
  settledAt: number | undefined;
  since: number;
  log: AttemptRow[] | undefined;
}

/** What a delivery has that came to a gate. */
export interface Gated {
  readonly key: string;
  readonly events: Fifo<EventEntry>;
  /** Absent while it is gathering, and when it was never let through. */
  release: GateRelease | undefined;
}

/** What a gate remembers of one key. */
export interface GateKey extends Placed {
  readonly hook: HookShelf;
  readonly key: string;
  value: JsonValue;
  wakeAt: number | undefined;
  keep: EventEntry | undefined;
  gathering: DeliveryEntry | undefined;
}

/** Of the deliveries with one order key, the one that has the turn and those that wait for it. */
export interface Turn {
  holder: DeliveryEntry;
  readonly waiting: Heap<DeliveryEntry>;
}

/** All that belongs to one hook. */
export interface HookShelf {
  readonly name: string;
  /** Deliveries that have a due time or a lease. */
  readonly due: Heap<DeliveryEntry>;
  readonly turns: Map<string, Turn>;
  readonly counts: Record<DeliveryState, number>;
  readonly gates: Map<string, GateKey>;
  readonly timers: Heap<GateKey>;
  /** Whether it was announced that the gate is full. */
  full: boolean;
  /** The latest time at which its gate was asked, and how the gate was then; an earlier time shows that the clock was set back. */
  askedAt: number;
  asked: GateSpec | undefined;
}

export const settledStates: ReadonlySet<DeliveryState> = new Set([
  "delivered",
  "skipped",
  "dead",
  "cancelled",
]);

export const deliveryStates: readonly DeliveryState[] = [...unsettledStates, ...settledStates];
