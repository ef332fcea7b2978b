import { type Clock, createSystemClock, systemClock } from "@pipehooks/core";

/** A clock that goes so many times faster since a moment: the waits of hours in seconds, with real servers beside it. */
export function createFastClock(times: number, began: number = systemClock.now()): Clock {
  const clock = createSystemClock();
  return {
    now: () => began + (systemClock.now() - began) * times,
    timer: (ms, callback) => clock.timer(ms / times, callback),
  };
}
