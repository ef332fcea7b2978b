import { expect, test } from "vitest";
import type { EventEntry } from "../src/memory/entries.ts";
import { EventIds } from "../src/memory/event-ids.ts";

/** The index, beside a plain list of what is in it. */
function setUp() {
  const ids = new EventIds();
  const held: EventEntry[] = [];
  let seq = 0;
  const add = (id: string, { source = "/a", idIsNew = true } = {}) => {
    seq += 1;
    const stored = { source, id, type: "t.t", time: 0, body: "{}", idIsNew };
    const entry: EventEntry = {
      seq,
      stored,
      acceptedAt: 0,
      deliveries: undefined,
      open: 0,
      dead: 0,
      removed: false,
      isSorted: false,
    };
    ids.add(entry);
    held.push(entry);
    return entry;
  };
  const remove = (entry: EventEntry) => {
    entry.removed = true;
    ids.delete(entry);
    held.splice(held.indexOf(entry), 1);
  };
  return { ids, held, add, remove };
}

test("what was removed before anybody asked for it is not there", () => {
  const { ids, add, remove } = setUp();

  const [first, second] = [add("1"), add("2")];
  add("3");
  remove(second);
  remove(first);

  expect(ids.find("/a", "1")).toBeUndefined();
  expect(ids.find("/a", "2")).toBeUndefined();
  expect(ids.all().map(({ stored }) => stored.id)).toEqual(["3"]);
});

test("an id that was given by somebody does not come before those that were made", () => {
  const { ids, add } = setUp();

  add("1");
  add("2", { idIsNew: false });
  add("3");

  expect(ids.all().map(({ stored }) => stored.id)).toEqual(["1", "2", "3"]);
});

test("it is what a list says, whatever is added, removed and asked", () => {
  const { ids, held, add, remove } = setUp();
  let seed = 7;
  const random = (most: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % most;
  };

  for (let step = 0; step < 30_000; step += 1) {
    const source = random(5) === 0 ? "/b" : "/a";
    const what = random(20);
    if (what < 11) add(`e${step}`, { source, idIsNew: random(50) > 0 });
    // The oldest goes first, but for those that are held back.
    else if (what < 19 && held.length > 0) remove(held[random(4) % held.length] as EventEntry);
    else if (random(10) === 0) {
      const one = held[random(held.length + 1)];
      const { source: from, id } = one?.stored ?? { source: "/a", id: "none" };
      expect(ids.find(from, id)).toBe(one);
      expect(ids.withId(id)).toEqual(one === undefined ? [] : [one]);
    } else if (random(200) === 0) {
      expect(ids.all()).toEqual(held);
    }
  }

  expect(ids.all()).toEqual(held);
  expect(held.length).toBeGreaterThan(100);
});

test("those that wait behind one that is kept are sorted in after a while, and found", () => {
  const { ids, add, remove } = setUp();

  const kept = add("kept");
  let last = kept;
  for (let n = 0; n < 25_000; n += 1) {
    if (last !== kept) remove(last);
    last = add(`e${n}`);
  }

  expect(kept.isSorted).toBe(true);
  expect(ids.all()).toEqual([kept, last]);
});
