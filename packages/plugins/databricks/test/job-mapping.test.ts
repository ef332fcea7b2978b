import { databricksJob } from "@pipehooks/databricks";
import {
  createDatabricksReceiver,
  createTestDelivery,
  createTestEvent,
  openHook,
} from "@pipehooks/testing";
import { expect, test } from "vitest";
import { openBench } from "./bench.ts";

const minute = 60_000;
const twoJobs = { orders: "12", customers: "34" };
const events = (...pipelines: string[]) =>
  pipelines.map((pipeline) => createTestEvent({ pipeline }));

test.for(["skip", "one_follow_up", "cancel_and_replace"] as const)(
  "with onRunning: %s a run of another job does not count, however young",
  async (onRunning) => {
    await using bench = await openBench(
      { jobMappings: twoJobs, onRunning },
      { jobs: ["12", "34"].map((id) => ({ id, plan: () => ({ runMs: 10 * minute }) })) },
    );

    await bench.end("orders");
    if (onRunning !== "one_follow_up") await bench.time.advance(2_000);
    await bench.end("customers");
    await bench.time.advance(minute / 2);

    const runs = bench.databricks.runs.map(({ jobId, state }) => [jobId, state]);
    expect(runs.sort()).toEqual([
      ["12", "RUNNING"],
      ["34", "RUNNING"],
    ]);
  },
);

/** A hook over a workspace with two jobs; deliveries by hand. */
async function open(options: object) {
  const databricks = await createDatabricksReceiver({ jobs: [{ id: "12" }, { id: "34" }] });
  const opened = await openHook(databricksJob, {
    ...{ host: databricks.url, token: "dapi-test", waitForCompletion: false },
    ...options,
  });
  return {
    databricks,
    deliver: async (...pipelines: string[]) =>
      opened.hook.deliver(createTestDelivery({ events: events(...pipelines) })),
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
      await databricks[Symbol.asyncDispose]();
    },
  };
}

test("events that came together and belong to several jobs start none of them", async () => {
  await using bench = await open({ jobMappings: twoJobs });

  await expect(bench.deliver("customers", "orders")).rejects.toMatchObject({
    code: "REQUEST_INVALID",
    message: expect.stringMatching(/^The 2 events .* jobs 34, 12, and .*\("by" of the gate\)/),
  });
  expect(bench.databricks.requests).toEqual([]);
});

test("events that give one job different parameters do not start it", async () => {
  await using bench = await open({
    jobMappings: { orders: "12", customers: { jobId: "12", jobParameters: { full: "yes" } } },
  });

  await expect(bench.deliver("customers", "orders")).rejects.toMatchObject({
    code: "REQUEST_INVALID",
    message: expect.stringContaining("start job 12 with different parameters"),
  });
});

test("events of one job start it once, whatever stands between them", async () => {
  await using bench = await open({
    jobMappings: { orders: "12", "orders_*": 12 },
    jobParameters: { last: "${pipeline}", count: "${count}" },
  });

  await bench.deliver("orders", "unknown", "orders_eu", "unknown");

  expect(bench.databricks.runs).toMatchObject([
    { jobId: "12", parameters: { last: "orders_eu", count: "4" } },
  ]);
});

test("events that no job is for are skipped together, and the reason names them", async () => {
  await using bench = await open({ jobMappings: twoJobs });

  const outcome = await bench.deliver("a", "b", "a");

  expect(outcome).toEqual({ type: "skipped", reason: 'no job is mapped to pipeline "a", "b"' });
});

test("check looks at the parameters of a mapping, too", async () => {
  await using databricks = await createDatabricksReceiver({
    jobs: [
      { id: "12", parameters: { date: "x" } },
      { id: "34", parameters: { dat: "x" } },
    ],
  });
  await using opened = await openHook(databricksJob, {
    ...{ host: databricks.url, token: "dapi-test", jobParameters: { date: "1" } },
    jobMappings: { orders: { jobId: "12", jobParameters: { dat: "1" } }, customers: "34" },
  });

  const report = await opened.hook.check?.(AbortSignal.timeout(5_000));

  expect(report?.summary).toMatch(
    /job 12 .* declares no parameter dat; job 34 .* declares no parameter date$/,
  );
});

test("a secret of digits does not break what would be sent", async () => {
  await using opened = await openHook(databricksJob, {
    ...{ host: "https://x", token: "12345678", jobId: "12345678" },
    jobParameters: { auth: "12345678" },
  });

  const rendered = await opened.hook.render?.(createTestDelivery({ events: events("orders") }));

  expect(rendered?.body).toMatchObject({ job_parameters: { auth: "[redacted]" } });
});
