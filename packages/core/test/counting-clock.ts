import { createVirtualTime, type VirtualTime } from "@pipehooks/testing";
import type { Clock } from "../src/clock.ts";

/** Virtual time whose clock counts the timers that were set. */
export function createCountingTime(): {
  readonly time: VirtualTime;
  readonly clock: Clock;
  timers(): number;
  /** Milliseconds since the beginning. */
  elapsed(): number;
} {
  const time = createVirtualTime();
  const start = time.now();
  let timers = 0;
  const clock: Clock = {
    now: time.clock.now,
    timer(ms, callback) {
      timers += 1;
      return time.clock.timer(ms, callback);
    },
  };
  return { time, clock, timers: () => timers, elapsed: () => time.now() - start };
}
