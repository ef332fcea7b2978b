import { expect, test } from "vitest";
import { runBurst } from "./burst.ts";

const events = 3000;

test("a burst arrives once at a throttled receiver, in full calls, in little memory", async () => {
  const report = await runBurst({ events, callsPerSecond: 1 });

  expect(report).toMatchObject({ accepted: events + 500, missing: 0, doubled: 0 });
  expect(report.throttled).toBeGreaterThan(0);
  // The last one takes what is left.
  expect(report.fill.slice(0, -1).filter((share) => share < 0.9)).toEqual([]);
  expect(report.growth).toBeLessThan(60 * 1024 ** 2);
}, 60_000);

test("SIGTERM in the middle loses nothing and doubles nothing", async () => {
  const report = await runBurst({ events, callsPerSecond: 4, signal: "SIGTERM" });

  expect(report).toMatchObject({ accepted: events + 500, missing: 0, doubled: 0 });
  expect(report.arrivedBefore).toBeLessThan(events);
}, 60_000);

test("SIGKILL in the middle loses nothing that was accepted", async () => {
  const report = await runBurst({ events, callsPerSecond: 4, signal: "SIGKILL" });

  expect(report).toMatchObject({ accepted: events + 500, missing: 0 });
  expect(report.arrivedBefore).toBeLessThan(events);
}, 60_000);
