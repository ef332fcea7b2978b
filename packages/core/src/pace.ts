/** How fast a lane is while it has work. */
export interface Pace {
  /** An attempt has ended. */
  count(attempt: { readonly startedAt: number; readonly endedAt: number }): void;
  /** How many ended in a quarter of a second of late; after a rest, before it. */
  readonly lately: number;
}

const spanMs = 250;

export function createPace(): Pace {
  let begunAt = Number.NEGATIVE_INFINITY;
  let lastAt = Number.NEGATIVE_INFINITY;
  let ended = 0;
  let before = 0;
  return {
    count({ startedAt, endedAt }) {
      const passed = endedAt - begunAt;
      if (passed < 0 || passed >= spanMs) {
        // Had it been at work all the time, it would be slow.
        const hasRested = startedAt - lastAt > endedAt - startedAt;
        before = hasRested ? Math.max(before, ended) : Math.floor((ended * spanMs) / passed);
        begunAt = endedAt;
        ended = 0;
      }
      lastAt = endedAt;
      ended += 1;
    },
    get lately() {
      return Math.max(before, ended);
    },
  };
}
