import type { DeliveryRow } from "@pipehooks/core";
import { expect, test } from "vitest";
import { hour, minute } from "./bench.ts";
import { openPair } from "./pair.ts";

test("200 events in a minute over two processes and three hooks with one token: no limit is passed, nothing is lost, and the wait is seen", async () => {
  await using pair = await openPair(
    {
      projects: [{ title: "Orders" }, { title: "Finance" }, { title: "Stock" }],
      course: (_run, index) => ({ pendingMs: 2_000, runMs: 30_000 + (index % 7) * 20_000 }),
      // As many as are going to be asked for: one more would be refused.
      limits: { kernels: 20 },
      maxRunning: 20,
    },
    [
      ["hex", "pipeline.end"],
      ["finance", "pipeline.start"],
      ["stock", "pipeline.start"],
    ],
  );
  for (let at = 0; at < 50; at += 1) {
    await pair.emit("pipeline.end", "pipeline.end");
    if (at % 10 === 0) await pair.emit("pipeline.start");
  }

  await pair.goTo(10 * minute);
  const early = await pair.rows();
  const reasons = early.flatMap(({ state, reason }) => (state === "pending" ? [reason ?? ""] : []));
  let rows = early;
  for (let end = 3 * hour; end <= 6 * hour && !rows.every(isDelivered); end += hour / 4) {
    await pair.goTo(end);
    rows = await pair.rows();
  }

  const { peaks, answers, projectIds, runs } = pair.hex;
  const byProject = projectIds.map((id) => runs.filter((run) => run.projectId === id).length);
  expect(rows.filter((row) => !isDelivered(row))).toEqual([]);
  expect(rows).toHaveLength(220);
  expect(byProject).toEqual([200, 10, 10]);
  // Nothing was refused: the limits were kept here, not there.
  expect(Object.keys(answers).sort()).toEqual(["200", "201"]);
  expect(peaks.startsPerMinute).toBeLessThanOrEqual(20);
  expect(peaks.startsPerHour).toBeLessThanOrEqual(60);
  expect(peaks.requestsPerMinute).toBeLessThanOrEqual(60);
  expect(peaks.kernels).toBeLessThanOrEqual(20);
  // And made use of, by both.
  expect(peaks.startsPerMinute).toBeGreaterThan(15);
  expect(peaks.startsPerHour).toBeGreaterThan(50);
  for (const starts of pair.starts()) expect(starts).toBeGreaterThan(0);
  expect(reasons.length).toBeGreaterThan(100);
  expect(
    reasons.filter((reason) => !/^rate budget: .*, next at 2026-|: run /.test(reason)),
  ).toEqual([]);
  expect(reasons.filter((reason) => reason.includes("next at")).length).toBeGreaterThan(100);
}, 120_000);

function isDelivered({ state }: DeliveryRow): boolean {
  return state === "delivered";
}
