/** What a heap holds knows its place in it, so that one that changes is moved, and one that is done taken out. */
export interface Placed {
  /** -1 while it is in no heap. */
  place: number;
}

/** A binary heap: the least item first. */
export interface Heap<Item extends Placed> {
  readonly size: number;
  peek(): Item | undefined;
  add(item: Item): void;
  /** Puts an item where it belongs after it changed. */
  move(item: Item): void;
  remove(item: Item): void;
}

export function createHeap<Item extends Placed>(before: (a: Item, b: Item) => boolean): Heap<Item> {
  const items: Item[] = [];

  const put = (item: Item, at: number): void => {
    items[at] = item;
    item.place = at;
  };

  const rise = (item: Item, from: number): number => {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent];
      if (above === undefined || !before(item, above)) break;
      put(above, at);
      at = parent;
    }
    return at;
  };

  const sink = (item: Item, from: number): number => {
    let at = from;
    for (;;) {
      const left = 2 * at + 1;
      const [first, second] = [items[left], items[left + 1]];
      if (first === undefined) return at;
      const isSecond = second !== undefined && before(second, first);
      const least = isSecond ? second : first;
      if (!before(least, item)) return at;
      put(least, at);
      at = isSecond ? left + 1 : left;
    }
  };

  const settle = (item: Item, from: number): void => {
    const risen = rise(item, from);
    put(item, risen === from ? sink(item, from) : risen);
  };

  return {
    get size() {
      return items.length;
    },
    peek: () => items[0],
    add(item) {
      items.push(item);
      put(item, rise(item, items.length - 1));
    },
    move: (item) => settle(item, item.place),
    remove(item) {
      const last = items.pop();
      if (last !== undefined && last !== item) settle(last, item.place);
      item.place = -1;
    },
  };
}
