import type { GateMemory, GateRelease } from "./gates/gate.ts";
import type { AttemptRecord, DeliveryState, GatedDelivery } from "./store.ts";

// How a store is asked for what it has, and what it answers. Rows are read, never written.

export interface EventQuery {
  readonly id?: string | undefined;
  readonly source?: string | undefined;
  readonly type?: string | undefined;
  readonly pipeline?: string | undefined;
  /** By time of acceptance, milliseconds since the epoch: from `since` (included) until `until` (not included). */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Newest first unless `oldestFirst`. */
  readonly oldestFirst?: boolean | undefined;
  /** Continue behind this `seq`. */
  readonly after?: number | undefined;
  /** @default 100 */
  readonly limit?: number | undefined;
}

export interface EventRow {
  readonly seq: number;
  readonly acceptedAt: number;
  readonly body: string;
}

export interface DeliveryQuery {
  readonly ids?: readonly number[] | undefined;
  /** Also finds deliveries that have it among others. */
  readonly eventId?: string | undefined;
  readonly hook?: string | undefined;
  readonly states?: readonly DeliveryState[] | undefined;
  /** By time of acceptance. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly oldestFirst?: boolean | undefined;
  /** Continue behind this id. */
  readonly after?: number | undefined;
  /** @default 100 */
  readonly limit?: number | undefined;
}

export interface DeliveryRow {
  readonly id: number;
  readonly hook: string;
  readonly state: DeliveryState;
  readonly eventId: string;
  readonly eventSource: string;
  readonly eventType: string;
  readonly acceptedAt: number;
  readonly attempts: number;
  /** When it is due again, or when its lease ends; absent once settled and while blocked. */
  readonly dueAt?: number | undefined;
  readonly settledAt?: number | undefined;
  readonly reason?: string | undefined;
  readonly orderKey?: string | undefined;
  /** Of a delivery that passed a gate, or waits at one. The event named above is its first one then. */
  readonly gate?: Omit<GatedDelivery, "release" | "restIds"> & {
    /** Absent while it is gathering. */
    readonly release?: GateRelease | undefined;
  };
}

export interface GateQuery {
  readonly hook?: string | undefined;
  /** Together with `hook`. */
  readonly key?: string | undefined;
  /** Only those that want to be asked at some time. */
  readonly timersOnly?: boolean | undefined;
  /** @default 100 */
  readonly limit?: number | undefined;
}

/** What a gate remembers of one key. */
export interface GateRow extends GateMemory {
  readonly hook: string;
  readonly key: string;
  /** The delivery that is gathering, if there is one. */
  readonly delivery?: number | undefined;
}

export interface AttemptRow extends AttemptRecord {
  readonly deliveryId: number;
}
