/** Something changed: whoever waits for that looks again. */
export interface Changes {
  tell(): void;
  /** Resolves at the next change, or when `signal` aborts. */
  next(signal: AbortSignal): Promise<void>;
}

export function createChanges(): Changes {
  const waiters = new Set<() => void>();
  return {
    tell() {
      for (const waiter of waiters) waiter();
    },
    next: (signal) =>
      new Promise((resolve) => {
        const done = () => {
          waiters.delete(done);
          signal.removeEventListener("abort", done);
          resolve();
        };
        waiters.add(done);
        signal.addEventListener("abort", done);
      }),
  };
}
