import { hexRun } from "@pipehooks/hex";
import { expect, test } from "vitest";
import { hour, minute, openBench } from "./bench.ts";

test("a run is started, looked at until it ends, and told of with ids, address and times", async () => {
  await using bench = await openBench({ course: { pendingMs: 3_000, runMs: 2 * minute } });
  const { event } = await bench.bus.emit("pipeline.end", { pipeline: "orders" });

  await bench.time.advance(minute);
  const midway = await bench.row();
  await bench.time.advance(5 * minute);

  const [run] = bench.hex.runs;
  const [outcome] = bench.outcomes;
  expect(bench.hex.runs).toHaveLength(1);
  expect([midway.state, (await bench.row()).state]).toEqual(["pending", "delivered"]);
  expect(outcome).toMatchObject({
    type: "hex.run.completed",
    causedBy: event.id,
    metadata: {
      run_id: run?.runId,
      url: `${bench.hex.url}/hex/${run?.projectId}/app/run/${run?.runId}`,
      label: "COMPLETED",
      hook: "hex",
      event: event.id,
      project_id: run?.projectId,
      project_version: 12,
      status: "COMPLETED",
      elapsed_ms: 120_000.5,
    },
  });
});

test("without options a run takes no cached SQL results and refreshes no app", async () => {
  await using bench = await openBench();
  await bench.bus.emit("pipeline.end");
  await bench.time.advance(minute);

  expect(bench.bodies()).toEqual([{ updatePublishedResults: false, useCachedSqlResults: false }]);
});

test("inputs are templates that keep their types, and notifications are handed on", async () => {
  await using bench = await openBench({
    projects: [
      {
        title: "A",
        inputs: {
          rows: { dataType: "number", cellType: "slider" },
          day: { dataType: "string", cellType: "text_input" },
        },
      },
    ],
    options: {
      inputParams: { rows: "${metadata.rows}", day: "of ${pipeline}" },
      useCachedSqlResults: true,
      notifications: [
        {
          type: "FAILURE",
          slackChannelIds: ["C1"],
          subject: "${pipeline}",
          body: "${metadata.rows}",
        },
        {
          type: "ALL",
          includeSuccessScreenshot: true,
          screenshotFormat: "png",
          userIds: ["u"],
          groupIds: ["g"],
        },
      ],
    },
  });
  await bench.bus.emit("pipeline.end", { pipeline: "orders", metadata: { rows: 12 } });
  await bench.time.advance(minute);

  expect(bench.bodies()).toEqual([
    {
      inputParams: { rows: 12, day: "of orders" },
      updatePublishedResults: false,
      useCachedSqlResults: true,
      notifications: [
        {
          type: "FAILURE",
          includeSuccessScreenshot: false,
          slackChannelIds: ["C1"],
          subject: "orders",
          body: "12",
        },
        {
          type: "ALL",
          includeSuccessScreenshot: true,
          screenshotFormat: "png",
          userIds: ["u"],
          groupIds: ["g"],
        },
      ],
    },
  ]);
  expect(bench.hex.runs).toHaveLength(1);
});

test("a view is used instead of inputs", async () => {
  await using bench = await openBench({
    projects: [{ title: "A", views: ["view-orders"] }],
    options: { viewId: "view-${pipeline}" },
  });
  await bench.bus.emit("pipeline.end", { pipeline: "orders" });
  await bench.time.advance(minute);

  expect(bench.hex.runs[0]?.body.viewId).toBe("view-orders");
});

test("what is wrong with an option is told by its names in code and in YAML", async () => {
  await using bench = await openBench({ options: { viewId: "${metadata.view}" } });
  await bench.bus.emit("pipeline.end", { metadata: { view: 7 } });
  await bench.time.advance(minute);

  expect((await bench.row()).reason).toContain('"viewId" ("view_id" in YAML) became 7');
});

test("after a refresh the event tells when people saw new results", async () => {
  await using bench = await openBench({ options: { updatePublishedResults: true } });
  await bench.bus.emit("pipeline.end");
  await bench.time.advance(5 * minute);

  const at = bench.outcomes[0]?.metadata?.published_results_updated_at;
  expect(Date.parse(String(at))).toBe(bench.hex.runs[0]?.endsAt);
});

test("wrong inputs are named in the dead letter", async () => {
  await using bench = await openBench({
    projects: [{ title: "A", inputs: { limit: { dataType: "number", cellType: "slider" } } }],
    options: { inputParams: { limit: "abc", regoin: "eu" } },
  });
  await bench.bus.emit("pipeline.end");
  await bench.time.advance(minute);

  const { state, reason } = await bench.row();
  expect(state).toBe("dead");
  expect(reason).toContain('input "limit" is "abc", but takes a number (slider)');
  expect(reason).toContain('no input "regoin"');
  expect(bench.hex.count("start")).toBe(1);
});

test("a field that the event lacks is found before anything is sent", async () => {
  await using bench = await openBench({ options: { inputParams: { rows: "${metadata.rows}" } } });
  await bench.bus.emit("pipeline.end");
  await bench.time.advance(minute);

  expect((await bench.row()).reason).toContain("metadata.rows");
  expect(bench.hex.requests).toEqual([]);
});

test.for([
  ["ERRORED", "hex.run.failed"],
  ["UNABLE_TO_ALLOCATE_KERNEL", "hex.run.failed"],
  ["KILLED", "hex.run.cancelled"],
] as const)("a run that ends as %s is a dead letter and told of as %s", async ([end, type]) => {
  await using bench = await openBench({ course: { end } });
  await bench.bus.emit("pipeline.end");
  await bench.time.advance(5 * minute);

  const { state, reason } = await bench.row();
  expect([state, bench.outcomes.map((event) => event.type)]).toEqual(["dead", [type]]);
  expect(reason).toContain(bench.hex.runs[0]?.runId);
  expect(bench.outcomes[0]?.metadata).toMatchObject({ status: end });
});

test.for([
  ["UNABLE_TO_ALLOCATE_KERNEL", 2, "hex.run.completed"],
  ["ERRORED", 1, "hex.run.failed"],
] as const)("with retry_run, %s leads to %i runs in all", async ([end, runs, type]) => {
  await using bench = await openBench({
    course: (_run, index) => (index === 0 ? { end } : {}),
    options: { retryRun: 1 },
  });
  await bench.bus.emit("pipeline.end");
  await bench.time.advance(15 * minute);

  expect(bench.hex.runs).toHaveLength(runs);
  expect(bench.outcomes.map((event) => event.type)).toEqual([type]);
});

test.for([
  ["each third look fails", { on: "look", answer: 500, every: 3 }],
  ["looks meet a login page for a while", { on: "look", answer: "login-page", times: 5 }],
  ["looks are cut off for a while", { on: "look", answer: "cut", times: 5 }],
  ["a status is unknown for a while", { on: "look", answer: "unknown-status", times: 5 }],
  ["looks are refused for a while", { on: "look", answer: 429, times: 3 }],
] as const)("a run comes to its end though %s", async ([, fault]) => {
  await using bench = await openBench({ course: { runMs: 5 * minute } });
  using _fault = bench.hex.fault(fault);
  await bench.bus.emit("pipeline.end");
  await bench.time.advance(12 * minute);

  expect((await bench.row()).state).toBe("delivered");
  expect(bench.hex.runs).toHaveLength(1);
  expect(bench.outcomes.map(({ type }) => type)).toEqual(["hex.run.completed"]);
});

test.for([502, 504, 500, "login-page", "cut", "garbage", 503] as const)(
  "a start that was done and answered %s is found in the list: there is one run",
  async (answer) => {
    await using bench = await openBench({ listLagMs: 3_000 });
    using _fault = bench.hex.fault({ on: "start", answer, times: 1 });
    await bench.bus.emit("pipeline.end");
    await bench.time.advance(12 * minute);

    expect(bench.hex.runs).toHaveLength(1);
    expect((await bench.row()).state).toBe("delivered");
    expect(bench.outcomes.map(({ type }) => type)).toEqual(["hex.run.completed"]);
  },
);

test.for([
  ["trigger_again", 1, "delivered"],
  ["give_up", 0, "dead"],
] as const)(
  "a start of which nobody can say, since runs cannot be listed, is decided by when_unknown: %s",
  async ([whenUnknown, runs, state]) => {
    await using bench = await openBench({ options: { whenUnknown } });
    using _start = bench.hex.fault({ on: "start", answer: 502, effect: false, times: 1 });
    using _list = bench.hex.fault({ on: "list", answer: 403 });
    await bench.bus.emit("pipeline.end");
    await bench.time.advance(12 * minute);

    expect(bench.hex.runs).toHaveLength(runs);
    expect((await bench.row()).state).toBe(state);
  },
);

test("a start that left nothing in the list did not happen, so there is another one", async () => {
  await using bench = await openBench();
  using _fault = bench.hex.fault({ on: "start", answer: 502, effect: false, times: 1 });
  await bench.bus.emit("pipeline.end");
  await bench.time.advance(5 * minute);

  expect(bench.hex.runs).toHaveLength(1);
  expect(bench.hex.count("start")).toBe(2);
  expect((await bench.row()).state).toBe("delivered");
});

test("runs of others, earlier runs and those of other deliveries are not taken for the lost one", async () => {
  await using bench = await openBench({
    course: { runMs: 5 * minute },
  });
  const [project = ""] = bench.hex.projectIds;
  bench.hex.start(project, "API");
  await bench.time.advance(minute);
  await bench.bus.emit("pipeline.end");
  await bench.time.advance(10_000);
  const before = bench.hex.runs.length;

  using _fault = bench.hex.fault({ on: "start", answer: 502, effect: false, times: 1 });
  await bench.bus.emit("pipeline.end");
  bench.hex.start(project, "SCHEDULED");
  await bench.time.advance(30 * minute);

  const ids = bench.outcomes.map(({ metadata }) => metadata?.run_id);
  expect(before).toBe(2);
  expect(bench.hex.runs).toHaveLength(4);
  expect(ids.sort()).toEqual([bench.hex.runs[1]?.runId, bench.hex.runs[3]?.runId].sort());
});

test("a start that is answered 429 is tried again when the minute is over, and looks wait with it", async () => {
  await using bench = await openBench();
  using _fault = bench.hex.fault({ on: "start", answer: 429, effect: false, times: 1 });
  const begun = bench.time.now();
  await bench.bus.emit("pipeline.end");
  await bench.time.advance(50_000);
  const early = bench.hex.count("start");
  await bench.time.advance(5 * minute);

  const [run] = bench.hex.runs;
  expect(early).toBe(1);
  expect(bench.hex.runs).toHaveLength(1);
  expect(run?.createdAt).toBeGreaterThanOrEqual(begun + minute);
  expect((await bench.row()).state).toBe("delivered");
});

test("a start refused for want of kernels waits, and uses up no attempt", async () => {
  await using bench = await openBench({
    openNotebooks: 24,
    course: { runMs: 5 * minute },
    hook: { retry: { attempts: 1 } },
  });
  await bench.bus.emit("pipeline.end");
  await bench.bus.emit("pipeline.end");
  await bench.time.advance(minute);
  const waiting = (await bench.rows()).map(({ reason }) => reason);
  await bench.time.advance(12 * minute);

  expect(waiting.join()).toMatch(/no room: .*kernels.*Next at/);
  expect((await bench.rows()).map(({ state }) => state)).toEqual(["delivered", "delivered"]);
  expect(bench.hex.runs).toHaveLength(2);
  expect(bench.hex.answers[503]).toBeGreaterThan(0);
});

test("no more runs go on than max_running, and the wait is told", async () => {
  await using bench = await openBench({
    course: { runMs: minute },
    options: { maxRunning: 2 },
  });
  for (let at = 0; at < 6; at += 1) await bench.bus.emit("pipeline.end");
  await bench.time.advance(minute);
  const waiting = (await bench.rows()).flatMap(({ reason }) =>
    reason?.includes("of at most 2 runs") ? [reason] : [],
  );
  await bench.time.advance(12 * minute);

  expect(waiting).toHaveLength(4);
  expect(waiting[0]).toMatch(/next at 2026-/);
  expect(bench.hex.peaks.kernels).toBe(2);
  expect(bench.hex.runs).toHaveLength(6);
  expect(new Set((await bench.rows()).map(({ state }) => state))).toEqual(new Set(["delivered"]));
});

test("start_rate is kept over all hooks with the token", async () => {
  await using bench = await openBench({
    course: { pendingMs: 0, runMs: 1_000 },
    options: { startRate: ["3/1m"] },
    others: (options) => [
      { name: "other", events: "pipeline.end", hook: hexRun(options({ startRate: ["3/1m"] })) },
    ],
  });
  for (let at = 0; at < 5; at += 1) await bench.bus.emit("pipeline.end");
  await bench.time.advance(20 * minute);

  expect(bench.hex.peaks.startsPerMinute).toBe(3);
  expect(bench.hex.runs).toHaveLength(10);
});

test.for([
  ["true, and the results are newer than the event", true, "2026-01-01T00:00:30.000Z", "skipped"],
  ["true, and the results are older", true, "2025-12-31T23:00:00.000Z", "delivered"],
  ["true, and there are no results yet", true, null, "delivered"],
  ["a duration, and the results are younger", "2h", "2025-12-31T23:00:00.000Z", "skipped"],
  ["a duration, and the results are older", "30m", "2025-12-31T23:00:00.000Z", "delivered"],
  ["false", false, "2026-01-01T00:00:30.000Z", "delivered"],
] as const)("skip_if_fresh: %s", async ([, skipIfFresh, publishedResultsUpdatedAt, state]) => {
  await using bench = await openBench({
    projects: [{ title: "A", publishedResultsUpdatedAt }],
    options: { skipIfFresh },
  });
  await bench.bus.emit("pipeline.end");
  await bench.time.advance(5 * minute);

  const row = await bench.row();
  expect(row.state).toBe(state);
  expect(bench.hex.runs).toHaveLength(state === "skipped" ? 0 : 1);
  if (state === "skipped") expect(row.reason).toContain(String(publishedResultsUpdatedAt));
});

test("a burst needs few runs with skip_if_fresh: later events find their results there", async () => {
  await using bench = await openBench({
    course: { runMs: minute },
    options: { skipIfFresh: true, updatePublishedResults: true, maxRunning: 1 },
  });
  for (let at = 0; at < 10; at += 1) await bench.bus.emit("pipeline.end");
  await bench.time.advance(12 * minute);

  const states = (await bench.rows()).map(({ state }) => state);
  expect(states.filter((state) => state === "skipped")).toHaveLength(9);
  expect(bench.hex.runs).toHaveLength(1);
});

test("with wait_for_completion off a delivery ends with the start", async () => {
  await using bench = await openBench({ options: { waitForCompletion: false } });
  await bench.bus.emit("pipeline.end");
  await bench.time.advance(2_000);

  expect((await bench.row()).state).toBe("delivered");
  expect(bench.hex.count("look")).toBe(0);
});

test.for([
  ["cancel", "KILLED", "delivered"],
  ["leave", "RUNNING", "delivered"],
  ["fail", "RUNNING", "dead"],
] as const)(
  "at its deadline a run is treated as on_deadline says: %s",
  async ([onDeadline, status, state]) => {
    await using bench = await openBench({
      course: { runMs: 10 * hour },
      options: { deadline: "5m", onDeadline },
    });
    await bench.bus.emit("pipeline.end");
    await bench.time.advance(12 * minute);

    const [run] = bench.hex.runs;
    expect(run === undefined ? undefined : bench.hex.status(run)).toBe(status);
    expect((await bench.row()).state).toBe(state);
  },
);

test.for([
  ["queue", 3, ["delivered", "delivered", "delivered"]],
  ["skip", 1, ["delivered", "skipped", "skipped"]],
  ["one_follow_up", 2, ["delivered", "delivered", "skipped"]],
] as const)("while a run goes on, on_running decides: %s", async ([onRunning, runs, states]) => {
  await using bench = await openBench({
    // What is queued stays so while the first one runs.
    course: (_run, index) => ({ pendingMs: index === 0 ? 0 : 4 * minute, runMs: 2 * minute }),
    options: { onRunning },
  });
  for (let at = 0; at < 3; at += 1) {
    await bench.bus.emit("pipeline.end");
    await bench.time.advance(30_000);
  }
  await bench.time.advance(12 * minute);

  expect(bench.hex.runs).toHaveLength(runs);
  expect((await bench.rows()).map(({ state }) => state).sort()).toEqual([...states].sort());
});

test("on_running: cancel_and_replace ends the run that goes on and starts another", async () => {
  await using bench = await openBench({
    course: { runMs: 5 * minute },
    options: { onRunning: "cancel_and_replace" },
  });
  await bench.bus.emit("pipeline.end");
  await bench.time.advance(minute);
  await bench.bus.emit("pipeline.end");
  await bench.time.advance(12 * minute);

  expect(bench.hex.runs.map(({ end }) => end)).toEqual(["KILLED", "COMPLETED"]);
});

test("the waits between looks are those of poll", async () => {
  const looksIn = async (poll: { first: string; longest: string }) => {
    await using bench = await openBench({ course: { runMs: 30 * minute }, options: { poll } });
    await bench.bus.emit("pipeline.end");
    await bench.time.advance(10 * minute);
    return bench.hex.count("look");
  };

  const often = await looksIn({ first: "10s", longest: "10s" });
  const seldom = await looksIn({ first: "3m", longest: "3m" });

  expect(often).toBeGreaterThan(45);
  expect(seldom).toBeLessThan(5);
});
