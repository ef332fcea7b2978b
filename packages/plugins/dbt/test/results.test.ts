import type { Outcome } from "@pipehooks/core";
import { dbtCloudRun } from "@pipehooks/dbt";
import { createDbtCloudReceiver, createVirtualTime, openHook } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { createBench, type Ended, settle } from "./bench.ts";

const lost = "Database Error: server closed the connection unexpectedly";
const metadataOf = ({ delivery }: Ended) => delivery.emitted[0]?.fields.metadata;

/** A job whose first run fails by one node with this message. */
function failingOnce(message: string, status = "error") {
  const nodes = [[{ uniqueId: "model.shop.a", status, message }]];
  return { jobs: [{ id: 42, runs: [{ outcome: "error", nodes }, {}] }] } as const;
}

test.for([0, -3_000, -20_000, -300_000, 90_000, 3_600_000])(
  "files that are saved late are waited for where our clock is %s ms ahead",
  async (aheadMs) => {
    const time = createVirtualTime();
    const nodes = [[{ uniqueId: "model.shop.a", status: "error", message: lost }]];
    const runs = { outcome: "error", artifactsMs: 15_000, nodes } as const;
    await using dbt = await createDbtCloudReceiver({
      now: () => time.now() - aheadMs,
      jobs: [{ id: 42, runs: [runs, {}] }],
    });
    const options = { host: dbt.url, token: dbt.token, accountId: dbt.accountId, job: 42 };
    await using opened = await openHook(
      dbtCloudRun,
      { ...options, retryRun: 1, poll: { first: "1s", longest: "1s" } },
      { clock: time.clock, random: time.random },
    );

    const ended = await settle(opened, time);

    expect(ended.outcome).toMatchObject({ type: "delivered" } satisfies Partial<Outcome>);
    expect(dbt.runs).toHaveLength(2);
    expect(metadataOf(ended)).toHaveProperty("results");
  },
);

test("files are waited for in the second in which the run ended, which the answer's date begins", async () => {
  const runs = { outcome: "error", runMs: Number.POSITIVE_INFINITY, artifactsMs: 15_000 } as const;
  await using bench = await createBench({}, { jobs: [{ id: 42, runs }] });
  const { states } = await bench.deliver({}, 2);
  await bench.time.advance(30_900);
  bench.dbt.finish(bench.dbt.runs[0]?.id ?? "", "error");

  const { outcome } = await bench.deliver({ state: states.at(-1) }, 1);

  expect(outcome).toMatchObject({ type: "pending" });
});

describe("a failure that passes is run again, another one is not", () => {
  test.for([
    [lost, 2],
    ["503 Service Unavailable", 2],
    ["HTTP 503 from the endpoint", 2],
    ["Error during request to server: HTTP Response code: 504", 2],
    ["ServiceUnavailable: 503 POST https://bigquery.example.com/jobs: error", 2],
    ["502 Bad Gateway", 2],
    ["canceling statement due to statement timeout", 2],
    ["Temporary failure in name resolution", 2],
    ["the warehouse is temporarily out of reach", 2],
    ["Got 503 rows, and 504 were expected", 1],
    ["Database Error: 503 rows violate it", 1],
    ['permission denied to create temporary tables in database "shop"', 1],
    ['relation "temporary_orders" does not exist', 1],
    ['column "timeout" does not exist', 1],
  ] as const)("%s: %s runs", async ([message, runs]) => {
    await using bench = await createBench({ retryRun: 1 }, failingOnce(message));

    await bench.deliver();

    expect(bench.dbt.runs).toHaveLength(runs);
  });

  test("what a test found is there again, whatever its message says", async () => {
    await using bench = await createBench(
      { retryRun: 1 },
      failingOnce("Got 3 results: connection timed out", "fail"),
    );

    await bench.deliver();

    expect(bench.dbt.runs).toHaveLength(1);
  });
});

test("every step is told however long their logs are", async () => {
  const log = `${"x".repeat(200)}\n`.repeat(1000);
  const failed = [{ uniqueId: "model.shop.a", status: "error", message: lost }];
  const nodes = [...Array.from({ length: 11 }, (_, at) => [{ uniqueId: `model.m${at}` }]), failed];
  await using bench = await createBench(
    { stepsOverride: Array.from({ length: 12 }, (_, at) => `dbt build --exclude tag:t${at}`) },
    { jobs: [{ id: 42, runs: { outcome: "error", log, nodes } }] },
  );

  const metadata = metadataOf(await bench.deliver());

  expect(metadata).not.toHaveProperty("results_problem");
  expect(metadata).toMatchObject({
    message: expect.stringContaining("model.shop.a error: Database Error"),
    results: { statuses: { success: 11, error: 1 }, failures: [{ unique_id: "model.shop.a" }] },
  });
}, 15_000);
