import type { Clock } from "@pipehooks/core";

/** Time that runs so many times as fast as real time, the same in all processes that are told when it began. */
export function createFastClock(began: number, speed: number): Clock {
  return {
    now: () => Math.floor(began + (Date.now() - began) * speed),
    timer(ms, callback) {
      const handle = setTimeout(callback, Math.max(0, ms) / speed);
      return { [Symbol.dispose]: () => clearTimeout(handle) };
    },
  };
}
