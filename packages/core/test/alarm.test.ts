import { expect, test } from "vitest";
import { createAlarm } from "../src/alarm.ts";
import { createCountingTime } from "./counting-clock.ts";

function setUp() {
  const { time, clock, timers, elapsed } = createCountingTime();
  const rings: number[] = [];
  const alarm = createAlarm(clock, () => rings.push(elapsed()));
  const setIn = (ms: number) => alarm.set(time.now() + ms);
  return { time, alarm, setIn, rings, timers };
}

test("it rings at the earliest time that it was set for, and once", async () => {
  const { time, setIn, rings } = setUp();

  setIn(500);
  setIn(200);
  setIn(900);
  await time.advance(5000);

  expect(rings).toEqual([200]);
});

test("after it rang it can be set again", async () => {
  const { time, setIn, rings } = setUp();

  setIn(200);
  await time.advance(300);
  setIn(200);
  await time.advance(5000);

  expect(rings).toEqual([200, 500]);
});

test("a later time costs no timer", async () => {
  const { time, setIn, rings, timers } = setUp();

  setIn(100);
  for (let n = 0; n < 50; n += 1) {
    await time.advance(1);
    setIn(100);
  }
  await time.advance(5000);

  expect(rings).toEqual([100]);
  expect(timers()).toBe(1);
});

test("put away, it rings no more", async () => {
  const { time, alarm, setIn, rings } = setUp();

  setIn(100);
  alarm[Symbol.dispose]();
  await time.advance(5000);

  expect(rings).toEqual([]);
});
