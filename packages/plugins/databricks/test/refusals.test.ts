import type { DatabricksFault } from "@pipehooks/testing";
import { expect, test } from "vitest";
import { openBench } from "./bench.ts";
import { insert, openSqlBench } from "./sql-bench.ts";

const minute = 60_000;
const text = { "content-type": "text/plain" };
const html = { "content-type": "text/html;charset=utf-8" };
const json = { "content-type": "application/json" };

const page = (said: string) =>
  `<html><head><title>Error</title></head><body><h2>HTTP ERROR</h2><p>Reason:\n<pre>    ${said}</pre></p></body></html>`;

const refusal = (message: string) =>
  JSON.stringify({ error_code: "INVALID_STATE", message: `${message}.` });

test.for([
  ["plain text", text, "ENDPOINT_NOT_FOUND: Bad Target: /api/2.2/jobs/run-now"],
  ["a page", html, page("Bad Target: /api/2.2/jobs/run-now")],
] as const)("where %s says that there is no 2.2, 2.1 is used", async ([, headers, body]) => {
  await using bench = await openBench();
  bench.databricks.fault({ on: "jobs/run-now", answer: { status: 404, headers, body }, times: 1 });

  await bench.end();
  await bench.time.advance(minute);

  expect((await bench.row()).state).toBe("delivered");
  const paths = bench.databricks.requests.map(({ path }) => path.split("?")[0]);
  expect(paths.slice(0, 3)).toEqual([
    "/api/2.2/jobs/run-now",
    "/api/2.1/jobs/run-now",
    "/api/2.1/jobs/runs/get",
  ]);
});

test.for([
  [400, text, "INVALID_PARAMETER_VALUE: Job 12\n  does not exist.", "Job 12 does not exist ("],
  [403, html, page("IP 1.2.3.4 is <b>blocked</b>"), "answered 403: IP 1.2.3.4 is blocked ("],
  [403, html, "<!doctype html><title>Sign In</title><p>text", "answered 403: Sign In ("],
  [403, html, "<p>text</p>", "answered 403 ("],
  [404, {}, "", "answered 404 ("],
] as const)("of a refusal with %d and %j what it says is quoted", async (given) => {
  const [status, headers, body, said] = given;
  await using bench = await openBench();
  bench.databricks.fault({ on: "jobs/run-now", answer: { status, headers, body } });

  await bench.end();
  await bench.time.advance(minute);

  const { state, reason } = await bench.row();
  expect(state).toBe("dead");
  expect(reason).toContain(said);
});

test.for([
  ["RPC token bucket limit has been exceeded", json],
  ["Please try again later", text],
  ["The service is temporarily unavailable", json],
  ["Unexpected error", json],
] as const)("a 400 that says %s is tried again, after the time it names", async (given) => {
  const [said, { "content-type": type }] = given;
  await using bench = await openBench();
  const body = type === "text/plain" ? said : refusal(said);
  const headers = { "content-type": type, "retry-after": "90" };
  bench.databricks.fault({ on: "jobs/run-now", answer: { status: 400, headers, body }, times: 1 });

  await bench.end();
  await bench.time.advance(minute);
  const early = bench.databricks.calls("jobs/run-now");
  await bench.time.advance(3 * minute);

  expect([early, bench.databricks.calls("jobs/run-now")]).toEqual([1, 2]);
  expect((await bench.row()).state).toBe("delivered");
});

test.for([
  ["Please try again later", "delivered", 2],
  ["Unexpected error", "dead", 1],
] as const)(
  "after a 400 with %s a statement that must not run twice is %s",
  async ([said, end, sent]) => {
    await using bench = await openSqlBench("rest", { ...insert, mergeOn: false });
    const fault: DatabricksFault = {
      on: "sql/statements",
      answer: { status: 400, headers: json, body: refusal(said) },
      times: 1,
    };
    bench.databricks.fault(fault);

    await bench.end();
    await bench.time.advance(10 * minute);

    expect(await bench.states()).toEqual([end]);
    expect(bench.databricks.calls("sql/statements")).toBe(sent);
  },
);

test("over the driver a 400 that says to try again is tried again, too", async () => {
  await using bench = await openSqlBench("driver", insert);
  const headers = { "x-thriftserver-error-message": "Please try again later." };
  bench.databricks.fault({ on: bench.starts, answer: { status: 400, headers }, times: 1 });

  await bench.end();
  await bench.time.advance(10 * minute);

  expect(await bench.states()).toEqual(["delivered"]);
});

test.for([
  ["a token", { token: "dapi-other" }, /401.* Check "token"\.$/],
  [
    "a service principal",
    { clientId: "client-1", clientSecret: "s3cret" },
    /401.* Check "clientId" \("client_id" in YAML\) and "clientSecret" \("client_secret" in YAML\)\.$/,
  ],
] as const)("a 401 for %s says what to check", async ([, credentials, advice]) => {
  await using bench = await openBench(credentials);
  bench.databricks.fault({
    on: "jobs/run-now",
    answer: { status: 401, headers: json, body: '{"error_code":"UNAUTHENTICATED"}' },
  });

  await bench.end();
  await bench.time.advance(minute);

  const { state, reason } = await bench.row();
  expect(state).toBe("dead");
  expect(reason).toMatch(advice);
});
