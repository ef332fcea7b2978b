import {
  createDbtCloudReceiver,
  createVirtualTime,
  type DbtCloudReceiver,
  type DbtCloudReceiverOptions,
} from "@pipehooks/testing";
import { describe, expect, test } from "vitest";

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: an envelope of whatever was asked for
  readonly json: any;
}

/** A receiver on virtual time, and a client that knows nothing of it but its URL. */
async function open(options: DbtCloudReceiverOptions = {}) {
  const time = createVirtualTime();
  const dbt = await createDbtCloudReceiver({ now: time.now, ...options });
  const ask = async (
    method: string,
    path: string,
    { body, headers }: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer> => {
    const response = await fetch(`${dbt.url}/api/v2/accounts/${path}`, {
      method,
      redirect: "manual",
      headers: {
        authorization: `Token ${dbt.token}`,
        "content-type": "application/json",
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") === true;
    const json = isJson ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, json };
  };
  return {
    time,
    dbt,
    ask,
    get: (path: string) => ask("GET", `1/${path}`),
    trigger: (body: object = { cause: "test" }) => ask("POST", "1/jobs/42/run/", { body }),
    [Symbol.asyncDispose]: () => dbt[Symbol.asyncDispose](),
  };
}

const statuses = (dbt: DbtCloudReceiver) => dbt.runs.map(({ status }) => status);

describe("who may ask", () => {
  test("both forms of a token are taken, others get 401 in the envelope", async () => {
    await using bench = await open();

    const bearer = await bench.ask("GET", "1/jobs/", {
      headers: { authorization: `Bearer ${bench.dbt.token}` },
    });
    const wrong = await bench.ask("GET", "1/jobs/", { headers: { authorization: "Token nope" } });
    const none = await bench.ask("GET", "1/jobs/", { headers: { authorization: "" } });

    expect(bearer.json.status).toMatchObject({ code: 200, is_success: true });
    expect([wrong.status, none.status]).toEqual([401, 401]);
    expect(wrong.json).toMatchObject({ data: null, status: { code: 401, is_success: false } });
  });

  test("another account gets 403, a wrong path 404, a path without its last slash a redirect", async () => {
    await using bench = await open();

    const account = await bench.ask("GET", "2/jobs/");
    const job = await bench.get("jobs/43/");
    const slash = await bench.get("jobs/42");
    const post = await bench.ask("POST", "1/jobs/42/run", { body: { cause: "x" } });

    expect(account.status).toBe(403);
    expect(account.json.status.user_message).toContain("not scoped to account");
    expect([job.status, slash.status, post.status]).toEqual([404, 301, 404]);
    expect(bench.dbt.runs).toEqual([]);
  });
});

describe("runs", () => {
  test("a run is queued, starts, runs and ends as time goes on", async () => {
    await using bench = await open({ jobs: [{ id: 42, runs: { runMs: 5000 } }] });
    const { json } = await bench.trigger({ cause: "because" });
    const look = async () => (await bench.get(`runs/${json.data.id}/`)).json.data;

    const seen = [await look()];
    for (const ms of [1000, 1000, 5000]) {
      await bench.time.advance(ms);
      seen.push(await look());
    }

    expect(seen.map(({ status_humanized }) => status_humanized)).toEqual([
      "Queued",
      "Starting",
      "Running",
      "Success",
    ]);
    expect(seen[0]).toMatchObject({ in_progress: true, finished_at: null, job_id: 42 });
    expect(seen[3]).toMatchObject({ is_success: true, artifacts_saved: true, can_retry: false });
    expect(seen[3].finished_at).toBe("2026-01-01 00:00:07.000000+00:00");
    expect(seen[3].run_duration).toBe("00:00:06");
  });

  test("two runs of one job never go on at once, those of another and CI runs do", async () => {
    await using bench = await open({
      jobs: [{ id: 42 }, { id: 43 }, { id: 44, ci: true }],
    });
    for (const job of [42, 42, 43, 44, 44]) bench.dbt.start(job);

    await bench.time.advance(3000);
    const early = statuses(bench.dbt);
    await bench.time.advance(9000);
    const late = statuses(bench.dbt);

    expect(early).toEqual([3, 1, 3, 3, 3]);
    expect(late).toEqual([10, 2, 10, 10, 10]);
  });

  test("no more runs of an account go on than it has slots", async () => {
    await using bench = await open({ jobs: [{ id: 42 }, { id: 43 }, { id: 44 }], runSlots: 2 });
    for (const job of [42, 43, 44]) bench.dbt.start(job);

    await bench.time.advance(3000);
    const early = statuses(bench.dbt);
    await bench.time.advance(11_000);

    expect(early).toEqual([3, 3, 1]);
    expect(statuses(bench.dbt)).toEqual([10, 10, 3]);
  });

  test("cancelling takes a while, and a run that has ended cannot be cancelled", async () => {
    await using bench = await open();
    const { id } = (await bench.trigger()).json.data;
    await bench.time.advance(4000);

    const asked = await bench.ask("POST", `1/runs/${id}/cancel/`);
    await bench.time.advance(1000);
    const again = await bench.ask("POST", `1/runs/${id}/cancel/`);

    expect(asked.json.data.status).toBe(3);
    expect(bench.dbt.run(String(id)).status).toBe(30);
    expect(again.status).toBe(400);
  });

  test("a run can be ended by hand", async () => {
    await using bench = await open({
      jobs: [{ id: 42, runs: { runMs: Number.POSITIVE_INFINITY } }],
    });
    const run = bench.dbt.start(42);
    await bench.time.advance(86_400_000);
    const before = statuses(bench.dbt);

    bench.dbt.finish(run.id, "error");

    expect(before).toEqual([3]);
    expect(statuses(bench.dbt)).toEqual([20]);
  });

  test("ids beyond 2^53 are numbers with all their digits", async () => {
    await using bench = await open({ firstRunId: "9007199254740993" });

    const { text } = await bench.trigger();

    expect(text).toContain('"id":9007199254740993,');
  });

  test.for([
    [{}, "cause"],
    [{ cause: "x", steps_override: "dbt build" }, "steps_override"],
    [{ cause: "x", threads_override: "4" }, "threads_override"],
    [{ cause: "x", idempotency_token: "y" }, "idempotency_token"],
  ] as const)("the body %j is refused for its %s", async ([body, field]) => {
    await using bench = await open();

    const { status, json } = await bench.trigger(body);

    expect(status).toBe(400);
    expect(json.status.user_message).toContain(field);
    expect(bench.dbt.runs).toEqual([]);
  });

  test("of a cause 255 characters are kept", async () => {
    await using bench = await open();

    await bench.trigger({ cause: "x".repeat(300) });

    expect(bench.dbt.runs[0]?.trigger.cause).toHaveLength(255);
  });
});

describe("lists", () => {
  test("filters, order, pages and the trigger", async () => {
    await using bench = await open({ jobs: [{ id: 42 }, { id: 43 }] });
    for (const job of [42, 43, 42, 42]) bench.dbt.start(job, { cause: `of ${job}` });
    await bench.time.advance(3000);

    const path = "runs/?job_definition_id=42&order_by=-id&limit=1&offset=1&include_related=trigger";
    const { json } = await bench.get(path);
    const active = await bench.get(`runs/?status__in=${encodeURIComponent("[2,3]")}`);
    const newer = await bench.get(`runs/?id__gt=${bench.dbt.runs[2]?.id}`);
    const wrong = await bench.get("runs/?status__in=1,2");
    const unknown = await bench.get("runs/?state=1");

    expect(json.data).toHaveLength(1);
    expect(String(json.data[0].id)).toBe(bench.dbt.runs[2]?.id);
    expect(json.data[0].trigger).toMatchObject({ cause: "of 42", cause_category: "ui" });
    expect(json.extra).toEqual({
      filters: { limit: 1, offset: 1 },
      pagination: { count: 1, total_count: 3 },
    });
    expect(active.json.data).toHaveLength(2);
    expect(newer.json.data).toHaveLength(1);
    expect([wrong.status, unknown.status]).toEqual([400, 400]);
  });

  test("jobs by project, environment, part of a name, and without those that were deleted", async () => {
    const jobs = [
      { id: 1, name: "Nightly", projectId: 2 },
      { id: 2, name: "Hourly", environmentId: 3 },
      { id: 3, state: 2 },
    ] as const;
    await using bench = await open({ jobs });
    const names = async (query: string) =>
      (await bench.get(`jobs/?${query}`)).json.data.map(({ name }: { name: string }) => name);

    expect(await names("")).toEqual(["Nightly", "Hourly"]);
    expect(await names("project_id=2")).toEqual(["Nightly"]);
    expect(await names("environment_id=3")).toEqual(["Hourly"]);
    expect(await names("name__icontains=HOUR")).toEqual(["Hourly"]);
    expect(await names("limit=1&offset=1")).toEqual(["Hourly"]);
  });

  test("a new run may be missing for a while, and can be looked at all the same", async () => {
    await using bench = await open({ listLagMs: 5000 });
    const { id } = (await bench.trigger()).json.data;

    const before = await bench.get("runs/");
    const look = await bench.get(`runs/${id}/`);
    await bench.time.advance(5000);
    const after = await bench.get("runs/");

    expect([before.json.data.length, look.status, after.json.data.length]).toEqual([0, 200, 1]);
  });
});

describe("retrying", () => {
  const failing = { jobs: [{ id: 42, runs: [{ outcome: "error" }, {}] }] } as const;

  test("a failed run goes on from its failure, with its overrides and without a cause of ours", async () => {
    await using bench = await open(failing);
    const steps = ["dbt build --select a", "dbt test"];
    const { id } = (await bench.trigger({ cause: "ours", steps_override: steps })).json.data;
    await bench.time.advance(20_000);

    const plan = await bench.get(`runs/${id}/retry/`);
    const { json } = await bench.ask("POST", `1/runs/${id}/retry/`);

    expect(plan.json.data).toMatchObject({ skipped_steps: ["Invoke dbt with `dbt test`"] });
    expect(String(json.data.retrying_run_id)).toBe(String(id));
    expect(bench.dbt.runs[1]?.trigger).toMatchObject({
      causeCategory: "rerun",
      stepsOverride: steps,
    });
    expect(bench.dbt.runs[1]?.trigger.cause).not.toContain("ours");
  });

  test.for([
    ["RETRY_NOT_FAILED_RUN", {}, 1],
    ["RETRY_NOT_LATEST_RUN", { outcome: "error" }, 2],
    ["RETRY_NO_RUN_RESULTS", { outcome: "error", artifactsMs: Number.POSITIVE_INFINITY }, 1],
    ["RETRY_UNSUPPORTED_CMD", { outcome: "error", retryNotSupported: "RETRY_UNSUPPORTED_CMD" }, 1],
  ] as const)("%s is why another one cannot", async ([reason, runs, count]) => {
    await using bench = await open({ jobs: [{ id: 42, runs }] });
    for (let index = 0; index < count; index += 1) bench.dbt.start(42);
    await bench.time.advance(60_000);
    const [first] = bench.dbt.runs;

    const { json } = await bench.get(`runs/${first?.id}/`);
    const retry = await bench.ask("POST", `1/runs/${first?.id}/retry/`);

    expect(json.data).toMatchObject({ can_retry: false, retry_not_supported_reason: reason });
    expect(retry.status).toBe(400);
  });

  test("rerun of a job resumes a failed run, and otherwise starts one without overrides", async () => {
    await using bench = await open(failing);
    await bench.trigger({ cause: "x", steps_override: ["dbt build --select a"] });
    await bench.time.advance(20_000);

    await bench.ask("POST", "1/jobs/42/rerun/");
    await bench.time.advance(20_000);
    await bench.ask("POST", "1/jobs/42/rerun/");

    const [, resumed, plain] = bench.dbt.runs;
    expect(resumed?.retryingRunId).toBe(bench.dbt.runs[0]?.id);
    expect(resumed?.trigger.stepsOverride).toEqual(["dbt build --select a"]);
    expect(plain?.retryingRunId).toBeUndefined();
    expect(plain?.trigger.stepsOverride).toBeUndefined();
  });
});

describe("artifacts", () => {
  const jobs: DbtCloudReceiverOptions["jobs"] = [
    {
      id: 42,
      executeSteps: ["dbt source freshness", "dbt run", "dbt test"],
      runs: {
        sources: [{ uniqueId: "source.s.r.a" }],
        nodes: [[{ uniqueId: "model.s.a" }], [{ uniqueId: "test.s.b", status: "fail" }]],
        outcome: "error",
      },
    },
  ];

  test("each step has files of its own, and without a step the last one counts", async () => {
    await using bench = await open({ jobs });
    const { id } = bench.dbt.start(42);
    await bench.time.advance(20_000);
    const file = async (path: string) =>
      JSON.parse((await bench.get(`runs/${id}/artifacts/${path}`)).text);

    const steps = (await bench.get(`runs/${id}/?include_related=run_steps`)).json.data.run_steps;
    const list = await bench.get(`runs/${id}/artifacts/?step=5`);

    expect(steps.map(({ name }: { name: string }) => name)[4]).toBe("Invoke dbt with `dbt run`");
    expect(list.json.data).toEqual(["run_results.json", "manifest.json"]);
    expect((await file("sources.json?step=4")).results[0].unique_id).toBe("source.s.r.a");
    expect((await file("run_results.json?step=5")).results[0].unique_id).toBe("model.s.a");
    expect((await file("run_results.json")).results[0]).toMatchObject({ status: "fail" });
    expect((await bench.get(`runs/${id}/artifacts/sources.json`)).status).toBe(404);
  });

  test("a file is not given to who asks for the API's JSON, nor before it is saved", async () => {
    await using bench = await open({ jobs: [{ id: 42, runs: { artifactsMs: 5000 } }] });
    const { id } = bench.dbt.start(42);
    await bench.time.advance(13_000);
    const path = `1/runs/${id}/artifacts/run_results.json`;

    const early = await bench.ask("GET", path);
    await bench.time.advance(5000);
    const json = await bench.ask("GET", path, { headers: { accept: "application/json" } });
    const late = await bench.ask("GET", path);

    expect([early.status, json.status, late.status]).toEqual([404, 406, 200]);
  });
});

describe("limits and faults", () => {
  test.for([false, true])(
    "over the limit every request is refused for five minutes (Retry-After: %s)",
    async (sendsRetryAfter) => {
      await using bench = await open({ requestsPerMinute: 3, sendsRetryAfter });
      for (let count = 0; count < 3; count += 1) await bench.get("jobs/");

      const over = await bench.trigger();
      await bench.time.advance(299_000);
      const late = await bench.get("jobs/");
      await bench.time.advance(1000);
      const after = await bench.get("jobs/");

      expect([over.status, late.status, after.status]).toEqual([429, 429, 200]);
      expect(over.headers.get("retry-after")).toBe(sendsRetryAfter ? "300" : null);
      expect(bench.dbt.runs).toEqual([]);
    },
  );

  test("what was asked for may be done and yet answered by a fault", async () => {
    await using bench = await open();
    const { dbt } = bench;
    const once = { on: "trigger", times: 1, effect: true } as const;

    const answers: unknown[] = [];
    for (const answer of [503, "login page", "unsuccessful", "cut"] as const) {
      dbt.fault({ ...once, answer });
      answers.push(
        await bench.trigger().then(
          ({ status }) => status,
          () => "cut",
        ),
      );
    }

    expect(answers).toEqual([503, 200, 200, "cut"]);
    expect(dbt.runs).toHaveLength(4);
  });

  test("a fault without effect does nothing; every third one, and until it is switched off", async () => {
    await using bench = await open();
    const { id } = (await bench.trigger()).json.data;
    const seen: number[] = [];
    {
      using _ = bench.dbt.fault({ on: "look", answer: 500, every: 3 });
      for (let look = 0; look < 6; look += 1) seen.push((await bench.get(`runs/${id}/`)).status);
    }

    expect(seen).toEqual([200, 200, 500, 200, 200, 500]);
    expect((await bench.get(`runs/${id}/`)).status).toBe(200);
  });

  test("a run may have a status that nobody knows", async () => {
    await using bench = await open();
    const { id } = (await bench.trigger()).json.data;
    bench.dbt.fault({ on: "look", answer: "unknown status" });

    const { json } = await bench.get(`runs/${id}/`);

    expect(json.data).toMatchObject({ status: 42, is_complete: false });
  });
});
