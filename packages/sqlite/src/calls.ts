import type {
  AcceptLease,
  AttemptRow,
  ClaimRequest,
  DeliveryQuery,
  DeliveryRow,
  DeliveryState,
  EventQuery,
  EventRow,
  GateQuery,
  GateRow,
  LaneWork,
  PurgeRequest,
  UnknownLeases,
} from "@pipehooks/core";
import type { GateSpec } from "@pipehooks/core/gates";
import type { Fault } from "./fault.ts";

/** One value of a flat row; rows that come by the thousand travel flat, because cloning objects is slow. */
export type Cell = string | number | null;

/** What goes to the engine and what comes back, by operation. */
export interface Operations {
  /** Answers first id, count and {@link acceptedFlags} of each, then what the flags say. */
  accept: { ask: AcceptAsk; answer: readonly number[] };
  claim: { ask: ClaimRequest; answer: readonly LaneAnswer[] };
  /** Answers 0 or 1 for each. */
  settle: { ask: SettleAsk; answer: readonly number[] };
  extend: {
    ask: { readonly owner: string; readonly ids: readonly number[]; readonly until: number };
    answer: readonly number[];
  };
  /** Answers how many. */
  letGo: { ask: UnknownLeases; answer: number };
  update: { ask: MemoryWrite; answer: MemoryAnswer };
  read: { ask: readonly string[]; answer: readonly MemoryCells[] };
  lanes: { ask: null; answer: readonly LaneWork[] };
  /** A number that differs once another connection has changed the file. */
  version: { ask: null; answer: number };
  events: { ask: Step<EventQuery>; answer: Found<EventRow> };
  deliveries: { ask: Step<DeliveryQuery>; answer: Found<DeliveryRow> };
  attempts: { ask: number; answer: readonly AttemptRow[] };
  counts: {
    ask: null;
    answer: readonly {
      readonly hook: string;
      readonly state: DeliveryState;
      readonly count: number;
    }[];
  };
  gates: { ask: GateQuery; answer: readonly GateRow[] };
  unrouted: { ask: number; answer: readonly EventRow[] };
  /** Answers 0 or 1 for each. */
  route: { ask: RouteAsk; answer: readonly number[] };
  replay: { ask: Ids; answer: readonly number[] };
  cancel: { ask: Ids; answer: readonly number[] };
  purge: { ask: PurgeRequest; answer: number };
}

export type Operation = keyof Operations;

export interface Call<Name extends Operation = Operation> {
  readonly op: Name;
  readonly ask: Operations[Name]["ask"];
}

/** Operations that change nothing: they run without the write lock when they are alone. */
export const readOperations: ReadonlySet<Operation> = new Set<Operation>([
  "read",
  "lanes",
  "version",
  "events",
  "deliveries",
  "attempts",
  "counts",
  "gates",
  "unrouted",
]);

/** Whether a call comes to gates. */
export function needsGates(call: Call): boolean {
  // Call pairs an operation with its own argument; the compiler cannot follow that through a union.
  const { op, ask } = call as { [Name in Operation]: Call<Name> & { op: Name } }[Operation];
  if (op === "accept" || op === "route") return ask.specs.length > 0;
  if (op === "claim") return ask.lanes.some(({ gate }) => gate !== undefined);
  return op === "settle" && [...ask.emitted.values()].some(({ specs }) => specs.length > 0);
}

/** One answer a call, in order; where a call failed, its fault stands in `faults` under its position. */
export interface Answers {
  readonly values: readonly unknown[];
  readonly faults: ReadonlyMap<number, Fault>;
}

/** How many cells each of what is packed flat takes. */
export const cellsOf = {
  /** source, id, type, pipeline, at, body, number of deliveries, number of entries; those follow. */
  event: 8,
  /** seq, at, number of deliveries, number of entries; those follow. */
  routed: 4,
  /** hook, dueAt, orderKey. */
  delivery: 3,
  /** hook, position of the spec, key, facts as JSON text (null for none), orderKey. */
  entry: 5,
  /** id, attempt, since, state as JSON text, body (null for a gated one), losses (null for none), whether it was lost now. */
  claimed: 7,
  /**
   * id, number of the owner, now, to, dueAt, attempts, state, reason, losses, then of the attempt: number (null without
   * one), startedAt, durationMs, outcome, code, message, answer.
   */
  settlement: 16,
} as const;

export const acceptedFlags = {
  duplicate: 1,
  announced: 2,
  /** How many are leased follows, and their ids. */
  leased: 4,
  /** How many gates follows, then delivery and state of each. */
  gates: 8,
} as const;

export interface AcceptAsk {
  /** Acceptances one after the other. */
  readonly cells: readonly Cell[];
  /** Each spec once, whatever number of events comes to it. */
  readonly specs: readonly GateSpec[];
  readonly lease: AcceptLease | null;
}

export type RouteAsk = Omit<AcceptAsk, "lease">;

export interface LaneAnswer {
  readonly hook: string;
  readonly nextDueAt: number | null;
  readonly nextGateAt: number | null;
  readonly announced: boolean;
  readonly cells: readonly Cell[];
  /** What belongs to those of the cells that have no body, in their order. */
  readonly gated: readonly GatedAnswer[];
}

export interface GatedAnswer {
  readonly key: string;
  readonly count: number;
  readonly events: readonly string[];
  readonly restIds: readonly string[];
  /** As JSON text; null for one that no gate released: it was replayed. */
  readonly release: string | null;
}

export interface MemoryWrite {
  readonly key: string;
  /** Version that the change was computed from; 0 for an absent key. */
  readonly version: number;
  readonly value: string | null;
  readonly blockedUntil: number | null;
}

export interface MemoryCells {
  readonly key: string;
  readonly version: number;
  readonly value: string | null;
  readonly blockedUntil: number | null;
}

export interface MemoryAnswer extends MemoryCells {
  /** False when the version was another: then this is the memory to start over from. */
  readonly applied: boolean;
}

/** A query is answered in steps that look at a bounded number of rows each, so that none holds others up. */
export interface Step<Query> {
  readonly query: Query;
  /** Where the last step stopped. */
  readonly from: number | null;
  /** How many rows are still wanted. */
  readonly limit: number;
}

export interface Found<Row> {
  readonly rows: readonly Row[];
  /** Where to go on; null at the end. */
  readonly next: number | null;
}

export interface Ids {
  /** Ascending. */
  readonly ids: readonly number[];
  readonly now: number;
}

export interface SettleAsk {
  /** Whom the cells name by number: all those of one process are of one owner. */
  readonly owners: readonly string[];
  /** Settlements one after the other, as packed by `packSettlements`. */
  readonly cells: readonly Cell[];
  /** What was emitted with some of them, by their places. */
  readonly emitted: ReadonlyMap<number, AcceptAsk>;
}
