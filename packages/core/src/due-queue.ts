/** A binary heap of ids by due time, then id. Entries are not removed when they change: the reader checks. */
export interface DueQueue {
  readonly size: number;
  add(dueAt: number, id: number): void;
  peek(): { readonly dueAt: number; readonly id: number } | undefined;
  pop(): void;
}

export function createDueQueue(): DueQueue {
  const heap: { readonly dueAt: number; readonly id: number }[] = [];
  const before = (a: number, b: number): boolean => {
    const [x, y] = [heap[a], heap[b]];
    if (x === undefined || y === undefined) return false;
    return x.dueAt < y.dueAt || (x.dueAt === y.dueAt && x.id < y.id);
  };
  const swap = (a: number, b: number): void => {
    const [x, y] = [heap[a], heap[b]];
    if (x === undefined || y === undefined) return;
    heap[a] = y;
    heap[b] = x;
  };
  return {
    get size() {
      return heap.length;
    },
    peek: () => heap[0],
    add(dueAt, id) {
      heap.push({ dueAt, id });
      for (let at = heap.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1;
        if (!before(at, parent)) return;
        swap(at, parent);
        at = parent;
      }
    },
    pop() {
      const last = heap.pop();
      if (last === undefined || heap.length === 0) return;
      heap[0] = last;
      for (let at = 0; ; ) {
        const left = 2 * at + 1;
        const least = before(left + 1, left) ? left + 1 : left;
        if (!before(least, at)) return;
        swap(least, at);
        at = least;
      }
    },
  };
}
