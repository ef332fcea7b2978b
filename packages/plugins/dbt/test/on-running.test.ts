import { createTestDelivery } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { type Bench, createBench, load, settle } from "./bench.ts";

const long = {
  jobs: [
    { id: 42, runs: { runMs: 600_000 } },
    { id: 43, runs: { runMs: 600_000 } },
  ],
};
let count = 0;

/** The first claims of a delivery: after them its run is started, or it is settled. */
async function begin(bench: Bench, metadata: Record<string, string> = {}) {
  count += 1;
  const fields = {
    event: load(metadata),
    idempotencyKey: `whk_${count}`,
    // It came a moment ago.
    since: bench.time.now() - 5,
  };
  const { outcome, states } = await bench.deliver(fields, 2);
  const end = () => settle(bench.opened, bench.time, { ...fields, state: states.at(-1) });
  return { outcome, type: outcome instanceof Error ? "error" : outcome?.type, end };
}

const statuses = ({ dbt }: Bench) => dbt.runs.map(({ status }) => status);

describe("queue", () => {
  test("each delivery has a run of its own, one after the other", async () => {
    await using bench = await createBench({ onRunning: "queue" }, long);

    for (let index = 0; index < 3; index += 1) await begin(bench);
    await bench.time.advance(20_000);

    expect(statuses(bench)).toEqual([3, 1, 1]);
  });
});

describe("skip", () => {
  test("while a run of ours goes on, none is started", async () => {
    await using bench = await createBench({ onRunning: "skip" }, long);

    const first = await begin(bench);
    const second = await begin(bench);
    await bench.time.advance(60_000);
    const third = await begin(bench);

    expect([first.type, second.type, third.type]).toEqual(["pending", "skipped", "skipped"]);
    expect(bench.dbt.runs).toHaveLength(1);
  });

  test("a run of people, of CI or of another job does not count", async () => {
    await using bench = await createBench({ onRunning: "skip", job: "${metadata.job}" }, long);
    bench.dbt.start(42);
    bench.dbt.start(42, { cause: "CI", causeCategory: "ci" });
    const other = await begin(bench, { job: "43" });

    const first = await begin(bench, { job: "42" });

    expect([other.type, first.type]).toEqual(["pending", "pending"]);
    expect(bench.dbt.runs).toHaveLength(4);
  });

  test("once it has ended, the next one is started", async () => {
    await using bench = await createBench({ onRunning: "skip" }, long);
    const first = await begin(bench);
    await first.end();
    await bench.time.advance(60_000);

    const second = await begin(bench);

    expect(second.type).toBe("pending");
  });
});

describe("one_follow_up", () => {
  test("a running run may have read its sources: one more is queued, and covers all that comes until it starts", async () => {
    await using bench = await createBench({ onRunning: "one_follow_up" }, long);
    const types = [(await begin(bench)).type];
    await bench.time.advance(60_000);

    for (let index = 0; index < 5; index += 1) {
      types.push((await begin(bench)).type);
      await bench.time.advance(20_000);
    }

    expect(types).toEqual(["pending", "pending", "skipped", "skipped", "skipped", "skipped"]);
    expect(statuses(bench)).toEqual([3, 1]);
  });

  test("ten at the same moment make two runs, not ten", async () => {
    await using bench = await createBench(
      { onRunning: "one_follow_up" },
      { ...long, listLagMs: 10_000 },
    );
    await begin(bench);
    await bench.time.advance(60_000);

    await Promise.all(Array.from({ length: 10 }, () => begin(bench)));

    expect(bench.dbt.runs).toHaveLength(2);
  });

  test.for([
    ["the same sources", { select: "source:a+" }, "skipped"],
    ["other sources", { select: "source:b+" }, "pending"],
    ["another branch", { select: "source:a+", branch: "dev" }, "pending"],
  ] as const)("a queued run covers %s or not: %s", async ([, metadata, type]) => {
    await using bench = await createBench(
      {
        onRunning: "one_follow_up",
        select: "${metadata.select}",
        gitBranch: "${metadata.branch:-main}",
      },
      long,
    );
    bench.dbt.start(42);
    await bench.time.advance(60_000);
    await begin(bench, { select: "source:a+" });

    const next = await begin(bench, metadata);

    expect(next.type).toBe(type);
  });

  test("a queued run of everything covers a part, a queued run of more covers less, not the other way", async () => {
    const after = async (first: string[], second: string[]) => {
      await using bench = await createBench(
        { onRunning: "one_follow_up", mappings: { all: {}, a: "tag:a", b: "tag:b" } },
        long,
      );
      bench.dbt.start(42);
      await bench.time.advance(60_000);
      const types: unknown[] = [];
      for (const connectors of [first, second]) {
        const events = connectors.map((connector, index) => load({ connector }, `evt_${index}`));
        count += 1;
        const fields = { events, idempotencyKey: `whk_${count}`, since: bench.time.now() };
        const { outcome } = await bench.deliver(fields, 2);
        types.push(outcome instanceof Error ? outcome : outcome?.type);
        await bench.time.advance(20_000);
      }
      return types;
    };

    expect(await after(["all"], ["a"])).toEqual(["pending", "skipped"]);
    expect(await after(["a", "b"], ["b"])).toEqual(["pending", "skipped"]);
    expect(await after(["a"], ["a", "b"])).toEqual(["pending", "pending"]);
    expect(await after(["a"], ["all"])).toEqual(["pending", "pending"]);
  });
});

describe("a queued run of the job's own commands", () => {
  test.for([
    [["dbt build"], "skipped"],
    [["dbt run --select tag:nightly"], "pending"],
    [["dbt run"], "pending"],
    [["dbt build --exclude tag:slow"], "pending"],
    [["dbt build --select source:stripe+ tag:nightly"], "skipped"],
    [["dbt seed", "dbt build"], "pending"],
  ] as const)("%j covers a selection only if it builds it: %s", async ([executeSteps, type]) => {
    await using bench = await createBench(
      { onRunning: "one_follow_up", mappings: { all: {}, stripe: "source:stripe+" } },
      { jobs: [{ id: 42, executeSteps, runs: { runMs: 600_000 } }] },
    );
    bench.dbt.start(42);
    await bench.time.advance(60_000);
    const own = await begin(bench, { connector: "all" });
    await bench.time.advance(20_000);

    const next = await begin(bench, { connector: "stripe" });
    const another = await begin(bench, { connector: "all" });

    expect([own.type, next.type, another.type]).toEqual(["pending", type, "skipped"]);
  });

  test("covers none as long as nobody knows what they are", async () => {
    await using bench = await createBench(
      { onRunning: "one_follow_up", mappings: { all: {}, stripe: "source:stripe+" } },
      { ...long, listLagMs: 10_000 },
    );
    const types: unknown[] = [];

    for (const connector of ["all", "stripe", "all"]) {
      types.push((await begin(bench, { connector })).type);
    }

    expect(types).toEqual(["pending", "pending", "skipped"]);
  });
});

describe("cancel_and_replace", () => {
  test("our run is cancelled for the new one, and its delivery is delivered", async () => {
    await using bench = await createBench({ onRunning: "cancel_and_replace" }, long);
    const first = await begin(bench);
    await bench.time.advance(60_000);

    const second = await begin(bench);
    const ended = await first.end();

    expect(second.type).toBe("pending");
    expect(statuses(bench)[0]).toBe(30);
    expect(ended.outcome).toMatchObject({ type: "delivered" });
    expect(ended.delivery.emitted[0]?.type).toBe("dbt.run.cancelled");
  });

  test("a run that does something else, of another hook or of people goes on", async () => {
    const select = "${metadata.select}";
    await using bench = await createBench({ onRunning: "cancel_and_replace", select }, long);
    bench.dbt.start(42);
    bench.dbt.start(42, { cause: "other [pipehooks:else:ph_1]" });
    await begin(bench, { select: "source:a+" });

    await begin(bench, { select: "source:b+" });
    await bench.time.advance(60_000);

    expect(statuses(bench)).toEqual([3, 1, 1, 1]);
  });
});

describe("deadline", () => {
  test.for([
    ["leave", "delivered", 3, undefined],
    ["cancel", "delivered", 30, "dbt.run.cancelled"],
    ["fail", "dead", 3, "dbt.run.failed"],
  ] as const)("onDeadline: %s", async ([onDeadline, end, status, type]) => {
    await using bench = await createBench(
      { deadline: "5m", onDeadline, poll: { first: "10s", longest: "20s" } },
      { jobs: [{ id: 42, runs: { runMs: Number.POSITIVE_INFINITY } }] },
    );

    const { outcome, delivery } = await bench.deliver();

    expect(outcome instanceof Error ? "dead" : outcome?.type).toBe(end);
    expect(statuses(bench)).toEqual([status]);
    expect(delivery.emitted[0]?.type).toBe(type);
  });
});

describe("retryRun", () => {
  const lost = [
    [
      { uniqueId: "model.s.a" },
      { uniqueId: "model.s.b", status: "error", message: "SSL SYSCALL error: EOF detected" },
      { uniqueId: "model.s.c", status: "skipped" },
    ],
  ] as const;
  const wrong = [[{ uniqueId: "model.s.b", status: "error", message: "syntax error" }]] as const;
  const failed = { outcome: "error", nodes: lost } as const;

  test("what passes is run again from the failure, and told once, at the end", async () => {
    await using bench = await createBench(
      { retryRun: 2 },
      { jobs: [{ id: 42, runs: [failed, {}] }] },
    );

    const { outcome, delivery } = await bench.deliver();

    const [first, second] = bench.dbt.runs;
    expect(outcome).toMatchObject({ type: "delivered" });
    expect(second?.retryingRunId).toBe(first?.id);
    expect(delivery.emitted.map(({ type }) => type)).toEqual(["dbt.run.completed"]);
    expect(delivery.emitted[0]?.fields.metadata).toMatchObject({ retrying_run_id: first?.id });
  });

  test("so often and no more", async () => {
    await using bench = await createBench({ retryRun: 2 }, { jobs: [{ id: 42, runs: failed }] });

    const { delivery } = await bench.deliver();

    expect(bench.dbt.runs).toHaveLength(3);
    expect(delivery.emitted.map(({ type }) => type)).toEqual(["dbt.run.failed"]);
  });

  test.for([
    ["transient", wrong, 1],
    ["any", wrong, 2],
    ["transient", [[...lost[0], ...wrong[0]]], 1],
  ] as const)("retryOn: %s decides which failures", async ([retryOn, nodes, runs]) => {
    await using bench = await createBench(
      { retryRun: 1, retryOn },
      { jobs: [{ id: 42, runs: [{ outcome: "error", nodes }, {}] }] },
    );

    await bench.deliver();

    expect(bench.dbt.runs).toHaveLength(runs);
  });

  test("where dbt cannot go on from the failure, it runs from the beginning with the same overrides", async () => {
    const runs = [{ ...failed, retryNotSupported: "RETRY_UNSUPPORTED_VERSION" }, {}];
    await using bench = await createBench(
      { retryRun: 1, select: "tag:x" },
      { jobs: [{ id: 42, runs }] },
    );

    await bench.deliver();

    const [first, second] = bench.dbt.runs;
    expect(second?.retryingRunId).toBeUndefined();
    expect(second?.trigger.stepsOverride).toEqual(first?.trigger.stepsOverride);
    expect(second?.trigger.cause).not.toBe(first?.trigger.cause);
  });

  test("a newer run of the job makes another one needless", async () => {
    await using bench = await createBench(
      { retryRun: 1 },
      { jobs: [{ id: 42, runs: [failed, {}] }] },
    );
    const { states } = await bench.deliver({}, 2);
    bench.dbt.start(42);

    const { outcome } = await bench.deliver({ state: states.at(-1) });

    expect(outcome).toMatchObject({ retryable: false });
    expect(bench.dbt.runs).toHaveLength(2);
  });

  test.for(["cut", 503] as const)(
    "a retry that had its effect and yet was answered by %s is one run",
    async (answer) => {
      await using bench = await createBench(
        { retryRun: 1 },
        { jobs: [{ id: 42, runs: [failed, {}] }], listLagMs: 4000 },
      );
      bench.dbt.fault({ on: "retry", answer, effect: true, times: 1 });

      const { outcome } = await bench.deliver();

      expect(outcome).toMatchObject({ type: "delivered" });
      expect(bench.dbt.runs).toHaveLength(2);
    },
  );
});

test("a delivery made by hand is rendered without a request", async () => {
  await using bench = await createBench({ onRunning: "skip" });

  await bench.opened.hook.render?.(createTestDelivery());

  expect(bench.dbt.requests).toEqual([]);
});
