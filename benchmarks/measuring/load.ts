/** Runs so many loops of `once` until the time is over; answers how many ended a second. */
export async function saturate(
  loops: number,
  roundMs: number,
  once: () => Promise<unknown>,
): Promise<number> {
  const startedAt = performance.now();
  let done = 0;
  const loop = async () => {
    while (performance.now() - startedAt < roundMs) {
      await once();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: loops }, loop));
  return (done / (performance.now() - startedAt)) * 1000;
}

/** Feeds something that accepts and delivers, with a bounded number of events between the two. */
export interface Flow {
  /** Called for each that is delivered and settled. */
  readonly settled: (count?: number) => void;
  /** Feeds until the time is over and waits for the rest; answers how many were settled a second. */
  run(roundMs: number, emit: () => Promise<unknown>): Promise<number>;
}

const emitters = 100;
/** Enough that nobody waits for work, little enough that the rest at the end does not count. */
const mostOpen = 400;

export function createFlow(): Flow {
  let open = 0;
  let settledAt = 0;
  const waiting: (() => void)[] = [];

  const room = () =>
    open < mostOpen ? undefined : new Promise<void>((resolve) => waiting.push(resolve));

  return {
    settled(count = 1) {
      open -= count;
      settledAt = performance.now();
      if (open < mostOpen) for (const resolve of waiting.splice(0)) resolve();
    },
    async run(roundMs, emit) {
      const startedAt = performance.now();
      let emitted = 0;
      const loop = async () => {
        while (performance.now() - startedAt < roundMs) {
          await room();
          open += 1;
          emitted += 1;
          await emit();
        }
      };
      await Promise.all(Array.from({ length: emitters }, loop));
      while (open > 0) await new Promise((resolve) => setTimeout(resolve, 2));
      return (emitted / (settledAt - startedAt)) * 1000;
    },
  };
}
