import { createDatabricksReceiver, type DatabricksReceiverOptions } from "@pipehooks/testing";
import { expect, test } from "vitest";

/** A workspace whose clock the test moves. */
async function open(options: DatabricksReceiverOptions = {}) {
  let now = Date.UTC(2026, 0, 15);
  const receiver = await createDatabricksReceiver({
    jobs: [{ id: "12", name: "nightly", parameters: { date: "today" } }],
    now: () => now,
    ...options,
  });
  const call = async (
    path: string,
    { body, token = "dapi-test" }: { body?: string; token?: string } = {},
  ) => {
    const response = await fetch(`${receiver.url}/api/${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${token}` },
      ...(body !== undefined && { body }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parse(text) };
  };
  return {
    receiver,
    call,
    start: async (fields = "") => {
      const { text } = await call("2.2/jobs/run-now", { body: `{"job_id":12${fields}}` });
      return /"run_id":(\d+)/.exec(text)?.[1] ?? expect.fail(text);
    },
    look: async (id: string) => (await call(`2.2/jobs/runs/get?run_id=${id}`)).json,
    wait: (ms: number) => {
      now += ms;
    },
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: answers are looked at as they come
function parse(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

test("a run goes from pending over running to its end, by the clock", async () => {
  await using databricks = await open();
  const id = await databricks.start(',"job_parameters":{"date":"2026-01-15"}');

  const states = [];
  for (const ms of [0, 1_000, 10_000]) {
    databricks.wait(ms);
    states.push((await databricks.look(id)).status.state);
  }

  expect(states).toEqual(["PENDING", "RUNNING", "TERMINATED"]);
  expect(await databricks.look(id)).toMatchObject({
    job_id: 12,
    run_name: "nightly",
    end_time: Date.UTC(2026, 0, 15) + 11_000,
    job_parameters: [{ name: "date", default: "today", value: "2026-01-15" }],
    status: { termination_details: { code: "SUCCESS", type: "SUCCESS" } },
    state: { life_cycle_state: "TERMINATED", result_state: "SUCCESS" },
  });
  // Beyond 2^53: a client that rounds asks for another run.
  expect(BigInt(id) > BigInt(Number.MAX_SAFE_INTEGER)).toBe(true);
  expect((await databricks.call(`2.2/jobs/runs/get?run_id=${Number(id)}`)).status).toBe(404);
});

test("a failed task is INTERNAL_ERROR in the old state and TERMINATED in the new one", async () => {
  await using databricks = await open({
    jobs: [{ id: "12", tasks: ["load", "report"], plan: () => ({ code: "RUN_EXECUTION_ERROR" }) }],
  });
  const id = await databricks.start();

  databricks.wait(20_000);

  const run = await databricks.look(id);
  expect(run.status).toEqual({
    state: "TERMINATED",
    termination_details: {
      code: "RUN_EXECUTION_ERROR",
      type: "CLIENT_ERROR",
      message: "Task report failed with message: Workload failed, see run output for details.",
    },
  });
  expect(run.state).toMatchObject({ life_cycle_state: "INTERNAL_ERROR", result_state: "FAILED" });
});

test("the same idempotency token finds the first run; of a deleted one it is an error", async () => {
  await using databricks = await open();
  const first = await databricks.start(',"idempotency_token":"a"');
  const again = await databricks.start(',"idempotency_token":"a"');
  const other = await databricks.start(',"idempotency_token":"b"');

  databricks.receiver.deleteRun(first);

  expect([again === first, other === first]).toEqual([true, false]);
  const body = '{"job_id":12,"idempotency_token":"a"}';
  expect(await databricks.call("2.2/jobs/run-now", { body })).toMatchObject({
    status: 400,
    json: { error_code: "INVALID_PARAMETER_VALUE" },
  });
  expect(databricks.receiver.runs).toHaveLength(2);
});

test("further runs queue, and begin when the first ends or is cancelled", async () => {
  await using databricks = await open();
  const first = await databricks.start();
  const second = await databricks.start();
  const third = await databricks.start();
  expect((await databricks.look(second)).status).toMatchObject({
    state: "QUEUED",
    queue_details: { code: "MAX_CONCURRENT_RUNS_REACHED" },
  });

  await databricks.call("2.2/jobs/runs/cancel", { body: `{"run_id":${first}}` });
  const terminating = (await databricks.look(first)).status.state;
  databricks.wait(2_000);

  expect(terminating).toBe("TERMINATING");
  expect((await databricks.look(first)).status.termination_details.code).toBe("USER_CANCELED");
  expect((await databricks.look(second)).status.state).toBe("PENDING");
  databricks.wait(11_000);
  expect((await databricks.look(third)).status.state).toBe("PENDING");
});

test("without a queue a further run is skipped", async () => {
  await using databricks = await open();
  await databricks.start();

  const id = await databricks.start(',"queue":{"enabled":false}');

  expect(await databricks.look(id)).toMatchObject({
    status: { termination_details: { code: "MAX_CONCURRENT_RUNS_EXCEEDED" } },
    state: { life_cycle_state: "SKIPPED", result_state: "MAXIMUM_CONCURRENT_RUNS_REACHED" },
  });
});

test("a repair makes an ended run active again, and wants the latest repair id from the second on", async () => {
  await using databricks = await open({
    jobs: [
      {
        id: "12",
        plan: ({ repair }) => (repair < 2 ? { code: "RUN_EXECUTION_ERROR" } : {}),
      },
    ],
  });
  const id = await databricks.start();
  const repair = (more = "") =>
    databricks.call("2.2/jobs/runs/repair", {
      body: `{"run_id":${id},"rerun_all_failed_tasks":true${more}}`,
    });
  const active = await repair();
  databricks.wait(11_000);

  const first = await repair();
  const during = (await databricks.look(id)).status.state;
  databricks.wait(11_000);
  const withoutId = await repair();
  const latest = /"repair_id":(\d+)/.exec(first.text)?.[1];
  const second = await repair(`,"latest_repair_id":${latest}`);
  databricks.wait(11_000);

  expect([active.status, first.status, withoutId.status, second.status]).toEqual([
    400, 200, 400, 200,
  ]);
  expect(during).toBe("PENDING");
  const { json } = await databricks.call(`2.2/jobs/runs/get?run_id=${id}&include_history=true`);
  expect(json.status.termination_details.code).toBe("SUCCESS");
  expect(json.repair_history.map(({ type }: { type: string }) => type)).toEqual([
    "ORIGINAL",
    "REPAIR",
    "REPAIR",
  ]);
});

test("lists of runs come in pages, newest first, and are filtered", async () => {
  await using databricks = await open({ limits: false });
  const ids = [];
  for (let count = 0; count < 30; count += 1) ids.push(await databricks.start());

  const first = await databricks.call("2.2/jobs/runs/list?job_id=12&limit=25");
  const second = await databricks.call(
    `2.2/jobs/runs/list?job_id=12&limit=25&page_token=${first.json.next_page_token}`,
  );
  databricks.wait(11_500);
  const active = await databricks.call("2.2/jobs/runs/list?job_id=12&active_only=true&limit=25");

  expect([first.json.runs.length, second.json.runs.length]).toEqual([25, 5]);
  expect([first.json.has_more, second.json.has_more]).toEqual([true, false]);
  expect(/"run_id":(\d+)/.exec(first.text)?.[1]).toBe(ids[29]);
  expect(active.text).not.toContain(ids[0]);
  expect((await databricks.call("2.2/jobs/runs/list?limit=26")).status).toBe(400);
});

test("more than a hundred tasks come in pages", async () => {
  const tasks = Array.from({ length: 130 }, (_, index) => `task_${index}`);
  await using databricks = await open({ jobs: [{ id: "12", tasks }] });
  const id = await databricks.start();

  const first = await databricks.look(id);
  const { json: second } = await databricks.call(
    `2.2/jobs/runs/get?run_id=${id}&page_token=${first.next_page_token}`,
  );

  expect([first.tasks.length, second.tasks.length]).toEqual([100, 30]);
  expect(second.next_page_token).toBeUndefined();
});

test.for([
  ["an unknown job", '{"job_id":99}', 404, "RESOURCE_DOES_NOT_EXIST"],
  ["a field that run-now does not have", '{"job_id":12,"run_name":"x"}', 400, "MALFORMED_REQUEST"],
  [
    "parameters that are no text",
    '{"job_id":12,"job_parameters":{"a":1}}',
    400,
    "MALFORMED_REQUEST",
  ],
  [
    "a token that is too long",
    `{"job_id":12,"idempotency_token":"${"x".repeat(65)}"}`,
    400,
    "INVALID_PARAMETER_VALUE",
  ],
  [
    "notebook parameters that are too long",
    `{"job_id":12,"notebook_params":{"a":"${"x".repeat(10_000)}"}}`,
    400,
    "INVALID_PARAMETER_VALUE",
  ],
  [
    "notebook and JAR parameters together",
    '{"job_id":12,"notebook_params":{},"jar_params":[]}',
    400,
    "INVALID_PARAMETER_VALUE",
  ],
  [
    "Python parameters beyond ASCII",
    '{"job_id":12,"python_params":["é"]}',
    400,
    "INVALID_PARAMETER_VALUE",
  ],
  ["a body that is no JSON", "job_id=12", 400, "MALFORMED_REQUEST"],
] as const)("%s is refused", async ([, body, status, code]) => {
  await using databricks = await open();

  const answer = await databricks.call("2.2/jobs/run-now", { body });

  expect([answer.status, answer.json.error_code]).toEqual([status, code]);
  expect(databricks.receiver.runs).toEqual([]);
});

test("permissions and tokens are looked at", async () => {
  await using databricks = await open({
    jobs: [
      { id: "12", permission: "view" },
      { id: "13", permission: "none" },
    ],
  });
  const body = '{"job_id":12}';

  const answers = [
    await databricks.call("2.2/jobs/run-now", { body }),
    await databricks.call("2.2/jobs/get?job_id=12"),
    await databricks.call("2.2/jobs/get?job_id=13"),
    await databricks.call("2.2/jobs/get?job_id=12", { token: "wrong" }),
  ];

  expect(answers.map(({ status }) => status)).toEqual([403, 200, 403, 401]);
});

test("calls beyond the limit of a second are refused for real", async () => {
  await using databricks = await open();
  const statuses = [];
  for (let count = 0; count < 21; count += 1) {
    const { status, headers } = await databricks.call("2.2/jobs/run-now", {
      body: '{"job_id":12}',
    });
    statuses.push(status);
    if (status === 429) expect(headers.get("retry-after")).toBe("1");
  }

  databricks.wait(1_001);
  await databricks.start();

  expect(statuses.filter((status) => status === 200)).toHaveLength(20);
  expect(statuses.at(-1)).toBe(429);
});

test("an OAuth token is given for a secret, ends by the clock and can be revoked", async () => {
  await using databricks = await open({ clients: { "client-1": "s3cret" } });
  const fetchToken = async (secret: string) => {
    const response = await fetch(`${databricks.receiver.url}/oidc/v1/token`, {
      method: "POST",
      headers: { authorization: `Basic ${btoa(`client-1:${secret}`)}` },
      body: new URLSearchParams({ grant_type: "client_credentials", scope: "all-apis" }),
    });
    return { status: response.status, json: parse(await response.text()) };
  };

  const { json } = await fetchToken("s3cret");
  const use = async (token: string) =>
    (await databricks.call("2.2/jobs/get?job_id=12", { token })).status;
  const fresh = await use(json.access_token);
  databricks.wait(3_600_000);
  const old = await use(json.access_token);
  const second = (await fetchToken("s3cret")).json.access_token;
  databricks.receiver.revokeTokens();

  expect(json.expires_in).toBe(3600);
  expect([fresh, old, await use(second)]).toEqual([200, 401, 401]);
  expect(await fetchToken("wrong")).toMatchObject({
    status: 401,
    json: { error: "invalid_client" },
  });
});

test("what a fault spoils may have had its effect", async () => {
  await using databricks = await open();
  const body = '{"job_id":12}';
  databricks.receiver.fault({ on: "jobs/run-now", answer: 503, effect: true, times: 1 });
  databricks.receiver.fault({ on: "jobs/run-now", answer: "html-login", every: 2, times: 1 });

  const first = await databricks.call("2.2/jobs/run-now", { body });
  const second = await databricks.call("2.2/jobs/run-now", { body });
  const page = await databricks.call("2.2/jobs/run-now", { body });

  expect([first.status, second.status]).toEqual([503, 200]);
  expect(page.text).toContain("Sign In");
  expect(databricks.receiver.runs).toHaveLength(2);
});

test("a state that nobody knows can be answered", async () => {
  await using databricks = await open();
  const id = await databricks.start();
  using _ = databricks.receiver.fault({ on: "jobs/runs/get", answer: "unknown-state" });

  expect(await databricks.look(id)).toMatchObject({
    status: { state: "HIBERNATING" },
    state: { life_cycle_state: "HIBERNATING" },
  });
});

test("a workspace without 2.2 says Bad Target", async () => {
  await using databricks = await open({ versions: ["2.1"], missing: 400 });

  const answers = [
    await databricks.call("2.2/jobs/get?job_id=12"),
    await databricks.call("2.1/jobs/get?job_id=12"),
    await databricks.call("2.1/jobs/get?job_id=99"),
  ];

  expect(answers.map(({ status }) => status)).toEqual([404, 200, 400]);
  expect(answers[0]?.text).toContain("Bad Target");
});

test("the output of a task run says what went wrong; of a run of several tasks it is refused", async () => {
  await using databricks = await open({
    jobs: [
      {
        id: "12",
        tasks: ["a", "b"],
        plan: () => ({ code: "RUN_EXECUTION_ERROR", message: "Table not found" }),
      },
    ],
  });
  const id = await databricks.start();
  databricks.wait(11_000);
  const { text } = await databricks.call(`2.2/jobs/runs/get?run_id=${id}`);
  const taskRun = /"task_key":"b","run_id":(\d+)/.exec(text)?.[1];

  const output = await databricks.call(`2.2/jobs/runs/get-output?run_id=${taskRun}`);

  expect(output.json.error).toBe("Table not found");
  expect((await databricks.call(`2.2/jobs/runs/get-output?run_id=${id}`)).status).toBe(400);
});
