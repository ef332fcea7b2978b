/** When something goes wrong at a receiver, whatever it is. */
export interface FaultTerms<Operation extends string> {
  /** @default "any" */
  readonly on?: Operation | "any" | undefined;
  /** Only each such request: 3 is the third, the sixth … @default 1 */
  readonly every?: number | undefined;
  /** After so many it is over. @default never */
  readonly times?: number | undefined;
}

/** The faults that a receiver was told of. */
export interface FaultBook<Operation extends string, Fault extends FaultTerms<Operation>> {
  add(fault: Fault): Disposable;
  /** The one that a request meets now, if any. */
  due(operation: Operation): Fault | undefined;
}

export function createFaultBook<
  Operation extends string,
  Fault extends FaultTerms<Operation>,
>(): FaultBook<Operation, Fault> {
  const entries = new Set<{ readonly fault: Fault; seen: number; done: number }>();
  return {
    add(fault) {
      const entry = { fault, seen: 0, done: 0 };
      entries.add(entry);
      return { [Symbol.dispose]: () => void entries.delete(entry) };
    },
    due(operation) {
      for (const entry of entries) {
        const { on = "any", every = 1, times = Number.POSITIVE_INFINITY } = entry.fault;
        if (on !== "any" && on !== operation) continue;
        entry.seen += 1;
        if (entry.seen % every !== 0 || entry.done >= times) continue;
        entry.done += 1;
        return entry.fault;
      }
      return undefined;
    },
  };
}
