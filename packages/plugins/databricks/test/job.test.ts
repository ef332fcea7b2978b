import { databricksJob } from "@pipehooks/databricks";
import { createTestDelivery, createTestEvent, openHook } from "@pipehooks/testing";
import { expect, test } from "vitest";
import { openBench } from "./bench.ts";

const minute = 60_000;

test("a run is started once, seen through, and its end is an event", async () => {
  await using bench = await openBench({ jobParameters: { date: "${metadata.date}" } });

  await bench.end("orders", { date: "2026-01-15" });
  await bench.time.advance(minute);

  const [run] = bench.databricks.runs;
  expect(bench.databricks.runs).toHaveLength(1);
  expect(run?.parameters).toEqual({ date: "2026-01-15" });
  expect(await bench.row()).toMatchObject({ state: "delivered" });
  expect(bench.heard).toMatchObject([
    {
      type: "databricks.run.completed",
      pipeline: "orders",
      metadata: {
        run_id: run?.id,
        hook: "load",
        label: "SUCCESS",
        url: expect.stringContaining(`#job/12/run/${run?.id}`),
        termination_code: "SUCCESS",
        termination_type: "SUCCESS",
      },
    },
  ]);
});

test("ids beyond what a number holds are sent and asked for with every digit", async () => {
  const jobId = "9223372036854775807";
  await using bench = await openBench(
    { jobMappings: { orders: jobId } },
    { jobs: [{ id: jobId }] },
  );

  await bench.end();
  await bench.time.advance(minute);

  expect(bench.databricks.runs).toMatchObject([{ jobId, state: "TERMINATED" }]);
  expect(await bench.row()).toMatchObject({ state: "delivered" });
  expect(bench.heard[0]?.metadata.run_id).toBe(bench.databricks.runs[0]?.id);
});

test("a run whose task failed ends the delivery, with the task and what it wrote", async () => {
  await using bench = await openBench(
    {},
    {
      jobs: [
        {
          id: "12",
          tasks: ["load", "report"],
          plan: () => ({ code: "RUN_EXECUTION_ERROR", message: "Table not found: orders" }),
        },
      ],
    },
  );

  await bench.end();
  await bench.time.advance(minute);

  const row = await bench.row();
  expect(row.state).toBe("dead");
  expect(row.reason).toContain("RUN_EXECUTION_ERROR: Table not found: orders");
  expect(bench.heard).toMatchObject([
    {
      type: "databricks.run.failed",
      metadata: {
        label: "RUN_EXECUTION_ERROR",
        termination_type: "CLIENT_ERROR",
        failed_tasks: [
          {
            task_key: "report",
            code: "RUN_EXECUTION_ERROR",
            error: "Table not found: orders",
          },
        ],
      },
    },
  ]);
});

test.for([
  ["SUCCESS_WITH_FAILURES", "completed"],
  ["INTERNAL_ERROR", "failed"],
  ["CLOUD_FAILURE", "failed"],
  ["SKIPPED", "failed"],
  ["CANCELED", "cancelled"],
  ["SOMETHING_NEW", "failed"],
] as const)("a run that ends with %s is %s", async ([code, end]) => {
  await using bench = await openBench({}, { jobs: [{ id: "12", plan: () => ({ code }) }] });

  await bench.end();
  await bench.time.advance(minute);

  expect(bench.heard.map(({ type }) => type)).toEqual([`databricks.run.${end}`]);
  expect((await bench.row()).state).toBe(end === "completed" ? "delivered" : "dead");
});

test.for([
  ["TERMINATED", "SUCCESS", "completed"],
  ["INTERNAL_ERROR", "FAILED", "failed"],
  ["TERMINATED", "TIMEDOUT", "failed"],
  ["TERMINATED", "CANCELED", "cancelled"],
  ["SKIPPED", undefined, "failed"],
  ["RUNNING", undefined, undefined],
] as const)("where there is only the old state, %s %s is %s", async ([life, result, end]) => {
  await using bench = await openBench();
  const state = { life_cycle_state: life, result_state: result, state_message: "because" };
  bench.databricks.fault({ on: "jobs/runs/get", answer: { body: JSON.stringify({ state }) } });

  await bench.end();
  await bench.time.advance(minute);

  const types = end === undefined ? [] : [`databricks.run.${end}`];
  expect(bench.heard.map(({ type }) => type)).toEqual(types);
});

test("of more than a hundred tasks the failed ones are found on every page", async () => {
  const tasks = Array.from({ length: 230 }, (_, index) => `task_${index}`);
  await using bench = await openBench(
    {},
    {
      jobs: [
        {
          id: "12",
          tasks,
          plan: () => ({ code: "RUN_EXECUTION_ERROR", failedTasks: ["task_3", "task_229"] }),
        },
      ],
    },
  );

  await bench.end();
  await bench.time.advance(minute);

  expect(bench.heard[0]?.metadata.failed_tasks).toMatchObject([
    { task_key: "task_3" },
    { task_key: "task_229" },
  ]);
});

test.for([
  ["503, the run being started", { answer: 503, effect: true }],
  ["a cut connection, the run being started", { answer: "cut", effect: true }],
  ["a page to log in", { answer: "html-login" }],
  ["an answer that drips", { answer: "drip", effect: true }],
  ["500", { answer: 500 }],
  ["429", { answer: { status: 429, headers: { "retry-after": "2" } } }],
] as const)("%s at the start leaves one run", async ([, fault]) => {
  await using bench = await openBench();
  bench.databricks.fault({ on: "jobs/run-now", times: 2, ...fault });

  await bench.end();
  await bench.time.advance(4 * minute);

  expect(bench.databricks.runs).toHaveLength(1);
  expect((await bench.row()).state).toBe("delivered");
  expect(bench.heard).toHaveLength(1);
});

test("looks that fail, or tell a state that nobody knows, never fail the run", async () => {
  await using bench = await openBench(
    {},
    { jobs: [{ id: "12", plan: () => ({ runMs: 8 * minute }) }] },
  );
  bench.databricks.fault({ on: "jobs/runs/get", answer: 500, every: 3 });
  bench.databricks.fault({ on: "jobs/runs/get", answer: "unknown-state", every: 4 });
  bench.databricks.fault({ on: "jobs/runs/get", answer: "html-login", every: 5 });

  await bench.end();
  await bench.time.advance(12 * minute);

  expect((await bench.row()).state).toBe("delivered");
  expect(bench.heard.map(({ type }) => type)).toEqual(["databricks.run.completed"]);
  expect(bench.logs.join("\n")).toContain("HIBERNATING");
});

test("a run that goes on beyond its deadline is cancelled if so asked", async () => {
  await using bench = await openBench(
    { deadline: "3m", onDeadline: "cancel" },
    { jobs: [{ id: "12", plan: () => ({ runMs: 10 * 60 * minute }) }] },
  );

  await bench.end();
  await bench.time.advance(6 * minute);

  expect(bench.databricks.runs).toMatchObject([{ code: "USER_CANCELED" }]);
  expect(bench.heard.map(({ type }) => type)).toEqual(["databricks.run.cancelled"]);
});

test("without waiting a run is delivered when it is started", async () => {
  await using bench = await openBench({ waitForCompletion: false });

  await bench.end();
  await bench.time.advance(1_000);

  expect((await bench.row()).state).toBe("delivered");
  expect(bench.databricks.calls("jobs/runs/get")).toBe(0);
});

test("a failure that is worth it is run again, one that is not is left", async () => {
  await using bench = await openBench(
    { retryRun: 2 },
    {
      jobs: [{ id: "12", plan: ({ number }) => (number === 0 ? { code: "CLUSTER_ERROR" } : {}) }],
    },
  );
  await using other = await openBench(
    { retryRun: 2 },
    { jobs: [{ id: "12", plan: () => ({ code: "INVALID_RUN_CONFIGURATION" }) }] },
  );

  for (const each of [bench, other]) {
    await each.end();
    await each.time.advance(3 * minute);
  }

  expect(bench.databricks.runs.map(({ code }) => code)).toEqual(["CLUSTER_ERROR", "SUCCESS"]);
  expect((await bench.row()).state).toBe("delivered");
  expect(other.databricks.runs).toHaveLength(1);
});

test("repair reruns the failed tasks of the same run, once, though its answer is lost", async () => {
  await using bench = await openBench(
    { retryRun: 1, repair: true },
    {
      jobs: [
        {
          id: "12",
          tasks: ["load", "report"],
          plan: ({ repair }) => (repair === 0 ? { code: "RUN_EXECUTION_ERROR" } : {}),
        },
      ],
    },
  );
  bench.databricks.fault({ on: "jobs/runs/repair", answer: 503, effect: true, times: 1 });

  await bench.end();
  await bench.time.advance(3 * minute);

  expect(bench.databricks.runs).toMatchObject([{ code: "SUCCESS", repairs: 1 }]);
  expect((await bench.row()).state).toBe("delivered");
});

test("while a run goes on, one more follows and the rest are covered by it", async () => {
  await using bench = await openBench({ onRunning: "one_follow_up" });

  for (const pipeline of ["a", "b", "c", "d"]) {
    await bench.end(pipeline);
    await bench.time.advance(1_500);
  }
  await bench.time.advance(5 * minute);

  const states = (await bench.rows()).map(({ state }) => state).sort();
  expect(bench.databricks.runs).toHaveLength(2);
  expect(states).toEqual(["delivered", "delivered", "skipped", "skipped"]);
});

test("a mapping finds the exact name first, then patterns in order, then the job for all", async () => {
  await using bench = await openBench(
    {
      jobMappings: {
        "prod_*": { jobId: 2, jobParameters: { from: "pattern" } },
        prod_orders: 1,
        "*_orders": 3,
      },
      jobId: 4,
      jobParameters: { by: "${pipeline}" },
      waitForCompletion: false,
    },
    { jobs: ["1", "2", "3", "4"].map((id) => ({ id })) },
  );

  for (const name of ["prod_orders", "prod_x", "test_orders", "other"]) await bench.end(name);
  await bench.time.advance(1_000);

  const started = bench.databricks.runs.map(({ jobId, parameters }) => [jobId, parameters]);
  expect(started.sort()).toEqual([
    ["1", { by: "prod_orders" }],
    ["2", { by: "prod_x", from: "pattern" }],
    ["3", { by: "test_orders" }],
    ["4", { by: "other" }],
  ]);
});

test("an event that nothing is mapped to is skipped, and says why", async () => {
  await using bench = await openBench({ jobMappings: { eu: "12" }, mapBy: "metadata.region" });

  await bench.end("orders", { region: "us" });
  await bench.end("orders");
  await bench.time.advance(1_000);

  const reasons = (await bench.rows()).map(({ state, reason }) => `${state}: ${reason}`).sort();
  expect(bench.databricks.requests).toEqual([]);
  expect(reasons[0]).toContain('no job is mapped to metadata.region "us"');
  expect(reasons[1]).toContain('the event has no "metadata.region"');
});

test("everything that run-now takes is sent as it takes it", async () => {
  await using bench = await openBench({
    pythonParams: ["--rows", "${metadata.rows}"],
    dbtCommands: ["dbt build --select ${pipeline}"],
    pythonNamedParams: { flag: "${metadata.flag:-null}" },
    sqlParams: { list: "${metadata.list}" },
    sparkSubmitParams: ["a"],
    jarParams: ["b"],
    pipelineParams: { fullRefresh: false, refreshSelection: ["t"], fullRefreshSelection: ["u"] },
    only: ["+report"],
    queue: false,
    performanceTarget: "STANDARD",
    waitForCompletion: false,
  });

  await bench.end("orders", { rows: 7, list: [1, 2] });
  await bench.time.advance(1_000);

  expect(bench.databricks.runs[0]?.body).toEqual({
    job_id: 12n,
    idempotency_token: expect.stringMatching(/^[0-9a-f]{64}$/),
    python_params: ["--rows", "7"],
    dbt_commands: ["dbt build --select orders"],
    python_named_params: { flag: "" },
    sql_params: { list: "[1,2]" },
    spark_submit_params: ["a"],
    jar_params: ["b"],
    pipeline_params: {
      full_refresh: false,
      refresh_selection: ["t"],
      full_refresh_selection: ["u"],
    },
    only: ["+report"],
    queue: { enabled: false },
    performance_target: "STANDARD",
  });
});

test.for([
  ["notebookParams", { text: "${metadata.text}" }, "x".repeat(10_001), '"jobParameters" ("job_p'],
  ["pythonParams", ["${metadata.text}"], "é", "ASCII"],
] as const)(
  "%s beyond their limit are refused before they are sent",
  async ([option, value, text, word]) => {
    await using bench = await openBench({ [option]: value });

    await bench.end("orders", { text });
    await bench.time.advance(1_000);

    const row = await bench.row();
    expect(row.state).toBe("dead");
    expect(row.reason).toContain(word);
    expect(bench.databricks.requests).toEqual([]);
  },
);

test("a delivery that is replayed has a run of its own", async () => {
  await using bench = await openBench(
    {},
    {
      jobs: [
        { id: "12", plan: ({ number }) => (number === 0 ? { code: "RUN_EXECUTION_ERROR" } : {}) },
      ],
    },
  );
  await bench.end();
  await bench.time.advance(minute);
  expect((await bench.row()).state).toBe("dead");

  await bench.bus.store.replay({ hook: "load" }, bench.time.now());
  await bench.time.advance(minute);

  expect((await bench.row()).state).toBe("delivered");
  expect(bench.databricks.runs).toHaveLength(2);
});

test("a service principal's token is fetched once for all, renewed before it ends, and anew when refused", async () => {
  await using bench = await openBench(
    { clientId: "client-1", clientSecret: "s3cret", poll: { longest: "30s" } },
    {
      jobs: [{ id: "12", maxConcurrentRuns: 3, plan: () => ({ runMs: 15 * minute }) }],
      tokenLifetimeSeconds: 600,
    },
  );
  for (const pipeline of ["a", "b", "c"]) await bench.end(pipeline);
  await bench.time.advance(minute);
  const atFirst = bench.databricks.tokensIssued;

  // A fifth of its life before its end.
  await bench.time.advance(8 * minute);
  const renewed = bench.databricks.tokensIssued;
  bench.databricks.revokeTokens();
  await bench.time.advance(minute);
  const afterRefusal = bench.databricks.tokensIssued;
  await bench.time.advance(7 * minute);

  expect([atFirst, renewed, afterRefusal]).toEqual([1, 2, 3]);
  expect((await bench.rows()).map(({ state }) => state)).toEqual(Array(3).fill("delivered"));
  expect(bench.databricks.runs).toHaveLength(3);
});

test("a wrong client secret is a dead letter that says what to check, without the secret", async () => {
  await using bench = await openBench({ clientId: "client-1", clientSecret: "wrong-secret" });

  await bench.end();
  await bench.time.advance(1_000);

  const { state, reason } = await bench.row();
  expect(state).toBe("dead");
  expect(reason).toContain('"clientSecret" ("client_secret" in YAML)');
  expect(reason).toContain("invalid_client");
  expect(reason).not.toContain("wrong-secret");
});

test("where there is no 2.2, 2.1 is used", async () => {
  await using bench = await openBench({}, { versions: ["2.1"] });

  await bench.end();
  await bench.time.advance(minute);

  expect((await bench.row()).state).toBe("delivered");
  const paths = bench.databricks.requests.map(({ path }) => path.split("?")[0]);
  expect(paths.filter((path) => path === "/api/2.2/jobs/run-now")).toHaveLength(1);
});

test("a workspace behind a host that serves several is named in each request", async () => {
  await using bench = await openBench({ workspaceId: "123" });

  await bench.end();
  await bench.time.advance(minute);

  const ids = bench.databricks.requests.map(({ headers }) => headers["x-databricks-workspace-id"]);
  expect(new Set(ids)).toEqual(new Set(["123"]));
  expect(bench.databricks.requests[0]?.headers["user-agent"]).toMatch(/^pipehooks-databricks\/\d/);
});

test("check finds the jobs, and names those that are not there or not permitted", async () => {
  await using bench = await openBench(
    {},
    {
      jobs: [
        { id: "12", name: "nightly", parameters: { date: "" } },
        { id: "13", permission: "none" },
      ],
      missing: 400,
    },
  );
  const checked = async (options: object) => {
    await using opened = await openHook(databricksJob, {
      host: bench.databricks.url,
      token: "dapi-test",
      ...options,
    });
    return await opened.hook.check?.(AbortSignal.timeout(5_000));
  };

  expect((await checked({ jobId: 12, jobParameters: { date: "x", dat: "y" } }))?.summary).toContain(
    'job 12 "nightly" is there, which declares no parameter dat',
  );
  await expect(checked({ jobMappings: { a: 12, b: 13, c: 14 } })).rejects.toMatchObject({
    code: "RECEIVER_REFUSED",
    message: expect.stringMatching(/job 13: .*PERMISSION_DENIED.* job 14: .*does not exist/),
  });
  await expect(checked({ jobId: 12, token: "dapi-other" })).rejects.toThrow("401");
});

test("render shows the request without sending it and without the token", async () => {
  await using opened = await openHook(databricksJob, {
    host: "https://dbc-a1b2.cloud.databricks.com",
    token: "dapi-secret",
    jobId: "9223372036854775807",
    jobParameters: { rows: "${metadata.rows}", auth: "dapi-secret" },
  });

  const event = createTestEvent();
  const rendered = await opened.hook.render?.(createTestDelivery({ event }));

  expect(rendered).toEqual({
    target: "POST https://dbc-a1b2.cloud.databricks.com/api/2.2/jobs/run-now",
    headers: { authorization: "[redacted]", "content-type": "application/json" },
    body: {
      job_id: "9223372036854775807",
      idempotency_token: expect.stringMatching(/^[0-9a-f]{64}$/),
      job_parameters: { rows: "1250", auth: "[redacted]" },
    },
  });
});
