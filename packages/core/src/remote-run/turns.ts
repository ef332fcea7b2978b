/** Runs works one after the other; one that is aborted while it waits does not begin, and who ignores its signal holds up nobody. */
export type Turns = <Result>(work: () => Promise<Result>, signal: AbortSignal) => Promise<Result>;

export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  return (work, signal) => {
    const before = last;
    const aborted = abortOf(signal);
    // At once where it only waits: whoever waits may still say that nothing has begun.
    const turn = Promise.race([before, aborted.then(() => signal.throwIfAborted())]).then(() => {
      signal.throwIfAborted();
      return work();
    });
    const over = Promise.race([turn.catch(() => {}), aborted]);
    last = before.then(() => over);
    return turn;
  };
}

function abortOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
