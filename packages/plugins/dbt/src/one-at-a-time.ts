const lasts = new Map<string, Promise<void>>();

/**
 * Waits until nobody else in this process holds `key`, then holds it until disposed of: two commands of dbt in one target
 * folder would mix their results.
 * @throws the signal's reason
 */
export async function holdAlone(key: string, signal: AbortSignal): Promise<Disposable> {
  signal.throwIfAborted();
  const before = lasts.get(key);
  const { promise, resolve } = Promise.withResolvers<void>();
  const last = (before ?? Promise.resolve()).then(() => promise);
  lasts.set(key, last);
  const release = (): void => {
    resolve();
    void last.then(() => {
      if (lasts.get(key) === last) lasts.delete(key);
    });
  };
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([before, aborted.promise]);
  } catch (error) {
    release();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
  return { [Symbol.dispose]: release };
}
