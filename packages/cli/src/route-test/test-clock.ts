import type { Clock } from "@pipehooks/core";
import { createVirtualTime } from "@pipehooks/core/virtual-time";

/** Virtual time that can be asked when something happens next. */
export interface TestClock {
  readonly clock: Clock;
  readonly random: () => number;
  now(): number;
  advance(ms: number): Promise<void>;
  /** When the next timer is due; undefined when nothing waits. */
  nextAt(): number | undefined;
  /** From now on timers count: until then the bus sets up its upkeep, which is left out. */
  begin(): void;
  /** Time stands still until `work`, which waits for more than timers, is done. */
  during<Result>(work: Promise<Result>): Promise<Result>;
}

const longestTimerMs = 2_147_483_647;

export function createTestClock(options: {
  readonly start: number;
  readonly seed: number;
}): TestClock {
  const time = createVirtualTime(options);
  const waiting = new Set<{ readonly at: number }>();
  let begun = false;
  return {
    random: time.random,
    now: time.now,
    advance: time.advance,
    clock: {
      now: time.clock.now,
      timer(ms, callback) {
        // Looking for the work of other processes every few seconds would only make long waits slow: there are none.
        if (!begun) return { [Symbol.dispose]() {} };
        const entry = { at: time.now() + Math.min(Math.max(ms, 0), longestTimerMs) };
        waiting.add(entry);
        const timer = time.clock.timer(ms, () => {
          waiting.delete(entry);
          callback();
        });
        return {
          [Symbol.dispose]() {
            waiting.delete(entry);
            timer[Symbol.dispose]();
          },
        };
      },
    },
    nextAt() {
      let next: number | undefined;
      for (const { at } of waiting) if (next === undefined || at < next) next = at;
      return next;
    },
    begin() {
      begun = true;
    },
    async during(work) {
      let done = false;
      const touch = () => {
        if (done) return;
        // Who looks at the clock is at work: virtual time waits for it.
        time.clock.now();
        setImmediate(touch);
      };
      touch();
      try {
        return await work;
      } finally {
        done = true;
      }
    },
  };
}
