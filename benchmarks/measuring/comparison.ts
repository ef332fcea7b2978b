/**
 * What is measured. `ours` is Pipehooks, `limit` what the machine allows a program that does nothing else,
 * `peer` what somebody would use instead, `other` what is only shown beside.
 */
export interface Contender {
  readonly role: "ours" | "limit" | "peer" | "other";
  /**
   * Makes it ready, in a process of its own.
   * @throws Missing when this machine has not got it
   */
  readonly open: () => Promise<Opened> | Opened;
}

export interface Opened {
  /** One round of one of the comparison's measures. */
  measure(what: string): Promise<number> | number;
  close?(): Promise<unknown> | unknown;
}

/** A peer that cannot run here; the message says how to install it. */
export class Missing extends Error {
  override readonly name = "Missing";
}

export interface Measure {
  readonly name: string;
  readonly unit: "/s" | "ns" | "ms" | "MB" | "bytes";
  /** Measured once, not in every round: what does not vary. */
  readonly once?: boolean;
}

/** What is to be reached, as a ratio in the same round or as a figure. */
export interface Goal {
  readonly text: string;
  readonly measure?: string;
  /** Whose figures. */
  readonly of: string;
  /** Divided by this one's, or by the best peer's; absent for a goal that is a figure. */
  readonly by?: string | typeof bestPeer;
  /** Less this one's. */
  readonly above?: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export const bestPeer: unique symbol = Symbol("best peer");

export interface Comparison {
  readonly title: string;
  readonly contenders: Readonly<Record<string, Contender>>;
  readonly measures: readonly Measure[];
  readonly goals: readonly Goal[];
  /** How often each contender is started anew, where it is dear to start. @default that of the command line */
  readonly starts?: number;
  /** Lines about method, printed below. */
  readonly notes?: readonly string[];
}

/** The figures of one measure: contender to one number a round. */
export type Figures = ReadonlyMap<string, readonly number[]>;
