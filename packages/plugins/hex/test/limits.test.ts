import { hexRun } from "@pipehooks/hex";
import { expect, test } from "vitest";
import { hour, minute, openBench } from "./bench.ts";

test("200 events in a minute and two other hooks with the token: no limit is passed, nothing is lost, and the wait is seen", async () => {
  await using bench = await openBench({
    projects: [{ title: "Orders" }, { title: "Finance" }, { title: "Stock" }],
    course: (_run, index) => ({ pendingMs: 2_000, runMs: 30_000 + (index % 7) * 20_000 }),
    others: (options, [, finance = "", stock = ""]) => [
      {
        name: "finance",
        events: "pipeline.start",
        hook: hexRun(options({ project: finance })),
      },
      {
        name: "stock",
        events: "pipeline.start",
        hook: hexRun(options({ project: stock })),
      },
    ],
  });
  for (let at = 0; at < 200; at += 1) {
    await bench.bus.emit("pipeline.end", { pipeline: "orders" });
    if (at % 20 === 0) await bench.bus.emit("pipeline.start", { pipeline: "orders" });
    if (at % 10 === 9) await bench.time.advance(3_000);
  }

  await bench.time.advance(10 * minute);
  const early = await bench.rows();
  const reasons = early.flatMap(({ state, reason }) => (state === "pending" ? [reason ?? ""] : []));
  await bench.time.advance(5 * hour);

  const rows = (await Promise.all(["hex", "finance", "stock"].map(bench.rows))).flat();
  const byProject = bench.hex.projectIds.map(
    (id) => bench.hex.runs.filter(({ projectId }) => projectId === id).length,
  );
  const { peaks, answers } = bench.hex;
  expect(rows.map(({ state }) => state).filter((state) => state !== "delivered")).toEqual([]);
  expect(byProject).toEqual([200, 10, 10]);
  expect(bench.outcomes.filter(({ type }) => type === "hex.run.completed")).toHaveLength(220);
  // Nothing was refused: the limits were kept here, not there.
  expect(Object.keys(answers).sort()).toEqual(["200", "201"]);
  expect(peaks.startsPerMinute).toBeLessThanOrEqual(20);
  expect(peaks.startsPerHour).toBeLessThanOrEqual(60);
  expect(peaks.requestsPerMinute).toBeLessThanOrEqual(60);
  expect(peaks.kernels).toBeLessThanOrEqual(10);
  // And made use of: a start that waits for nothing is none.
  expect(peaks.startsPerHour).toBeGreaterThan(50);
  expect(reasons.length).toBeGreaterThan(100);
  expect(
    reasons.filter((reason) => !/rate budget.*, next at 2026-|goes on|run .*/.test(reason)),
  ).toEqual([]);
  expect(reasons.filter((reason) => reason.includes("next at")).length).toBeGreaterThan(100);
});

test("starts that come late through the network do not come closer together than Hex allows", async () => {
  await using bench = await openBench({ options: { maxRunning: 25 }, course: { runMs: 1_000 } });
  for (let at = 0; at < 40; at += 1) await bench.bus.emit("pipeline.end", { pipeline: "orders" });

  await bench.time.advance(5 * minute);

  const times = bench.hex.runs.map(({ createdAt }) => createdAt);
  const gaps = times.flatMap((time, index) => (index < 18 ? [] : time - (times[index - 18] ?? 0)));
  expect(gaps).toHaveLength(22);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(minute + 2_000);
  // What is allowed for is not much.
  expect(Math.max(...gaps)).toBeLessThan(minute + 15_000);
});

test("what waits for requests uses up no attempt, whatever they were for", async () => {
  await using bench = await openBench({
    course: { runMs: 2 * minute },
    options: { onRunning: "cancel_and_replace", startRate: ["18/1m"] },
    hook: { retry: { attempts: 1 } },
  });
  await Promise.all(
    Array.from({ length: 60 }, () => bench.bus.emit("pipeline.end", { pipeline: "orders" })),
  );

  await bench.time.advance(minute);
  const reasons = (await bench.rows()).map(({ reason }) => reason ?? "");
  await bench.time.advance(hour);

  const rows = await bench.rows();
  const attempts = (await Promise.all(rows.map(({ id }) => bench.bus.store.attempts(id)))).flat();
  expect(rows.filter(({ state }) => state !== "delivered")).toEqual([]);
  expect(bench.hex.runs).toHaveLength(60);
  expect(bench.hex.peaks.requestsPerMinute).toBeLessThanOrEqual(55);
  expect(attempts.filter(({ outcome }) => outcome === "retry" || outcome === "dead")).toEqual([]);
  expect(reasons.join()).toMatch(/rate budget: the requests of 55\/1m are used up, next at 2026-/);
});
