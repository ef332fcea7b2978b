/** Time as core sees it; tests and route tests pass a virtual one. */
export interface Clock {
  /** Milliseconds since the epoch; never goes back within one process. */
  now(): number;
  /** Calls back after `ms`; does not keep the process alive. */
  timer(ms: number, callback: () => void): Disposable;
}

const longestTimerMs = 2_147_483_647;

/**
 * The wall clock, held monotonic: when the system clock jumps back, time goes on from where it was;
 * when it jumps forward, the new time is taken.
 */
export function createSystemClock(
  wall: () => number = Date.now,
  elapsed: () => number = () => performance.now(),
): Clock {
  let wallBase = wall();
  let elapsedBase = elapsed();
  let said = wallBase;
  let now = wallBase;
  return {
    now() {
      const says = wall();
      // Within a millisecond it is asked a hundred times by a busy process.
      if (says === said) return now;
      said = says;
      const steady = wallBase + (elapsed() - elapsedBase);
      now = Math.max(says, Math.floor(steady));
      if (says > steady) {
        wallBase = says;
        elapsedBase = elapsed();
      }
      return now;
    },
    timer(ms, callback) {
      const handle = setTimeout(callback, Math.min(Math.max(ms, 0), longestTimerMs));
      handle.unref();
      return { [Symbol.dispose]: () => clearTimeout(handle) };
    },
  };
}

export const systemClock: Clock = createSystemClock();

/** Keeps the process alive until disposed of: timers of the clock do not. */
export function holdProcess(): Disposable {
  const handle = setInterval(() => {}, longestTimerMs);
  return { [Symbol.dispose]: () => clearInterval(handle) };
}

/** Acts every `ms` until disposed of, the first time after `ms`. */
export function every(clock: Clock, ms: number, action: () => void): Disposable {
  const again = (): void => {
    // First the next one, so that an action that disposes of it ends it.
    timer = clock.timer(ms, again);
    action();
  };
  let timer = clock.timer(ms, again);
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
}
