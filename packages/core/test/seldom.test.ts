import { expect, test } from "vitest";
import { seldom } from "../src/seldom.ts";
import { openBus } from "./virtual-bus.ts";

function start() {
  const said: string[] = [];
  const time = { now: 0 };
  const say = seldom(
    (text) => said.push(text),
    () => time.now,
  );
  return { said, time, say };
}

test("what is said again and again is said once a minute, with how often it was not", () => {
  const { said, time, say } = start();

  for (time.now = 0; time.now < 61_000; time.now += 1000) say("no");
  say("no");

  expect(said).toEqual(["no", "no (59 more of these since the last one)"]);
});

test("each text counts by itself, and many different ones count as one", () => {
  const { said, say } = start();

  for (let n = 0; n < 100; n += 1) say(`no ${n}`);
  say("no 3");

  expect(said).toHaveLength(21);
  expect(said[20]).toBe("no 20");
});

test("a condition that fails for every event is told of once a minute", async () => {
  const { bus, log, time } = openBus({
    hooks: [{ name: "ops", events: "*", when: "event.metadata.rows > 'x'", hook: () => {} }],
  });

  for (let n = 0; n < 100; n += 1) await bus.emit("pipeline.end", { metadata: { rows: n } });
  await time.advance(60_000);
  await bus.emit("pipeline.end", { metadata: { rows: 1 } });

  const failed = 'warn: Hook "ops": its condition failed: no such overload: double > string';
  expect(log).toEqual([failed, `${failed} (99 more of these since the last one)`]);
});
