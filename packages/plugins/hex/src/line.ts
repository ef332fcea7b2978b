/** Deliveries of this process that found all places taken, so that they do not all come again at the same moment. */
export interface Line {
  /** When to come again, of one that found all places taken. */
  joinAt(id: string, now: number): number;
  /** Whether it has been told a time by the budget of starts. */
  hasWaited(id: string): boolean;
  /** It was told a time by the budget of starts. */
  waits(id: string): void;
  /** It waits for nothing any more. */
  leave(id: string): void;
  /** How long a run took, by which the wait for a place is judged. */
  learn(runMs: number): void;
}

/** One that did not come when it was its turn is gone: cancelled, or taken by another process. */
const goneMs = 10 * 60_000;
const shortestMs = 5_000;
const longestMs = 30 * 60_000;

/** @param most runs at a time */
export function createLine(most: number): Line {
  // In the order in which they came first; the time is when they come again.
  const forPlaces = new Map<string, number>();
  const forBudget = new Set<string>();
  let usualMs = 60_000;

  const rankOf = (id: string, now: number): number => {
    let rank = 0;
    for (const [other, at] of forPlaces) {
      if (other === id) break;
      if (at + goneMs < now) forPlaces.delete(other);
      else rank += 1;
    }
    return rank;
  };

  return {
    joinAt(id, now) {
      const rounds = Math.floor(rankOf(id, now) / most);
      const at = now + Math.max(shortestMs, Math.round(usualMs * (rounds + 0.5)));
      forPlaces.set(id, at);
      return at;
    },
    hasWaited: (id) => forBudget.has(id),
    waits: (id) => void forBudget.add(id),
    leave(id) {
      forPlaces.delete(id);
      forBudget.delete(id);
    },
    learn(runMs) {
      usualMs += (Math.min(runMs, longestMs) - usualMs) / 5;
    },
  };
}
