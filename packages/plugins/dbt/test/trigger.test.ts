import { createTestDelivery, createTestEvent } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";
import { createBench, load } from "./bench.ts";

type Options = Parameters<typeof createBench>[0];

/** What would be sent for some events. */
async function rendered(options: Options, ...events: ReturnType<typeof load>[]) {
  await using bench = await createBench(options);
  const delivery = createTestDelivery(events.length === 0 ? {} : { events });
  const { target, body } = (await bench.opened.hook.render?.(delivery)) ?? expect.fail();
  // biome-ignore lint/suspicious/noExplicitAny: the body of a trigger
  return { job: /jobs\/(\d+)\/run\/$/.exec(target)?.[1], target, body: body as any };
}

const refused = (options: Options, ...events: ReturnType<typeof load>[]) =>
  rendered(options, ...events).catch((error: unknown) => error);

describe("the trigger", () => {
  test("by default the job runs as it is, and the cause says why", async () => {
    const { job, body } = await rendered({});

    expect(job).toBe("42");
    expect(body).toEqual({
      cause: expect.stringMatching(/^pipeline\.end of orders \[pipehooks:test:ph_[0-9a-f]{32}\]$/),
    });
  });

  test("each override is sent, filled in from the event, numbers as numbers", async () => {
    const { body } = await rendered(
      {
        gitBranch: "${metadata.branch}",
        gitSha: "0a1b",
        schemaOverride: "ci_${pipeline}",
        targetNameOverride: "prod",
        dbtVersionOverride: "1.9.0",
        threadsOverride: 8,
        timeoutSecondsOverride: 900,
        generateDocsOverride: false,
        githubPullRequestId: "${metadata.pr}",
        azurePullRequestId: 2,
        gitlabMergeRequestId: "3",
        nonNativePullRequestId: 4,
        stepsOverride: ["dbt seed", "dbt build --target ${metadata.env}"],
      },
      createTestEvent({ metadata: { branch: "main", pr: 1, env: "prod" } }),
    );

    expect(body).toMatchObject({
      steps_override: ["dbt seed", "dbt build --target prod"],
      git_branch: "main",
      git_sha: "0a1b",
      schema_override: "ci_orders",
      target_name_override: "prod",
      dbt_version_override: "1.9.0",
      threads_override: 8,
      timeout_seconds_override: 900,
      generate_docs_override: false,
      github_pull_request_id: 1,
      azure_pull_request_id: 2,
      gitlab_merge_request_id: 3,
      non_native_pull_request_id: 4,
    });
  });

  test("a pull request that is no number is refused", async () => {
    const error = await refused({ githubPullRequestId: "${metadata.pr}" }, load({ pr: "main" }));

    expect(error).toMatchObject({ code: "REQUEST_INVALID", retryable: false });
  });

  test("a long cause is cut so that its marker stays, and is one line", async () => {
    const { body } = await rendered(
      { cause: "because of ${metadata.why}" },
      load({ why: `a\nb\u0000${"😀".repeat(300)}` }),
    );

    expect(body.cause.length).toBeLessThanOrEqual(255);
    expect(body.cause).toMatch(/^because of a b 😀+… \[pipehooks:test:ph_[0-9a-f]{32}\]$/u);
  });

  test("the job may come from the event, and must be a number", async () => {
    const { job } = await rendered({ job: "${metadata.job}" }, load({ job: "70403103000001" }));
    const error = await refused({ job: "${metadata.job}" }, load({ job: "../43" }));

    expect(job).toBe("70403103000001");
    expect(error).toMatchObject({ code: "REQUEST_INVALID" });
  });
});

describe("what is selected", () => {
  test("the selectors of all events are united in one step", async () => {
    const { body } = await rendered(
      { select: "source:${metadata.schema}.${metadata.table}+" },
      load({ schema: "raw", table: "a" }, "1"),
      load({ schema: "raw", table: "b" }, "2"),
      load({ schema: "raw", table: "a" }, "3"),
    );

    expect(body.steps_override).toEqual(["dbt build --select source:raw.a+ source:raw.b+"]);
  });

  test("what a shell-like reader could take for more is quoted", async () => {
    const { body } = await rendered({ select: ["tag:*", "path:models/[ab]", "@orders", "2+x,y"] });

    expect(body.steps_override).toEqual([
      'dbt build --select "tag:*" "path:models/[ab]" @orders 2+x,y',
    ]);
  });

  test("an event may bring whole selectors, also as a list", async () => {
    const { body } = await rendered(
      { select: "${metadata.select}" },
      load({ select: ["a+", "tag:x,config.materialized:table"] }, "1"),
      load({ select: "+b" }, "2"),
    );

    expect(body.steps_override).toEqual([
      "dbt build --select a+ tag:x,config.materialized:table +b",
    ]);
  });

  test("{selection} says where the selectors go, in every step that has it", async () => {
    const { body } = await rendered({
      select: "tag:$&",
      stepsOverride: ["dbt run -s {selection} --full-refresh", "dbt test -s {selection}"],
    }).catch(() => ({ body: undefined }));
    const plain = await rendered({
      select: ["a", "b"],
      stepsOverride: ["dbt run -s {selection} --full-refresh", "dbt test -s {selection}"],
    });

    expect(body).toBeUndefined();
    expect(plain.body.steps_override).toEqual(["dbt run -s a b --full-refresh", "dbt test -s a b"]);
  });

  test.for([
    ["${metadata.x}", "--full-refresh"],
    ["${metadata.x}", "-s"],
    ["${metadata.x}", "a --vars {}"],
    ["${metadata.x}", 'a" --x "'],
    ["${metadata.x}", "a\nb"],
    ["${metadata.x}", "a;b"],
    ["${metadata.x}", "`id`"],
    ["${metadata.x}", "$(id)"],
    ["${metadata.x}", "a\\"],
    ["${metadata.x}", ""],
    ["${metadata.x}", 7],
    ["${metadata.x}", null],
    ["${metadata.x}", { a: 1 }],
    ["${metadata.x}", ["a", "--b"]],
    ["source:${metadata.x}+", "a b"],
    ["source:${metadata.x}+", "a+ tag:all"],
    ["source:${metadata.x}+", "a,b"],
    ["source:${metadata.x}+", "--x"],
    ["source:${metadata.x}+", null],
    ["source:${metadata.x}+", ["a"]],
  ] as const)("%s filled in with %j is refused", async ([select, x]) => {
    const error = await refused({ select }, load({ x }));

    expect(error).toMatchObject({ code: "REQUEST_INVALID", retryable: false });
    expect(String(error)).toContain("evt_1");
  });

  test.for(["a b", "--full-refresh", "'x'", "a\nb", "", "{}"])(
    "a step filled in with %j is refused",
    async (x) => {
      const error = await refused(
        { stepsOverride: ["dbt run --vars '{a: ${metadata.x}}'"] },
        load({ x }),
      );

      expect(error).toMatchObject({ code: "REQUEST_INVALID" });
    },
  );

  test("more selectors than fit into a command are refused", async () => {
    const list = Array.from({ length: 501 }, (_, index) => `m${index}`);

    const error = await refused({ select: "${metadata.select}" }, load({ select: list }));

    expect(String(error)).toContain("501 selectors");
  });

  test("where some events are not given whole, all is built", async () => {
    await using bench = await createBench({ select: "source:${metadata.x}+" });
    const delivery = createTestDelivery({ events: [load({ x: "a" })], count: 1200 });

    const { body } = (await bench.opened.hook.render?.(delivery)) ?? {};

    expect(body).not.toHaveProperty("steps_override");
  });
});

describe("mappings", () => {
  const mappings = {
    "stripe_*": { job: 43, select: "source:stripe+" },
    stripe_eu: "source:stripe.eu+",
    hubspot: ["tag:crm", "tag:sales"],
    adwords: 44,
    everything: {},
  };
  const bodyOf = (...connectors: string[]) =>
    rendered(
      { mappings, select: "tag:usual" },
      ...connectors.map((connector, index) => load({ connector }, `evt_${index}`)),
    );

  test.for([
    ["stripe_eu", "42", "source:stripe.eu+"],
    ["stripe_us", "43", "source:stripe+"],
    ["hubspot", "42", "tag:crm tag:sales"],
    ["adwords", "44", "tag:usual"],
    ["everything", "42", "tag:usual"],
  ] as const)("%s runs job %s with %s", async ([connector, job, selection]) => {
    const found = await bodyOf(connector);

    expect(found.job).toBe(job);
    expect(found.body.steps_override).toEqual([`dbt build --select ${selection}`]);
  });

  test("events without an entry start nothing by themselves, and nothing more beside others", async () => {
    const alone = await bodyOf("unheard", "of");
    const beside = await bodyOf("unheard", "hubspot");

    expect(alone.target).toContain('"unheard", "of"');
    expect(beside.body.steps_override).toEqual(["dbt build --select tag:crm tag:sales"]);
  });

  test("a delivery of them is skipped, with the reason", async () => {
    await using bench = await createBench({ mappings });

    const { outcome } = await bench.deliver({ event: load({ connector: "unheard" }) });

    expect(outcome).toMatchObject({
      type: "skipped",
      reason: expect.stringContaining("metadata.connector"),
    });
    expect(bench.dbt.requests).toEqual([]);
  });

  test("events of several jobs in one delivery are refused", async () => {
    const error = await bodyOf("adwords", "hubspot").catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ code: "REQUEST_INVALID", retryable: false });
    expect(String(error)).toContain("44, 42");
  });

  test("as soon as one event needs the whole job, it runs whole", async () => {
    const found = await rendered(
      { mappings: { a: "source:a+", b: {} } },
      load({ connector: "a" }, "1"),
      load({ connector: "b" }, "2"),
    );

    expect(found.body).not.toHaveProperty("steps_override");
  });

  test("mapBy says what is looked up, the first that the event has", async () => {
    const options = { mappings: { x: 43, "7": 44 }, mapBy: ["metadata.a", "metadata.b"] };

    const first = await rendered(options, load({ a: "x", b: 7 }));
    const second = await rendered(options, load({ b: 7 }));

    expect([first.job, second.job]).toEqual(["43", "44"]);
  });
});
