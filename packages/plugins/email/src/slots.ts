/** So many at a time; who comes later waits in line. */
export interface Slots {
  /** @throws the signal's reason when it aborts first */
  take(signal: AbortSignal): Promise<Disposable>;
}

export function createSlots(count: number): Slots {
  let free = count;
  const line = new Set<() => void>();
  const slot = (): Disposable => ({
    [Symbol.dispose]() {
      const [next] = line;
      if (next === undefined) free += 1;
      else next();
    },
  });
  return {
    async take(signal) {
      signal.throwIfAborted();
      if (free > 0) {
        free -= 1;
        return slot();
      }
      const { promise, resolve, reject } = Promise.withResolvers<Disposable>();
      const onTurn = () => {
        line.delete(onTurn);
        signal.removeEventListener("abort", onAbort);
        resolve(slot());
      };
      const onAbort = () => {
        line.delete(onTurn);
        reject(signal.reason);
      };
      line.add(onTurn);
      signal.addEventListener("abort", onAbort, { once: true });
      return promise;
    },
  };
}
