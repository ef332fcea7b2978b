import type { CallQueue } from "./queue.ts";

const pollMs = 250;

/** Tells listeners when another connection has changed the file; asks only while somebody listens. */
export function createWatch(queue: CallQueue): {
  add(listener: () => void): Disposable;
  stop(): void;
} {
  const listeners = new Set<() => void>();
  let timer: NodeJS.Timeout | undefined;
  let version: number | undefined;
  let asking = false;

  function ask(): void {
    if (asking) return;
    asking = true;
    queue
      .call("version", null)
      .then(
        (found) => {
          const changed = version !== undefined && found !== version;
          version = found;
          if (changed) for (const listener of [...listeners]) listener();
        },
        // What is wrong with the store is said to whoever calls it.
        () => {},
      )
      .finally(() => {
        asking = false;
      });
  }

  function stop(): void {
    clearInterval(timer);
    timer = undefined;
    version = undefined;
    listeners.clear();
  }

  return {
    add(listener) {
      // Each subscription is its own, also when two share a function.
      const own = () => listener();
      listeners.add(own);
      if (timer === undefined) {
        timer = setInterval(ask, pollMs);
        timer.unref();
      }
      // The call queue keeps order: what the caller asks next sees at least what this reading saw.
      ask();
      return {
        [Symbol.dispose]: () => {
          if (listeners.delete(own) && listeners.size === 0) stop();
        },
      };
    },
    stop,
  };
}
