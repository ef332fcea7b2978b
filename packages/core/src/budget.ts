import type { Clock } from "./clock.ts";
import { parseRate } from "./duration.ts";
import type { HookContext } from "./hook.ts";
import type { JsonObject } from "./json.ts";
import {
  countsLater,
  delayInBudget,
  type LimiterMemory,
  strictest,
  takeFromBudget,
} from "./limiter.ts";
import type { RateWindow } from "./policy.ts";
import type { Store } from "./store.ts";

/** A budget of rates; what it has granted is in the store, so it holds over all processes. */
export interface Budget {
  /**
   * Takes one, or says when to come again. Those who are refused are told times one behind the other, as far as this
   * process knows of them. Say in `waited` whether such a time has come: who has not waited goes to the end of the line.
   */
  take(options?: { readonly waited?: boolean | undefined }): Promise<Taken>;
}

export interface Taken {
  readonly granted: boolean;
  /** Milliseconds since the epoch; given where it was refused. */
  readonly againAt?: number | undefined;
}

/** What `HookContext.budget` is: one budget a name, whoever asks for it. */
export function createBudgets(parts: {
  readonly store: Store;
  readonly clock: Clock;
}): HookContext["budget"] {
  const budgets = new Map<string, { windows: readonly RateWindow[]; readonly budget: Budget }>();
  return (name, rates) => {
    const windows = rates.map(parseRate);
    const known = budgets.get(name);
    if (known !== undefined) {
      known.windows = strictest([...known.windows, ...windows]);
      return known.budget;
    }
    const windowsNow = (): readonly RateWindow[] => budgets.get(name)?.windows ?? windows;
    const budget = createBudget({ ...parts, key: `budget:${name}`, windows: windowsNow });
    budgets.set(name, { windows: strictest(windows), budget });
    return budget;
  };
}

/** Grants whatever is asked for: in the place of a budget where nothing is sent. */
export const endlessBudget: HookContext["budget"] = () => ({
  take: async () => ({ granted: true }),
});

function createBudget(parts: {
  readonly store: Store;
  readonly clock: Clock;
  readonly key: string;
  readonly windows: () => readonly RateWindow[];
}): Budget {
  const { store, clock, key } = parts;
  /** What will have been taken when all who were told a time have come, the last of them at `at`. */
  let line: { memory: LimiterMemory; at: number } = { memory: {}, at: 0 };

  const change = (reduce: (memory: LimiterMemory) => LimiterMemory) =>
    store.update(key, (memory) => ({
      // Only budgets write under their keys, so the shape is known.
      value: reduce((memory ?? {}) as unknown as LimiterMemory) as unknown as JsonObject,
    }));

  const queue = (windows: readonly RateWindow[]): number => {
    for (;;) {
      const {
        memory,
        granted,
        retryAt = line.at,
      } = takeFromBudget(line.memory, windows, 1, line.at);
      line = { memory, at: granted === 1 ? line.at : retryAt };
      if (granted === 1) return line.at;
    }
  };

  return {
    async take({ waited } = {}) {
      const windows = parts.windows();
      const now = clock.now();
      if (windows.length === 0) return { granted: true };
      if (waited === false && line.at >= now) return { granted: false, againAt: queue(windows) };
      let take = takeFromBudget({}, windows, 0, now);
      await change((memory) => {
        take = takeFromBudget(memory, windows, 1, now);
        return take.memory;
      });
      if (take.granted === 1) {
        const when = { from: now, to: clock.now() };
        // Nothing waits for it, and without it what was granted counts all the same, as a little older.
        if (countsLater(windows, when)) {
          change((memory) => delayInBudget(memory, windows, 1, when)).catch(() => {});
        }
        return { granted: true };
      }
      if (waited === true) return { granted: false, againAt: take.retryAt ?? now };
      if (line.at <= now) line = { memory: take.memory, at: now };
      return { granted: false, againAt: queue(windows) };
    },
  };
}
