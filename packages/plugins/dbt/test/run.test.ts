import type { DbtCloudReceiverOptions } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { createBench, type Ended, load, settle } from "./bench.ts";

const emittedOf = ({ delivery }: Ended) => delivery.emitted[0];
const metadataOf = (ended: Ended) => emittedOf(ended)?.fields.metadata;
const failing = { outcome: "error" } as const;
const once = (runs: NonNullable<DbtCloudReceiverOptions["jobs"]>[number]["runs"]) => ({
  jobs: [{ id: 42, runs }],
});

describe("a run", () => {
  test("is started, looked at until its end, and told with its results", async () => {
    await using bench = await createBench({}, once({ runMs: 100_000 }));

    const ended = await bench.deliver();

    const [run] = bench.dbt.runs;
    expect(ended.outcome).toMatchObject({ type: "delivered" });
    expect(bench.dbt.runs).toHaveLength(1);
    expect(emittedOf(ended)).toMatchObject({
      type: "dbt.run.completed",
      fields: {
        metadata: {
          run_id: "70403103000001",
          url: `${bench.dbt.url}/deploy/1/projects/7/runs/${run?.id}/`,
          label: "Success",
          duration_ms: expect.any(Number),
          hook: "test",
          event: "01936c4e-8a00-7000-8000-000000000001",
          job_id: "42",
          account_id: "1",
          project_id: "7",
          environment_id: "11",
          status: 10,
          git_branch: "main",
          queued_seconds: 1,
          run_seconds: 101,
          started_at: "2026-01-01T00:00:02.000Z",
          results: {
            total: 2,
            statuses: { success: 2 },
            failures: [],
            nodes: [
              {
                unique_id: "model.shop.orders",
                status: "success",
                seconds: 1.5,
                rows: 1,
                started_at: expect.any(String),
                step: 4,
              },
              { unique_id: "model.shop.customers" },
            ],
          },
          steps: expect.arrayContaining([
            { index: 4, name: "Invoke dbt with `dbt build`", status: "Success" },
          ]),
        },
      },
    });
  });

  test("what is stored first says that it is about to start, and nothing has been sent", async () => {
    await using bench = await createBench();

    const { states } = await bench.deliver({}, 1);

    expect(states).toMatchObject([{ phase: "starting", marker: expect.stringMatching(/^ph_/) }]);
    expect(bench.dbt.requests).toEqual([]);
  });

  test("that fails is told with the nodes that failed, and is a dead letter", async () => {
    await using bench = await createBench({}, once(failing));

    const ended = await bench.deliver();

    expect(ended.outcome).toMatchObject({ code: "RECEIVER_FAILED", retryable: false });
    expect(emittedOf(ended)).toMatchObject({
      type: "dbt.run.failed",
      fields: {
        metadata: {
          label: "Error",
          message: "dbt command failed: model.shop.customers error: Database Error",
          results: { failures: [{ unique_id: "model.shop.customers", message: "Database Error" }] },
        },
      },
    });
    expect(bench.dbt.runs).toHaveLength(1);
  });

  test("of several commands is told with the results of every step, and with stale sources", async () => {
    await using bench = await createBench(
      { stepsOverride: ["dbt source freshness", "dbt run", "dbt test"] },
      once({
        ...failing,
        sources: [{ uniqueId: "source.s.r.a", status: "warn" }, { uniqueId: "source.s.r.b" }],
        nodes: [
          [{ uniqueId: "model.s.a" }],
          [{ uniqueId: "test.s.t", status: "fail", failures: 3, message: "Got 3 results" }],
        ],
      }),
    );

    const metadata = metadataOf(await bench.deliver());

    expect(metadata).toMatchObject({
      results: {
        total: 2,
        statuses: { success: 1, fail: 1 },
        failures: [{ unique_id: "test.s.t", failures: 3, step: 6 }],
      },
      freshness: { total: 2, statuses: { warn: 1, pass: 1 }, stale: [] },
    });
  });

  test("that somebody cancels is told as cancelled, and is a dead letter", async () => {
    await using bench = await createBench();
    const started = await bench.deliver({}, 2);
    const { id = "" } = bench.dbt.runs[0] ?? {};
    await fetch(`${bench.dbt.url}/api/v2/accounts/1/runs/${id}/cancel/`, {
      method: "POST",
      headers: { authorization: `Token ${bench.dbt.token}` },
    });
    await bench.time.advance(2000);

    const ended = await bench.deliver({ state: started.states.at(-1) });

    expect(emittedOf(ended)?.type).toBe("dbt.run.cancelled");
    expect(ended.outcome).toMatchObject({ retryable: false });
  });

  test("waitForCompletion: false is delivered as soon as it is started", async () => {
    await using bench = await createBench({ waitForCompletion: false });

    const { outcome, delivery } = await bench.deliver();

    expect(outcome).toMatchObject({ type: "delivered" });
    expect(bench.dbt.runs.map(({ status }) => status)).toEqual([1]);
    expect(delivery.emitted).toEqual([]);
  });

  test("results: false reads no files", async () => {
    await using bench = await createBench({ results: false }, once(failing));

    const metadata = metadataOf(await bench.deliver());

    expect(metadata).not.toHaveProperty("results");
    expect(metadata).toMatchObject({ message: "dbt command failed", job_id: "42" });
    expect(bench.dbt.requests.filter(({ path }) => /artifacts|run_steps/.test(path))).toEqual([]);
  });

  test("files that come a moment after the end are waited for, those that never come are not", async () => {
    await using soon = await createBench({}, once({ ...failing, artifactsMs: 20_000 }));
    await using never = await createBench({}, once({ ...failing, artifactsMs: 1e12 }));

    const late = metadataOf(await soon.deliver());
    const none = metadataOf(await never.deliver());

    expect(late).toHaveProperty("results");
    expect(none).not.toHaveProperty("results");
    expect(none).toMatchObject({ message: "dbt command failed" });
  });

  test("files that cannot be read do not change how it ended", async () => {
    await using bench = await createBench({}, once(failing));
    bench.dbt.fault({ on: "artifact", answer: 500 });

    const ended = await bench.deliver();

    expect(emittedOf(ended)?.type).toBe("dbt.run.failed");
    expect(metadataOf(ended)).toMatchObject({ results_problem: expect.stringContaining("500") });
  });

  test.for([
    [undefined, 10_000],
    [{ first: "1m", longest: "2m" }, 60_000],
  ] as const)("poll %j: the first look comes after some %s ms", async ([poll, ms]) => {
    await using bench = await createBench({ poll });

    const { outcome } = await bench.deliver({}, 2);

    const { againMs } = outcome as { againMs: number };
    expect(againMs).toBeGreaterThanOrEqual(ms * 0.75);
    expect(againMs).toBeLessThanOrEqual(ms * 1.25);
  });

  test("a secret in the message of a node is hidden", async () => {
    const message = "could not log in with dbtc_test_token";
    const nodes = [[{ uniqueId: "model.s.a", status: "error", message }]];
    await using bench = await createBench({}, once({ ...failing, nodes }));

    const ended = await bench.deliver();

    expect(JSON.stringify(ended.delivery.emitted)).toContain("log in with [redacted]");
    expect(JSON.stringify(ended.delivery.emitted)).not.toContain("dbtc_test_token");
  });

  test("results of many megabytes are read, and told in brief", async () => {
    const nodes = Array.from({ length: 3000 }, (_, index) => ({
      uniqueId: `model.s.m${index}`,
      status: index === 7 ? "error" : "success",
      message: "x".repeat(2000),
    }));
    await using bench = await createBench({}, once({ ...failing, nodes: [nodes] }));

    const metadata = metadataOf(await bench.deliver());

    expect(metadata).toMatchObject({
      results: {
        total: 3000,
        failures: [{ unique_id: "model.s.m7" }],
        omitted: expect.any(Number),
      },
    });
    expect(metadata).not.toHaveProperty("results_problem");
    expect(JSON.stringify(metadata).length).toBeLessThan(128 * 1024);
  });

  test("ids beyond 2^53 keep their digits", async () => {
    await using bench = await createBench(
      { job: "9007199254740995" },
      {
        jobs: [{ id: "9007199254740995" }],
        firstRunId: "9007199254740993",
        accountId: "9007199254740997",
      },
    );

    const metadata = metadataOf(await bench.deliver());

    expect(metadata).toMatchObject({
      run_id: "9007199254740993",
      job_id: "9007199254740995",
      account_id: "9007199254740997",
    });
  });
});

describe("bad days", () => {
  test("every third look is a 500, then a login page, then a status nobody knows: the run is seen through", async () => {
    await using bench = await createBench({}, once({ runMs: 900_000 }));
    bench.dbt.fault({ on: "look", answer: 500, every: 3 });
    bench.dbt.fault({ on: "look", answer: "login page", every: 4 });
    bench.dbt.fault({ on: "look", answer: "unknown status", every: 5 });
    bench.dbt.fault({ on: "look", answer: "cut", every: 7 });

    const ended = await bench.deliver();

    expect(ended.outcome).toMatchObject({ type: "delivered" });
    expect(emittedOf(ended)?.type).toBe("dbt.run.completed");
    expect(bench.dbt.runs).toHaveLength(1);
  });

  test.for([
    ["a 503", 503],
    ["a 502 with HTML", { status: 502, headers: { "content-type": "text/html" }, body: "<html>" }],
    ["a 504", 504],
    ["a login page", "login page"],
    ["a cut connection", "cut"],
    ["an envelope that says it failed", "unsuccessful"],
  ] as const)(
    "a start that had its effect and yet was answered by %s is one run",
    async ([, answer]) => {
      await using bench = await createBench({}, { listLagMs: 8000 });
      bench.dbt.fault({ on: "trigger", answer, effect: true, times: 1 });

      const { outcome } = await bench.deliver();

      expect(outcome).toMatchObject({ type: "delivered" });
      expect(bench.dbt.runs).toHaveLength(1);
    },
  );

  test("a start that never was is made up for, once", async () => {
    await using bench = await createBench();
    bench.dbt.fault({ on: "trigger", answer: 504, times: 1 });

    const { outcome } = await bench.deliver();

    expect(outcome).toMatchObject({ type: "delivered" });
    expect(bench.dbt.runs).toHaveLength(1);
    expect(bench.dbt.requests.filter(({ method }) => method === "POST")).toHaveLength(2);
  });

  test("where runs cannot be listed, whenUnknown decides", async () => {
    const run = async (whenUnknown: "give_up" | "trigger_again") => {
      await using bench = await createBench({ whenUnknown });
      bench.dbt.fault({ on: "trigger", answer: 504, times: 1 });
      bench.dbt.fault({ on: "list", answer: 403 });
      const { outcome } = await bench.deliver();
      return { outcome, runs: bench.dbt.runs.length };
    };

    const given = await run("give_up");
    const again = await run("trigger_again");

    expect(given).toMatchObject({ outcome: { retryable: false }, runs: 0 });
    expect(String(given.outcome)).toContain("nobody can say");
    expect(again).toMatchObject({ outcome: { type: "delivered" }, runs: 1 });
  });

  test("a process that dies after the start leaves a run that the next one finds", async () => {
    await using bench = await createBench({}, once({ runMs: 600_000 }));
    const { states } = await bench.deliver({}, 1);
    // The claim that starts it is not settled any more.
    await bench.deliver({ state: states[0] }, 1);
    const restarted = await bench.another();

    const ended = await settle(restarted, bench.time, { state: states[0], attempt: 2 });

    expect(ended.outcome).toMatchObject({ type: "delivered" });
    expect(bench.dbt.runs).toHaveLength(1);
  });

  test("a process that dies before the start leaves none, and one is started", async () => {
    await using bench = await createBench();
    const { states } = await bench.deliver({}, 1);
    const restarted = await bench.another();

    const ended = await settle(restarted, bench.time, { state: states[0], attempt: 2 });

    expect(ended.outcome).toMatchObject({ type: "delivered" });
    expect(bench.dbt.runs).toHaveLength(1);
  });

  test("a cause that an event forges is not taken for a marker", async () => {
    await using bench = await createBench({ cause: "${metadata.why}" });
    const { states } = await bench.deliver({ event: load({ why: "x" }) }, 1);
    const { marker } = states[0] as { marker: string };
    bench.dbt.start(42, { cause: `[pipehooks:test:${marker}] and more` });
    const restarted = await bench.another();

    await settle(restarted, bench.time, {
      event: load({ why: "x" }),
      state: states[0],
      attempt: 2,
    });

    expect(bench.dbt.runs).toHaveLength(2);
  });

  test("a run is found behind hundreds of others of its job", async () => {
    await using bench = await createBench({}, { jobs: [{ id: 42, ci: true }] });
    const { states } = await bench.deliver({}, 1);
    await bench.deliver({ state: states[0] }, 1);
    for (let index = 0; index < 250; index += 1) bench.dbt.start(42);
    const restarted = await bench.another();

    const ended = await settle(restarted, bench.time, { state: states[0], attempt: 2 });

    expect(metadataOf(ended)).toMatchObject({ run_id: bench.dbt.runs[0]?.id });
    expect(bench.dbt.runs).toHaveLength(251);
  });
});

describe("limits", () => {
  test.for([
    [false, 300_000],
    [true, 300_000],
  ] as const)(
    "over the limit the destination waits five minutes (Retry-After: %s)",
    async ([sendsRetryAfter, ms]) => {
      await using bench = await createBench({}, { requestsPerMinute: 0, sendsRetryAfter });

      const { outcome } = await bench.deliver({}, 2);

      expect(outcome).toMatchObject({
        code: "RECEIVER_FAILED",
        retryable: true,
        scope: "destination",
        retryAfterMs: ms,
      });
    },
  );

  test("a look that is refused for five minutes is made again after them", async () => {
    await using bench = await createBench({}, { requestsPerMinute: 1 });
    const started = await bench.deliver({}, 3);

    const { outcome } = started;

    expect(outcome).toMatchObject({ type: "pending" });
    expect((outcome as { againMs: number }).againMs).toBeGreaterThanOrEqual(300_000);
  });
});

describe("who may", () => {
  test.for([
    ["a wrong token", { token: "dbtc_wrong_token" }, "401", '"token"'],
    [
      "another account",
      { accountId: 2 },
      "not scoped to account 2",
      '"accountId" ("account_id" in YAML)',
    ],
    ["a job that is not there", { job: 43 }, "404", "the job"],
  ] as const)(
    "%s is a dead letter at once that says what to mend",
    async ([, options, said, remedy]) => {
      await using bench = await createBench(options);

      const { outcome } = await bench.deliver();

      expect(outcome).toMatchObject({ code: "RECEIVER_REFUSED", retryable: false });
      expect(String(outcome)).toContain(said);
      expect(String(outcome)).toContain(remedy);
      expect(bench.dbt.runs).toEqual([]);
    },
  );

  test.for(["Token", "Bearer"] as const)("the token is sent as %s", async (tokenScheme) => {
    await using bench = await createBench({ tokenScheme });

    await bench.deliver({}, 2);

    expect(bench.dbt.requests[0]?.headers.authorization).toBe(`${tokenScheme} ${bench.dbt.token}`);
  });
});

describe("check", () => {
  const check = async (
    options: Parameters<typeof createBench>[0],
    receiver?: DbtCloudReceiverOptions,
  ) => {
    await using bench = await createBench(options, receiver);
    return await Promise.resolve(bench.opened.hook.check?.(AbortSignal.timeout(5000))).then(
      (report) => report?.summary,
      (error: unknown) => String(error),
    );
  };

  test("names the jobs that may run, and starts nothing", async () => {
    const jobs = [{ id: 42, name: "Nightly" }, { id: 43 }];

    const summary = await check({ mappings: { a: 43, b: {} } }, { jobs });

    expect(summary).toMatch(/^127\.0\.0\.1:\d+, account 1: job 42 "Nightly", job 43 "Job 43"$/);
  });

  test.for([
    [{ job: 7 }, "there is no job 7"],
    [{ token: "dbtc_wrong" }, "401"],
    [{ accountId: 9 }, "not scoped"],
  ] as const)("%j fails with the reason", async ([options, reason]) => {
    expect(await check(options)).toContain(reason);
  });

  test("a deleted job is no job", async () => {
    expect(await check({}, { jobs: [{ id: 42, state: 2 }] })).toContain("deleted");
  });

  test("where events name the job, the account is asked", async () => {
    expect(await check({ job: "${metadata.job}" })).toContain("1 jobs reached");
  });
});
