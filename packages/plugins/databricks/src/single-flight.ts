/** Work of which one piece is done at a time, for all who wait for it; it is cut when nobody does any more. */
export interface SingleFlight<T> {
  readonly isRunning: boolean;
  /** Begins it, or joins it; answers what all get. */
  begin(): Promise<T>;
  /** Waits for it, no longer than `signal` lets it. @throws the signal's reason, and what the work throws */
  join(signal: AbortSignal): Promise<T>;
  cut(): void;
}

interface Flight<T> {
  readonly done: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

export function createSingleFlight<T>(work: (signal: AbortSignal) => Promise<T>): SingleFlight<T> {
  let running: Flight<T> | undefined;

  const begin = (): Flight<T> => {
    if (running !== undefined) return running;
    const controller = new AbortController();
    const done = work(controller.signal).finally(() => {
      if (running?.controller === controller) running = undefined;
    });
    // Nobody may be waiting for what is begun early.
    done.catch(() => {});
    running = { done, controller, waiting: 0 };
    return running;
  };

  /** Who comes after it begins a new one. */
  const abandon = (flight: Flight<T>): void => {
    if (running === flight) running = undefined;
    flight.controller.abort();
  };

  return {
    get isRunning() {
      return running !== undefined;
    },
    begin: () => begin().done,
    async join(signal) {
      const flight = begin();
      flight.waiting += 1;
      try {
        return await untilAborted(flight.done, signal);
      } finally {
        flight.waiting -= 1;
        if (flight.waiting === 0) abandon(flight);
      }
    },
    cut: () => running?.controller.abort(),
  };
}

/** Work that cannot be cut is not waited for any more; what it ends in goes to `onLate`. */
export async function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  onLate: (result: T) => void = () => {},
): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => {
    work.then(onLate, () => {});
    reject(signal.reason);
  };
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
