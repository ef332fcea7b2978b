import { type BreakerState, breakerAfter, breakerState } from "./breaker.ts";
import type { Clock } from "./clock.ts";
import type { JsonObject } from "./json.ts";
import {
  countsLater,
  delayInBudget,
  type LimiterMemory,
  returnToBudget,
  takeFromBudget,
} from "./limiter.ts";
import type { BreakerPolicy, RateWindow } from "./policy.ts";
import { createSharedMemory } from "./shared-memory.ts";
import type { Memory, MemoryChange, Store } from "./store.ts";

/** What all processes know of a destination: breaker, budget and pause, in one memory. */
interface DestinationMemory {
  readonly failures?: number | undefined;
  readonly openUntil?: number | undefined;
  readonly pausedUntil?: number | undefined;
  readonly pausedBecause?: string | undefined;
  readonly budget?: LimiterMemory | undefined;
  readonly budgetUntil?: number | undefined;
}

/** What is limited together: a host, a token, a workspace. Lanes of several hooks may share one. */
export interface Destination {
  readonly name: string;
  readonly key: string;
  readonly windows: readonly RateWindow[];
  /** Most attempts at a time over all its hooks in this process. */
  readonly concurrency: number;
  inFlight: number;
  /** When something new may be taken for it; in the past when it may be now. */
  blockedUntil(): number;
  /** The same without the budget of rates: what was granted from it may begin though it is used up. */
  closedUntil(): number;
  breaker(now: number): BreakerState;
  describe(now: number): DestinationReport;
  /** Takes over what another process may have written. */
  learn(memory: Memory | undefined): void;
  /** Takes from the budget of rates for what begins with the answer; all of it where there is none. */
  take(wanted: number, clock: Pick<Clock, "now">): Promise<number>;
  /** Gives one back that was taken for an attempt that sent nothing; nothing to do where there is no budget. */
  giveBack(now: number): Promise<unknown> | undefined;
  /** Records what an attempt said of its health; answers the end of a new pause, if it paused now. */
  record(report: {
    readonly health: "good" | "bad" | "unknown";
    readonly pauseUntil: number | undefined;
    readonly because: string | undefined;
    readonly now: number;
    readonly breaker: BreakerPolicy;
  }): Promise<unknown> | undefined;
}

export interface DestinationReport {
  readonly name: string;
  readonly breaker: BreakerState;
  readonly failuresInARow: number;
  readonly blockedUntil?: number | undefined;
  /** Why it is blocked: breaker, pause with the receiver's words, or budget. */
  readonly because?: string | undefined;
}

function destinationKey(name: string): string {
  return `destination:${name}`;
}

export function createDestination(options: {
  readonly name: string;
  readonly windows: readonly RateWindow[];
  readonly concurrency: number;
  readonly breaker: BreakerPolicy | undefined;
  readonly store: Store;
}): Destination {
  const { name, windows, concurrency, store } = options;
  const key = destinationKey(name);
  const memory = createSharedMemory<DestinationMemory>({ store, key, empty: {}, toChange });
  const changeBudget = (reduce: (budget: LimiterMemory) => LimiterMemory, now: number) =>
    memory.change((before) => {
      const budget = reduce(before.budget ?? {});
      return { ...before, budget, budgetUntil: takeFromBudget(budget, windows, 0, now).retryAt };
    });

  return {
    name,
    key,
    windows,
    concurrency,
    inFlight: 0,
    blockedUntil: () => blockEnd(memory.value),
    closedUntil: () => closedEnd(memory.value),
    breaker: (now) => breakerState(memory.value, now),
    describe(now) {
      const blockedUntil = blockEnd(memory.value);
      return {
        name,
        breaker: this.breaker(now),
        failuresInARow: memory.value.failures ?? 0,
        ...(blockedUntil > now && { blockedUntil, because: reasonOf(memory.value, blockedUntil) }),
      };
    },
    learn: memory.learn,
    async take(wanted, clock) {
      if (windows.length === 0) return wanted;
      const now = clock.now();
      let granted = 0;
      await memory.change((before) => {
        const take = takeFromBudget(before.budget ?? {}, windows, wanted, now);
        granted = take.granted;
        return { ...before, budget: take.memory, budgetUntil: take.retryAt };
      });
      const when = { from: now, to: clock.now() };
      if (granted > 0 && countsLater(windows, when)) {
        // Nothing waits for it, and without it what was granted counts all the same, as a little older.
        const delay = (budget: LimiterMemory) => delayInBudget(budget, windows, granted, when);
        changeBudget(delay, when.to).catch(() => {});
      }
      return granted;
    },
    giveBack(now) {
      if (windows.length === 0) return undefined;
      return changeBudget((budget) => returnToBudget(budget, windows), now);
    },
    record({ health, pauseUntil, because, now, breaker }) {
      const failing = (memory.value.failures ?? 0) > 0;
      if (pauseUntil === undefined && (health === "unknown" || (health === "good" && !failing))) {
        return undefined;
      }
      // At once in this process; the store's word follows.
      const reduce = (before: DestinationMemory): DestinationMemory => {
        const after =
          health === "unknown"
            ? before
            : {
                ...before,
                ...{ failures: undefined, openUntil: undefined },
                ...breakerAfter(
                  { failures: before.failures ?? 0, openUntil: before.openUntil },
                  health === "good",
                  now,
                  options.breaker ?? breaker,
                ),
              };
        return pauseUntil === undefined || pauseUntil <= (after.pausedUntil ?? 0)
          ? after
          : { ...after, pausedUntil: pauseUntil, pausedBecause: because };
      };
      return memory.changeNow(reduce);
    },
  };
}

function blockEnd(memory: DestinationMemory): number {
  return Math.max(closedEnd(memory), memory.budgetUntil ?? 0);
}

function closedEnd({ openUntil = 0, pausedUntil = 0 }: DestinationMemory): number {
  return Math.max(openUntil, pausedUntil);
}

function reasonOf(memory: DestinationMemory, end: number): string {
  if (memory.openUntil === end) return `breaker open after ${memory.failures} failures in a row`;
  if (memory.pausedUntil === end) return memory.pausedBecause ?? "the receiver asked for a pause";
  return "rate budget used up";
}

function toChange(memory: DestinationMemory): MemoryChange {
  const value = Object.fromEntries(
    Object.entries(memory).filter(([, item]) => item !== undefined && item !== 0),
  ) as JsonObject;
  return {
    value: Object.keys(value).length === 0 ? undefined : value,
    blockedUntil: blockEnd(memory) || undefined,
  };
}
