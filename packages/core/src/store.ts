import type { GateFacts, GateRelease } from "./gates/gate.ts";
import type { GateSpec } from "./gates/spec.ts";
import type { JsonValue } from "./json.ts";
import type {
  AttemptRow,
  DeliveryQuery,
  DeliveryRow,
  EventQuery,
  EventRow,
  GateQuery,
  GateRow,
} from "./store-query.ts";

/**
 * Where events, deliveries and memory live until settled. Stores keep and find; they decide nothing: when
 * something is due, what follows a failure and what a gate says is computed in core and handed in.
 * `packages/testing` has the conformance suite that every store runs.
 */
export interface Store extends AsyncDisposable {
  /** One line for people, without secrets: `memory`, `sqlite:/data/pipehooks.db`. */
  readonly description: string;
  /** Whether what is accepted survives the end of the process. */
  readonly durable: boolean;

  /**
   * Stores events with their deliveries, all or nothing, in order. An event whose (source, id) is there
   * already is stored once: its entry comes back with `duplicate: true` and no new deliveries. Gates are taken
   * a step on ({@link passGate}) in the same transaction, event by event, and their actions done.
   * With `lease`, deliveries for the hooks that it names are leased at once, which saves the claim; not while one of
   * the `keys` of their lane is blocked, and never one with an order key.
   * @throws HookError STORE_FULL, STORE_BUSY, STORE_UNWRITABLE, STORE_CORRUPT, STORE_FAILED
   */
  accept(batch: readonly Acceptance[], lease?: AcceptLease): Promise<readonly Accepted[]>;

  /**
   * Leases deliveries that are due. Also takes those whose lease has run out, and says so. A lane gets nothing while one of
   * its `keys` is blocked ({@link MemoryChange.blockedUntil}). Deliveries with an equal order key come one after
   * the other, in the order of acceptance. Before that, gates of the lane's hook that want to be asked by now
   * are asked, some hundred at a time, whatever `limit` is and whether the lane is blocked or not; so are those whose
   * time lies further off than any wait of theirs ({@link latestWake}), since then the clock was set back.
   */
  claim(request: ClaimRequest): Promise<readonly LaneClaim[]>;

  /**
   * Records what became of claimed deliveries and stores what their hooks emitted, all in one transaction.
   * Answers `false` for a delivery whose lease now belongs to another owner or that was cancelled; then nothing of
   * that settlement is stored.
   */
  settle(settlements: readonly Settlement[]): Promise<readonly boolean[]>;

  /**
   * The same while the process exits, which waits for nothing: stored when it returns, within half a second, or not at all;
   * never throws. What else the owner of `rest` has leased was not tried, and is due again at once. Left out where nothing
   * outlives the process, or where it cannot be done.
   */
  settleNow?(settlements: readonly Settlement[], rest?: UnknownLeases): void;

  /** Moves the end of leases; answers the ids that `owner` still holds. */
  extend(lease: {
    readonly owner: string;
    readonly ids: readonly number[];
    readonly until: number;
  }): Promise<readonly number[]>;

  /**
   * Changes the memory under `key` by a pure function, atomically over all processes; the function may be
   * called more than once. Answers the memory as it stands afterwards.
   */
  update(key: string, reduce: (memory: JsonValue | undefined) => MemoryChange): Promise<Memory>;

  /** Reads the memories under the given keys; absent ones are left out. */
  read(keys: readonly string[]): Promise<readonly Memory[]>;

  /** Hooks that something is due for some time, or whose gate remembers something. */
  lanes(): Promise<readonly LaneWork[]>;

  /** Calls back after another process (or another store on the same data) may have added work. */
  watch(listener: () => void): Disposable;

  events(query: EventQuery): Promise<readonly EventRow[]>;
  deliveries(query: DeliveryQuery): Promise<readonly DeliveryRow[]>;
  attempts(deliveryId: number): Promise<readonly AttemptRow[]>;
  /** How many deliveries of each hook are in each state; cheap at any size. */
  counts(): Promise<
    readonly { readonly hook: string; readonly state: DeliveryState; readonly count: number }[]
  >;

  /** What gates remember, those that want to be asked soonest first, then the others. */
  gates(query: GateQuery): Promise<readonly GateRow[]>;
  /** Events that gates announced and nobody has routed yet, oldest first. */
  unrouted(limit: number): Promise<readonly EventRow[]>;
  /**
   * Adds the deliveries and gate entries of announced events, and takes them off the list, in one transaction;
   * one that another process has routed meanwhile is left alone. Answers whether each was routed now.
   */
  route(routed: readonly Routed[]): Promise<readonly boolean[]>;

  /** Makes settled deliveries due again with a fresh budget of attempts; answers the ids. */
  replay(query: DeliveryQuery, now: number): Promise<readonly number[]>;
  /** Ends unsettled deliveries; answers the ids. Of one that is gathering, the gate forgets the key, too. */
  cancel(query: DeliveryQuery, now: number): Promise<readonly number[]>;
  /**
   * Removes events whose deliveries are all settled, oldest first, at most `limit` of them. Dead deliveries
   * count as settled only when older than `deadBefore`.
   */
  purge(request: PurgeRequest): Promise<number>;
}

export interface StoredEvent {
  readonly source: string;
  readonly id: string;
  readonly type: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly pipeline?: string | undefined;
  /** The whole event as JSON text. */
  readonly body: string;
  /** Whether the id was made for it just now, so that no event that came before can have it. */
  readonly idIsNew?: boolean | undefined;
}

export interface Acceptance {
  readonly event: StoredEvent;
  readonly deliveries: readonly NewDelivery[];
  /** Gates that it comes to, at most one of a hook. */
  readonly gates?: readonly GateEntry[] | undefined;
  /** When it was accepted, in milliseconds since the epoch. */
  readonly at: number;
}

/** An event at a gate. */
export interface GateEntry {
  readonly hook: string;
  readonly spec: GateSpec;
  readonly key: string;
  readonly facts: GateFacts;
  /** Of the delivery that is made when this event is the first that is gathered. */
  readonly orderKey?: string | undefined;
}

/** Who leases what it emits itself. */
export interface AcceptLease {
  readonly owner: string;
  readonly until: number;
  /** Hooks with the memory keys that can block their lanes. */
  readonly lanes: readonly { readonly hook: string; readonly keys: readonly string[] }[];
}

export interface NewDelivery {
  readonly hook: string;
  readonly dueAt: number;
  /** Deliveries of one hook with an equal key go one after the other. */
  readonly orderKey?: string | undefined;
}

export interface Accepted {
  readonly duplicate: boolean;
  /** Ids of the deliveries made, in the order given; for a duplicate those made the first time. */
  readonly deliveries: readonly number[];
  /** Which of the deliveries are leased by who emits, as asked for; absent when none is. */
  readonly leased?: readonly number[] | undefined;
  /** The delivery that the event belongs to now, for each gate entry in order; absent when there are none. */
  readonly gates?: readonly GatePlace[] | undefined;
  /** A gate announced an event, which waits to be routed. */
  readonly announced?: boolean | undefined;
}

/** What became of an event at a gate. */
export interface GatePlace {
  readonly delivery: number;
  /** `gathering`, `waiting` or `blocked` when it was released at once, `skipped`, or `dead` when the gate is full. */
  readonly state: DeliveryState;
}

export interface ClaimRequest {
  readonly lanes: readonly ClaimLane[];
  /** Who holds the leases: unique per running process. */
  readonly owner: string;
  readonly now: number;
  readonly leaseMs: number;
}

export interface ClaimLane {
  readonly hook: string;
  /** Memory keys that can block this lane (the hook's own, its destination's). */
  readonly keys: readonly string[];
  readonly limit: number;
  /**
   * The hook's gate. With `null` it has none any more: what was gathered is let through, and what is remembered forgotten,
   * some hundred keys at a time.
   */
  readonly gate?: GateSpec | null | undefined;
  /** Keys that the gate shall know; those that it does not are given to it as a `seed` first. */
  readonly seeds?: readonly string[] | undefined;
}

export interface LaneWork {
  readonly hook: string;
  /** The earliest time at which something is due or the gate wants to be asked; absent when neither will be. */
  readonly dueAt?: number | undefined;
  /** Whether its gate remembers something; it may have been taken out since. */
  readonly gated: boolean;
}

export interface LaneClaim {
  readonly hook: string;
  readonly deliveries: readonly ClaimedDelivery[];
  /** When the lane should be asked again: next due time or end of its block; absent when nothing is unsettled. */
  readonly nextDueAt?: number | undefined;
  /** When a gate of this hook wants to be asked next; absent when none does. */
  readonly nextGateAt?: number | undefined;
  /** A gate announced an event, which waits to be routed. */
  readonly announced?: boolean | undefined;
}

export interface ClaimedDelivery {
  readonly id: number;
  /** JSON texts of the events, oldest first; of more than the gate's `maxEvents` the first ones and the very last. */
  readonly events: readonly string[];
  /** What its gate said of it; absent without a gate. */
  readonly gate?: GatedDelivery | undefined;
  /** Attempts made so far, the one that this claim begins included. */
  readonly attempt: number;
  /** Since when it is being delivered: when the event was accepted, or the delivery last replayed. */
  readonly since: number;
  /** What the last pending outcome stored. */
  readonly state?: JsonValue | undefined;
  /** Set when the lease before this one ran out: nobody knows what became of that attempt. */
  readonly lost?: true | undefined;
  /** How many leases in a row ran out, as remembered by {@link Settlement.losses} and with this one; absent without any. */
  readonly losses?: number | undefined;
}

/** What belongs to a delivery that a gate let through. */
export interface GatedDelivery {
  readonly key: string;
  /** How many events it has, those included that are not given whole. */
  readonly count: number;
  /** Ids of the events that are not among {@link ClaimedDelivery.events}, oldest first. */
  readonly restIds: readonly string[];
  readonly release: GateRelease;
}

/**
 * - `gathering`: a gate holds it back; `waiting`: not tried yet; `blocked`: behind an earlier one with the same order key; `running`: leased;
 *   `retrying`: failed, will be tried again; `pending`: a remote run goes on;
 * - settled: `delivered`, `skipped`, `dead`, `cancelled`.
 */
export type DeliveryState =
  | "gathering"
  | "waiting"
  | "blocked"
  | "running"
  | "retrying"
  | "pending"
  | "delivered"
  | "skipped"
  | "dead"
  | "cancelled";

export interface Settlement {
  readonly id: number;
  readonly owner: string;
  readonly now: number;
  /** `waiting` gives the delivery back untried. */
  readonly to: "delivered" | "skipped" | "dead" | "retrying" | "pending" | "waiting";
  /** When it is due again; for `retrying`, `pending` and `waiting`. */
  readonly dueAt?: number | undefined;
  /** Attempts to remember (a look at something pending, or a give-back, takes the claim's count back). */
  readonly attempts: number;
  /** What to give back at the next claim; of a dead one after a replay. Without one, what is settled forgets it. */
  readonly state?: JsonValue | undefined;
  /** Why it is dead or skipped, or what the last failure was; for people, redacted. What was not tried keeps the one it had. */
  readonly reason?: string | undefined;
  /** What this attempt was; absent when nothing was tried. */
  readonly attempt?: AttemptRecord | undefined;
  /** Leases in a row that ran out, to remember while it is unsettled. @default 0 */
  readonly losses?: number | undefined;
  /** What the hook emitted. */
  readonly emitted?: readonly Acceptance[] | undefined;
}

export interface AttemptRecord {
  readonly number: number;
  readonly startedAt: number;
  readonly durationMs: number;
  readonly outcome: "delivered" | "skipped" | "pending" | "retry" | "dead";
  /** Code of the error, when there was one. */
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  /** What the receiver answered, redacted, as JSON. */
  readonly answer?: JsonValue | undefined;
}

/** What an owner holds without knowing: the store was asked, and the answer did not come. */
export interface UnknownLeases {
  readonly owner: string;
  readonly now: number;
  /** Whose deliveries are let go of; those of others stay leased. */
  readonly hooks: readonly string[];
}

export interface Memory {
  readonly key: string;
  readonly value: JsonValue | undefined;
  readonly blockedUntil?: number | undefined;
}

export interface MemoryChange {
  /** The new memory; `undefined` forgets the key. */
  readonly value: JsonValue | undefined;
  /** Lanes that name this key get nothing until then (milliseconds since the epoch). */
  readonly blockedUntil?: number | undefined;
}

/** An announced event with where it goes. */
export interface Routed {
  readonly seq: number;
  readonly deliveries: readonly NewDelivery[];
  readonly gates?: readonly GateEntry[] | undefined;
  readonly at: number;
}

export interface PurgeRequest {
  /** Settled events accepted before this are removed. */
  readonly before: number;
  /** Events with dead deliveries are kept until this. */
  readonly deadBefore: number;
  /** Beyond this many events the oldest settled ones go, whatever their age. */
  readonly keep?: number | undefined;
  /** How many to remove in this step. */
  readonly limit: number;
}
