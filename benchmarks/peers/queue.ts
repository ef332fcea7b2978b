/** A durable queue of somebody else's, with what it needs running. */
export interface Queue {
  /** Resolves when the event is stored as durably as it can. */
  add(event: object): Promise<unknown>;
  close(): Promise<void>;
}

/** What works off a queue; absent where events are only accepted. */
export interface Work {
  readonly deliver: (event: unknown) => Promise<void>;
  /** Called for each that is delivered and marked as such. */
  readonly settled: () => void;
}

export type OpenQueue = (work?: Work) => Promise<Queue>;

/** Deliveries in flight at a time. */
export const inFlight = 50;
