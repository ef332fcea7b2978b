import { writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  createPipehooks,
  type Delivery,
  HookError,
  isHookError,
  silentLogger,
} from "@pipehooks/core";
import plugin, { type DbtCoreOptions, dbtCore } from "@pipehooks/dbt";
import {
  checkOptions,
  createTestDelivery,
  createTestEvent,
  createVirtualTime,
  openHook,
} from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { createProject, type Project } from "./project.ts";

const event = (metadata: Record<string, string>, id = "evt_1") => createTestEvent({ id, metadata });
const good = {
  unique_id: "model.shop.orders",
  status: "success",
  execution_time: 2.5,
  message: "OK",
};
const lost = {
  unique_id: "model.shop.customers",
  status: "error",
  execution_time: 0.5,
  message: "Database Error: server closed the connection unexpectedly",
};
const wrong = { ...lost, message: 'column "x" does not exist' };

/** One delivery: what dbt was called with, and what came of it. */
async function deliver(
  project: Project,
  setup: {
    readonly plan?: object;
    readonly options?: Partial<DbtCoreOptions>;
    readonly delivery?: Partial<Delivery>;
  } = {},
) {
  await using opened = await openHook(dbtCore, project.options(setup.plan, setup.options));
  const delivery = createTestDelivery(setup.delivery);
  const outcome = await Promise.resolve(opened.hook.deliver(delivery)).catch(
    (error: unknown) => error,
  );
  const [emitted] = delivery.emitted;
  return { outcome, emitted, delivery, commands: project.commands(), logs: opened.logs };
}

describe("the command", () => {
  test("everything is built where nothing is selected, and no shell is in between", async () => {
    using project = createProject();

    const { commands, outcome } = await deliver(project, {
      options: { args: ["--no-use-colors", "; touch owned $(id)"] },
    });

    expect(outcome).toMatchObject({ type: "delivered" });
    expect(commands).toEqual([["build", "--no-use-colors", "; touch owned $(id)"]]);
  });

  test("each option has its argument", async () => {
    using project = createProject();

    const { commands } = await deliver(project, {
      options: {
        command: "run",
        profilesDir: "/etc/dbt",
        profile: "shop",
        target: "${metadata.env}",
        targetPath: "out",
        threads: 8,
        fullRefresh: true,
        vars: { day: "${metadata.day}", deep: { n: 1 } },
        select: ["source:${metadata.connector}+", "tag:nightly"],
        exclude: "tag:slow",
      },
      delivery: { event: event({ env: "prod", day: "'; drop", connector: "stripe" }) },
    });

    expect(commands).toEqual([
      [
        ...["run", "--profiles-dir", "/etc/dbt", "--profile", "shop", "--target-path", "out"],
        ...["--threads", "8", "--full-refresh", "--target", "prod"],
        ...["--vars", '{"day":"\'; drop","deep":{"n":1}}'],
        ...["--select", "source:stripe+", "tag:nightly", "--exclude", "tag:slow"],
      ],
    ]);
  });

  test("the selectors of all events of a delivery are united, by mapping", async () => {
    using project = createProject();
    const events = ["stripe", "hubspot_eu", "other", "stripe"].map((connector, index) =>
      event({ connector }, `evt_${index}`),
    );

    const { commands } = await deliver(project, {
      options: {
        mappings: { stripe: ["source:stripe+"], "hubspot_*": "source:crm.${metadata.connector}+" },
      },
      delivery: { events },
    });

    expect(commands).toEqual([["build", "--select", "source:stripe+", "source:crm.hubspot_eu+"]]);
  });

  test("an event without an entry starts nothing, and says so", async () => {
    using project = createProject();

    const { commands, outcome } = await deliver(project, {
      options: { mappings: { stripe: "source:stripe+" }, mapBy: "metadata.source" },
      delivery: { event: event({ source: "adwords" }) },
    });

    expect(outcome).toMatchObject({
      type: "skipped",
      reason: expect.stringContaining('"adwords"'),
    });
    expect(commands).toEqual([]);
  });

  test.for(["--full-refresh", "a --vars b", "x;y", "$(id)", "a,b", ""])(
    "a value %j that could change the command is refused, and dbt is not started",
    async (connector) => {
      using project = createProject();

      const { commands, outcome } = await deliver(project, {
        options: { select: "source:${metadata.connector}+" },
        delivery: { event: event({ connector }) },
      });

      expect(outcome).toMatchObject({ code: "REQUEST_INVALID", retryable: false });
      expect(commands).toEqual([]);
    },
  );

  test("a target from an event cannot be another option", async () => {
    using project = createProject();

    const { outcome } = await deliver(project, {
      options: { target: "${metadata.env}" },
      delivery: { event: event({ env: "--full-refresh" }) },
    });

    expect(outcome).toMatchObject({ code: "REQUEST_INVALID" });
  });

  test("two commands in one target folder go one after the other", async () => {
    using project = createProject();
    await using first = await openHook(dbtCore, project.options({ sleepMs: 150 }));
    await using second = await openHook(dbtCore, project.options());

    await Promise.all([
      first.hook.deliver(createTestDelivery()),
      second.hook.deliver(createTestDelivery()),
    ]);

    const order = project.calls().map(({ ended }) => ended === true);
    expect(order).toEqual([false, true, false, true]);
  });

  test("secrets in env reach dbt and are known to the kind; other values are not hidden", async () => {
    using project = createProject();
    const options = { env: { FAKE_SECRET: "hush-hush", DBT_ENV: "prod" } };

    await deliver(project, { options });

    expect(project.calls()[0]?.env).toBe("hush-hush");
    expect(dbtCore.kind.secrets?.(project.options({}, options))).toEqual(["hush-hush"]);
  });
});

describe("the end", () => {
  test("a success is told with the results of each node", async () => {
    using project = createProject();

    const { outcome, emitted } = await deliver(project, { plan: { "run_results.json": [good] } });

    expect(outcome).toMatchObject({ type: "delivered" });
    expect(emitted).toMatchObject({
      type: "dbt.run.completed",
      fields: {
        metadata: {
          label: "exit 0",
          hook: "test",
          run_id: expect.stringMatching(/^inv-/),
          duration_ms: expect.any(Number),
          event: "01936c4e-8a00-7000-8000-000000000001",
          results: {
            total: 1,
            statuses: { success: 1 },
            nodes: [{ unique_id: "model.shop.orders", status: "success", seconds: 2.5 }],
            failures: [],
          },
        },
      },
    });
  });

  test("a failure is told with the nodes that failed, and is final", async () => {
    using project = createProject();

    const { outcome, emitted } = await deliver(project, {
      plan: { "run_results.json": [good, wrong], exit: 1 },
    });

    expect(outcome).toMatchObject({ code: "HOOK_FAILED", retryable: false });
    expect(emitted).toMatchObject({
      type: "dbt.run.failed",
      fields: {
        metadata: {
          label: "exit 1",
          message: expect.stringContaining('model.shop.customers error: column "x"'),
          results: { failures: [{ unique_id: "model.shop.customers" }] },
        },
        error: { message: expect.any(String) },
      },
    });
  });

  test("stale sources are told", async () => {
    using project = createProject();
    const stale = {
      unique_id: "source.shop.raw.a",
      status: "error",
      max_loaded_at_time_ago_in_s: 99,
    };
    const broken = { unique_id: "source.shop.raw.b", status: "runtime error", error: "no table" };

    const { emitted } = await deliver(project, {
      plan: { "sources.json": [stale, broken], exit: 1 },
      options: { command: "source freshness" },
    });

    expect(emitted?.fields.metadata).toMatchObject({
      freshness: {
        statuses: { error: 1, "runtime error": 1 },
        stale: [
          { unique_id: "source.shop.raw.a", age_seconds: 99 },
          { unique_id: "source.shop.raw.b", message: "no table" },
        ],
      },
    });
    expect(emitted?.fields.metadata?.command).toBe("source freshness");
    expect(project.commands()[0]).toEqual(["source", "freshness"]);
  });

  test("the results of an earlier command are not taken for this one's", async () => {
    using project = createProject();
    await mkdir(join(project.folder, "target"));
    writeFileSync(
      join(project.folder, "target", "run_results.json"),
      JSON.stringify({ results: [wrong] }),
    );

    const { emitted } = await deliver(project, {
      plan: { exit: 2, says: "Could not find profile" },
    });

    expect(emitted?.fields.metadata?.results).toBeUndefined();
    expect(emitted?.fields.metadata?.message).toContain("Could not find profile");
  });

  test("a file that is no JSON is as if it were not there", async () => {
    using project = createProject();

    const { outcome } = await deliver(project, { plan: { "run_results.json": '{"results": [' } });

    expect(outcome).toMatchObject({ type: "delivered" });
  });

  test("thousands of nodes fit into an event, the failed ones first", async () => {
    using project = createProject();
    const many = Array.from({ length: 3000 }, (_, index) => ({
      unique_id: `model.shop.m${index}`,
      status: index < 400 ? "error" : "success",
      execution_time: index,
      message: "x".repeat(5000),
    }));

    const { emitted } = await deliver(project, { plan: { "run_results.json": many, exit: 1 } });

    const { results = {} } = { ...emitted?.fields.metadata } as {
      results?: Record<string, unknown[]>;
    };
    expect(JSON.stringify(emitted?.fields).length).toBeLessThan(128 * 1024);
    expect(results.failures).toHaveLength(50);
    expect(results).toMatchObject({ total: 3000, statuses: { error: 400, success: 2600 } });
    expect(results.nodes?.[0]).toMatchObject({ unique_id: "model.shop.m2999" });
  }, 15_000);

  test("a program that is not there is named", async () => {
    using project = createProject();

    const { outcome } = await deliver(project, { options: { program: "no-such-dbt" } });

    expect(outcome).toMatchObject({ code: "HOOK_FAILED", retryable: false });
    expect(String(outcome)).toContain('"no-such-dbt"');
  });

  test("a folder without a project is named", async () => {
    using project = createProject();

    const { outcome } = await deliver(project, {
      options: { projectDir: join(project.folder, "x") },
    });

    expect(String(outcome)).toContain("dbt_project.yml");
    expect(String(outcome)).toContain('"projectDir" ("project_dir" in YAML)');
  });

  test("a secret that begins before what is told of its words is hidden whole", async () => {
    using project = createProject();
    const secret = "s3cr3t-ABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789";

    const { outcome, emitted } = await deliver(project, {
      plan: { exit: 2, says: `${secret}${"y".repeat(980)}` },
      options: { env: { FAKE_SECRET: secret } },
    });

    const told = JSON.stringify([String(outcome), emitted]);
    expect(told).toContain("yyyy");
    expect(told).not.toContain("0123456789");
  });

  test.for([undefined, "model.shop.a error"])(
    "what dbt did stays done where its event is refused (failure: %s)",
    async (failure) => {
      using project = createProject();

      const { outcome, logs } = await deliver(project, {
        plan: failure === undefined ? {} : { exit: 1, says: failure },
        delivery: {
          emit() {
            throw new HookError("EVENT_LOOP", "it would go on for ever");
          },
        },
      });

      expect(outcome).toMatchObject(
        failure === undefined ? { type: "delivered" } : { code: "HOOK_FAILED" },
      );
      expect(logs).toMatchObject([{ level: "error", message: /was not emitted: it would go on/ }]);
    },
  );

  test("a command that is longer than the system takes is refused at once, with what to do", async () => {
    using project = createProject();

    const { outcome } = await deliver(project, {
      options: { vars: { rows: "${metadata.rows}" } },
      delivery: { event: event({ rows: "r".repeat(3_000_000) }) },
    });

    expect(outcome).toMatchObject({ code: "REQUEST_INVALID", retryable: false });
    expect(String(outcome)).toMatch(/3000011 bytes.*Pass less in "vars"/);
  });
});

describe("retryRun", () => {
  test("what passes is run again so often, with growing waits, and only the last one is told", async () => {
    using project = createProject();
    const setup = { plan: { "run_results.json": [lost], exit: 1 }, options: { retryRun: 2 } };

    const first = await deliver(project, setup);
    const second = await deliver(project, { ...setup, delivery: { state: { again: 1 } } });
    const third = await deliver(project, { ...setup, delivery: { state: { again: 2 } } });

    expect(first.outcome).toMatchObject({ type: "pending", state: { again: 1 }, againMs: 30_000 });
    expect(second.outcome).toMatchObject({ type: "pending", state: { again: 2 }, againMs: 60_000 });
    expect(third.outcome).toMatchObject({ code: "HOOK_FAILED" });
    expect([first, second, third].map(({ emitted }) => emitted?.type)).toEqual([
      undefined,
      undefined,
      "dbt.run.failed",
    ]);
  });

  test("what does not pass is not run again", async () => {
    using project = createProject();

    const { outcome } = await deliver(project, {
      plan: { "run_results.json": [lost, wrong], exit: 1 },
      options: { retryRun: 2 },
    });

    expect(outcome).toMatchObject({ code: "HOOK_FAILED" });
  });
});

describe("ending it before its end", () => {
  const started = async (project: Project) => {
    await expect.poll(() => project.calls().length, { timeout: 5000 }).toBeGreaterThan(0);
  };
  const isAlive = (pid: number) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };

  test("an aborted attempt interrupts dbt, which ends by itself", async () => {
    using project = createProject();
    await using opened = await openHook(dbtCore, project.options({ sleepMs: 60_000 }));
    const controller = new AbortController();
    const attempt = Promise.resolve(
      opened.hook.deliver(createTestDelivery({ signal: controller.signal })),
    ).catch((error: unknown) => error);
    await started(project);

    controller.abort(new Error("stopped"));
    const error = await attempt;

    expect(error).toMatchObject({ code: "ABORTED", retryable: true });
    expect(project.calls().at(-1)).toMatchObject({ interrupted: true });
  });

  test("a dbt that does not listen is killed after its grace", async () => {
    using project = createProject();
    const options = project.options({ sleepMs: 60_000, stubborn: true }, { grace: "100ms" });
    await using opened = await openHook(dbtCore, options);
    const controller = new AbortController();
    const attempt = Promise.resolve(
      opened.hook.deliver(createTestDelivery({ signal: controller.signal })),
    ).catch((error: unknown) => error);
    await started(project);

    controller.abort(new Error("stopped"));
    await attempt;

    expect(isAlive(project.calls()[0]?.pid ?? 0)).toBe(false);
  });

  test("disposing of the hook ends dbt", async () => {
    using project = createProject();
    const opened = await openHook(dbtCore, project.options({ sleepMs: 60_000 }));
    const attempt = Promise.resolve(opened.hook.deliver(createTestDelivery())).catch(
      (error: unknown) => error,
    );
    await started(project);

    await opened[Symbol.asyncDispose]();
    await opened[Symbol.asyncDispose]();

    expect(isHookError(await attempt)).toBe(true);
    expect(isAlive(project.calls()[0]?.pid ?? 0)).toBe(false);
  });

  test("at its deadline dbt is ended, and that is told as cancelled", async () => {
    using project = createProject();

    const { outcome, emitted } = await deliver(project, {
      plan: { sleepMs: 60_000 },
      options: { deadline: "700ms" },
    });

    expect(emitted).toMatchObject({ type: "dbt.run.cancelled" });
    expect(outcome).toMatchObject({ code: "HOOK_FAILED", retryable: false });
  });

  test("an attempt whose signal has aborted already starts nothing", async () => {
    using project = createProject();

    const { outcome } = await deliver(project, {
      delivery: { signal: AbortSignal.timeout(0) },
    });

    expect(isHookError(outcome)).toBe(true);
    expect(project.commands()).toEqual([]);
  });
});

test("a dry run shows the command without running it", async () => {
  using project = createProject();
  await using opened = await openHook(dbtCore, project.options({}, { select: "tag:${pipeline}" }));

  const rendered = await opened.hook.render?.(createTestDelivery());

  expect(rendered?.body).toEqual(["build", "--select", "tag:orders"]);
  expect(project.commands()).toEqual([]);
});

test("check tells the version of dbt", async () => {
  using project = createProject();
  await using opened = await openHook(dbtCore, project.options());

  const report = await opened.hook.check?.(new AbortController().signal);

  expect(report).toMatchObject({ summary: expect.stringContaining("1.9.4") });
});

test.for([
  [{}, "projectDir"],
  [{ projectDir: "x", select: "a b" }, "select"],
  [{ projectDir: "x", select: ["--full-refresh"] }, "select.0"],
  [{ projectDir: "x", exclude: "-x" }, "exclude"],
  [{ projectDir: "x", command: "rm" }, "command"],
  [{ projectDir: "x", mapBy: "pipeline" }, "mapBy"],
  [{ projectDir: "x", deadline: "soon" }, "deadline"],
  [{ projectDir: "x", grace: "0s" }, "grace"],
  [{ projectDir: "x", vars: { a: "${" } }, "vars"],
  [{ projectDir: "x", env: { "a b": "c" } }, "env.a b"],
  [{ projectDir: "x", profile: "--x" }, "profile"],
  [{ projectDir: "x", threads: 0 }, "threads"],
  [{ projectDir: "x", retryRun: -1 }, "retryRun"],
  [{ projectDir: "x", fullRefresh: true, command: "test" }, "fullRefresh"],
  [{ projectDir: "x", fullRefresh: true, command: "snapshot" }, "fullRefresh"],
  [{ projectDir: "x", fullRefresh: true, command: "source freshness" }, "fullRefresh"],
] as const)("%j is refused at %s", async ([options, path]) => {
  const { problems } = await checkOptions(dbtCore.kind, options);

  expect(problems.map((problem) => problem.path)).toContain(path);
});

test.for([undefined, "build", "run", "seed", "compile"] as const)(
  "a full refresh is taken with the command %s",
  async (command) => {
    const options = { projectDir: "x", fullRefresh: true, command };

    expect((await checkOptions(dbtCore.kind, options)).problems).toEqual([]);
  },
);

test("in a bus the outcome is an event that the next hook gets", async () => {
  using project = createProject();
  const time = createVirtualTime({ restMs: 200 });
  const seen: string[] = [];
  const hooks = createPipehooks({
    hooks: [
      {
        name: "build",
        events: "pipeline.end",
        hook: dbtCore(project.options({ "run_results.json": [good] })),
      },
      { name: "next", events: "dbt.run.*", hook: ({ event: { type } }) => void seen.push(type) },
    ],
    events: plugin.events,
    clock: time.clock,
    random: time.random,
    logger: silentLogger,
  });

  await hooks.emit("pipeline.end", { pipeline: "orders" });
  await expect
    .poll(
      async () => {
        await time.advance(1000);
        return seen;
      },
      { timeout: 8000 },
    )
    .toEqual(["dbt.run.completed"]);
  await hooks.close({ timeoutMs: 0 });
}, 15_000);
