/** At most `count` in any span of `windowMs`; the receiver's own books, apart from what a client keeps. */
export interface RateWindow {
  readonly count: number;
  readonly windowMs: number;
}

/** Times of what came, in the order it came. */
export interface LimitBook {
  /** Whether one more fits into every limit now; if so, it is written down. */
  take(limits: readonly RateWindow[], now: number): boolean;
}

/** Counts what was let through, in spans that slide. */
export function createSlidingBook(): LimitBook {
  const times: number[] = [];
  return {
    take(limits, now) {
      const fits = limits.every(
        ({ count, windowMs }) => times.filter((at) => at > now - windowMs).length < count,
      );
      if (fits) times.push(now);
      return fits;
    },
  };
}

/** Counts from the first request on, until the window that began with it is over: then anew. */
export function createFixedBook(): LimitBook {
  let begunAt = Number.NEGATIVE_INFINITY;
  let taken = 0;
  return {
    take([limit], now) {
      if (limit === undefined) return true;
      if (now >= begunAt + limit.windowMs) {
        begunAt = now;
        taken = 0;
      }
      taken += 1;
      return taken <= limit.count;
    },
  };
}

/** The most that came in any span of this length. */
export function mostWithin(times: readonly number[], windowMs: number): number {
  let most = 0;
  let from = 0;
  for (const [index, at] of times.entries()) {
    while ((times[from] ?? at) <= at - windowMs) from += 1;
    most = Math.max(most, index - from + 1);
  }
  return most;
}

/** The most that were open at the same time. */
export function mostAtOnce(spans: readonly (readonly [from: number, to: number])[]): number {
  return Math.max(
    0,
    ...spans.map(([at]) => spans.filter(([from, to]) => from <= at && at < to).length),
  );
}
