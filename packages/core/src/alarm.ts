import type { Clock } from "./clock.ts";

/** One timer for what is to be done next. */
export interface Alarm extends Disposable {
  /** Rings at that time at the latest: one that is set for an earlier time is left alone. */
  set(at: number): void;
}

/** Told of the next time a thousand times a second, it seldom sets a timer. */
export function createAlarm(clock: Clock, ring: () => void): Alarm {
  let setFor = Number.POSITIVE_INFINITY;
  let timer: Disposable | undefined;

  const stop = (): void => {
    timer?.[Symbol.dispose]();
    timer = undefined;
    setFor = Number.POSITIVE_INFINITY;
  };

  return {
    set(at) {
      if (at >= setFor) return;
      stop();
      setFor = at;
      timer = clock.timer(at - clock.now(), () => {
        setFor = Number.POSITIVE_INFINITY;
        ring();
      });
    },
    [Symbol.dispose]: stop,
  };
}
