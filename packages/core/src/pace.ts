/** How fast a lane is at the moment. */
export interface Pace {
  /** An attempt has ended. */
  count(now: number): void;
  /** How many ended in the last quarter of a second; nothing is known for sure about the one that goes on. */
  lately(now: number): number;
}

const spanMs = 250;

export function createPace(): Pace {
  let begunAt = Number.NEGATIVE_INFINITY;
  let ended = 0;
  let before = 0;
  /** Begins another span when this one is over; what lies longer back does not count. */
  const turn = (now: number): void => {
    const passed = now - begunAt;
    if (passed >= 0 && passed < spanMs) return;
    before = passed < 2 * spanMs && passed >= 0 ? Math.floor((ended * spanMs) / passed) : 0;
    begunAt = now;
    ended = 0;
  };
  return {
    count(now) {
      turn(now);
      ended += 1;
    },
    lately(now) {
      turn(now);
      return Math.max(before, ended);
    },
  };
}
