import { createVirtualTime } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";

describe("virtual time", () => {
  test("stands still until it is advanced, and starts where told", async () => {
    const time = createVirtualTime({ start: 1000 });
    const before = time.now();

    await time.advance(250);

    expect([before, time.now(), time.clock.now()]).toEqual([1000, 1250, 1250]);
  });

  test("timers fire in the order of their times, then of their making, each at its own time", async () => {
    const time = createVirtualTime({ start: 0 });
    const fired: string[] = [];
    const set = (name: string, ms: number) =>
      time.clock.timer(ms, () => void fired.push(`${name}@${time.now()}`));
    set("c", 30);
    set("a", 10);
    set("b", 10);
    set("late", 31);
    set("past", -5);

    await time.advance(30);

    expect(fired).toEqual(["past@0", "a@10", "b@10", "c@30"]);
  });

  test("a timer set by a timer fires too when its time has come, and one that is disposed of never", async () => {
    const time = createVirtualTime({ start: 0 });
    const fired: number[] = [];
    time.clock.timer(10, () => {
      fired.push(time.now());
      time.clock.timer(10, () => fired.push(time.now()));
      time.clock.timer(5, () => fired.push(-1))[Symbol.dispose]();
    });

    await time.advance(100);

    expect(fired).toEqual([10, 20]);
  });

  test("what a timer set going comes to rest before the next one fires", async () => {
    const time = createVirtualTime({ start: 0 });
    const order: string[] = [];
    const work = async () => {
      for (let turn = 0; turn < 50; turn += 1) {
        await new Promise(setImmediate);
        time.clock.now();
      }
      order.push(`work@${time.now()}`);
    };
    time.clock.timer(1, () => void work());
    time.clock.timer(2, () => void order.push("next"));

    await time.advance(2);

    expect(order).toEqual(["work@1", "next"]);
  });

  test("with restMs it waits for what answers through the outside", async () => {
    const time = createVirtualTime({ start: 0, restMs: 40 });
    const order: string[] = [];
    time.clock.timer(1, () => {
      setTimeout(() => order.push(`outside@${time.now()}`), 15);
    });
    time.clock.timer(2, () => void order.push("next"));

    await time.advance(2);

    expect(order).toEqual(["outside@1", "next"]);
  });

  test("advances one after the other, however they are called", async () => {
    const time = createVirtualTime({ start: 0 });
    const fired: number[] = [];
    time.clock.timer(15, () => fired.push(time.now()));

    await Promise.all([time.advance(10), time.advance(10)]);

    expect(fired).toEqual([15]);
    expect(time.now()).toBe(20);
  });

  test("something that runs in circles without letting time pass is told", async () => {
    const time = createVirtualTime({ start: 0 });
    let on = true;
    const circle = () => {
      time.clock.now();
      if (on) setImmediate(circle);
    };
    circle();

    await expect(time.advance(1)).rejects.toThrow("Time stands still at 1970-01-01T00:00:00.000Z");
    on = false;
  });

  test("chance repeats itself for a seed, differs between seeds, and lies in [0, 1)", () => {
    const take = (seed?: number) => {
      const { random } = createVirtualTime({ seed });
      return Array.from({ length: 1000 }, random);
    };

    expect(take(5)).toEqual(take(5));
    expect(take(5)).not.toEqual(take(6));
    expect(take()).toEqual(take(1));
    expect(take(5).every((value) => value >= 0 && value < 1)).toBe(true);
    const mean = take(5).reduce((sum, value) => sum + value, 0) / 1000;
    expect(mean).toBeGreaterThan(0.45);
    expect(mean).toBeLessThan(0.55);
  });
});
