import { expect, test } from "vitest";
import { createDeadlines, Deadline } from "../src/deadlines.ts";
import { createCountingTime } from "./counting-clock.ts";

class Once extends Deadline {
  override readonly expire: () => void;

  constructor(expire: () => void) {
    super();
    this.expire = expire;
  }
}

function setUp() {
  const { time, clock, timers, elapsed } = createCountingTime();
  const expired: string[] = [];
  const deadlines = createDeadlines(clock, 1000);
  const set = (name: string) => {
    const deadline = new Once(() => expired.push(`${name} at ${elapsed()}`));
    deadlines.set(deadline, clock.now());
    return deadline;
  };
  return { time, clock, deadlines, set, expired, timers };
}

test("each expires at its time, in their order", async () => {
  const { time, set, expired } = setUp();

  set("one");
  await time.advance(300);
  set("two");
  set("three");
  await time.advance(5000);

  expect(expired).toEqual(["one at 1000", "two at 1300", "three at 1300"]);
});

test.for([
  ["the first", 0],
  ["one between", 1],
  ["the last", 2],
] as const)("what is lifted does not expire: %s", async ([, lifted]) => {
  const { time, deadlines, set, expired } = setUp();

  const all = ["a", "b", "c"].map(set);
  await time.advance(999);
  const one = all[lifted];
  if (one !== undefined) {
    deadlines.lift(one);
    deadlines.lift(one);
  }
  await time.advance(5000);

  expect(expired).toEqual(["a", "b", "c"].toSpliced(lifted, 1).map((name) => `${name} at 1000`));
});

test("one timer serves all that are set and lifted within the time", async () => {
  const { time, deadlines, set, expired, timers } = setUp();

  for (let n = 0; n < 900; n += 1) {
    const one = set("never");
    await time.advance(1);
    deadlines.lift(one);
  }
  set("late");
  await time.advance(5000);

  expect(expired).toEqual(["late at 1900"]);
  expect(timers()).toBe(2);
});

test("what one that expires sets or lifts counts", async () => {
  const { time, clock, deadlines, set, expired } = setUp();

  const first = new Once(() => {
    deadlines.lift(second);
    set("third");
  });
  deadlines.set(first, clock.now());
  const second = set("second");
  await time.advance(5000);

  expect(expired).toEqual(["third at 2000"]);
});
