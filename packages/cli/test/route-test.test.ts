import { expect, test } from "vitest";
import { createPlace, rehearse, testFile } from "./route-tests.ts";

const ops = `version: 1
source: /tests
hooks:
  - name: ops
    kind: webhook
    events: ["pipeline.{end,error}"]
    filter: { pipelines: ["prod_*"] }
    when: 'event.type != "pipeline.error" || event.error.severity == "CRITICAL"'
    timeout: 20s
    retry: { attempts: 4, base: 1s, factor: 2, jitter: none }
    options:
      url: https://ops.example.com/hook
      payload: { says: "\${pipeline} ended", rows: "\${metadata.rows:-0}", date: "\${metadata.date:-}", at: "\${time}" }
  - name: pager
    kind: webhook
    events: pipeline.error
    options: { url: https://pager.example.com/x, payload: "\${error.message}" }
`;
const end = "emit: { type: pipeline.end, pipeline: prod_a }";

/** What differs, as `what: expected / actual`. */
async function differences(config: string, ...steps: readonly string[]) {
  const { status, failure } = await rehearse(config, ...steps);
  return status === "passed"
    ? "passed"
    : (failure?.differences.map(
        ({ what, expected, actual }) => `${what}: ${expected} / ${actual}`,
      ) ?? []);
}

test("an event reaches the hook as its kind would send it, at its own time, dates as they are written", async () => {
  const result = await rehearse(
    ops,
    "emit: { type: pipeline.end, pipeline: prod_a, id: mine, time: 2026-03-28T23:00:00+01:00, metadata: { rows: 3, date: 2026-03-28 } }",
    'expect: { hook: ops, rendered: { says: prod_a ended, rows: 3, date: "2026-03-28", at: "2026-03-28T22:00:00.000Z" } }',
  );

  expect(result).toMatchObject({ status: "passed", name: "it", line: 2 });
});

test.for([
  ["emit: { type: pipeline.wrong, pipeline: a }", 'emit: Event type "pipeline.wrong" is neither'],
  [
    "emit: { type: pipeline.end, pipline: a }",
    'emit: Event "pipeline.end" has an unknown field "pipline"',
  ],
  [
    "emit: { type: pipeline.end, metadata: { rows: -1 } }",
    'emit: Event "pipeline.end" does not fit its schema: rows',
  ],
  [
    "until: 2025-12-31T00:00:00Z",
    "until: until 2025-12-31T00:00:00Z: it is 2026-01-01T00:00:00.000Z already",
  ],
] as const)("%s is a failed step that says why", async ([step, message]) => {
  const { status, failure } = await rehearse(ops, step);

  expect(status).toBe("failed");
  expect(failure?.message).toContain(message);
  expect(failure).toMatchObject({ line: 4, column: 9 });
});

test("a CloudEvent is emitted as the short form is, and run_id may be written as keys are in YAML", async () => {
  const config = ops.replace("${pipeline} ended", "${runId}");
  const result = await rehearse(
    config,
    "emit: { specversion: '1.0', id: c1, source: /x, type: pipeline.end, pipeline: prod_a, runid: r1, data: {} }",
    "emit: { type: pipeline.end, pipeline: prod_a, run_id: r2 }",
    "emit: { type: pipeline.end, pipeline: prod_a, runId: r3 }",
    "expect: { hook: ops, deliveries: 3 }",
  );

  expect(result).toMatchObject({ status: "passed" });
});

test("attempts come when the policy says, and time passes until the delivery is settled", async () => {
  const result = await rehearse(
    ops,
    end,
    "answer: { hook: ops, with: [500, 503] }",
    'expect: { hook: ops, attempts: 3, at: ["+0s", "+0.5s..+1s", "+3s"], state: delivered }',
    "expect_nothing: all",
  );

  expect(result).toMatchObject({ status: "passed" });
});

test("an answer stands before the event or directly before the expectation", async () => {
  const answer = "answer: { hook: ops, with: [400] }";
  const dead = "expect: { hook: ops, state: dead }";

  const ended = await Promise.all([
    differences(ops, answer, end, dead),
    differences(ops, end, answer, dead),
    differences(ops, end, "expect: { hook: ops }", answer, end, dead),
    differences(ops, end, answer, end, dead),
  ]);

  expect(ended).toEqual(["passed", "passed", "passed", ["state: dead / delivered, dead"]]);
});

test("a receiver says what a test gives: a status, headers that ask to wait, silence, no connection, then 200", async () => {
  const result = await rehearse(
    ops,
    "answer: { hook: ops, with: [{ status: 429, headers: { Retry-After: 60 }, body: { slow: down } }, timeout, refused] }",
    end,
    'expect: { hook: ops, attempts: 1, within: 10s, state: retrying, reason: "answered 429" }',
    "wait: 55s",
    "expect: { hook: ops, state: running }",
    "wait: 20s",
    'expect: { hook: ops, state: retrying, reason: "*took longer than 20000 ms*" }',
    "wait: 10s",
    'expect: { hook: ops, state: delivered, attempts: 4, at: ["+0s", "+1m..+1m10s", …] }',
  );

  expect(result).toMatchObject({ status: "passed" });
});

test("answers that are used up are followed by 200, and each hook has its own", async () => {
  const error =
    "emit: { type: pipeline.error, pipeline: prod_a, error: { message: boom, severity: CRITICAL } }";
  const result = await rehearse(
    ops,
    "answer: { hook: pager, with: [404] }",
    error,
    "expect: { hook: ops, deliveries: 1, state: delivered }",
    'expect: { hook: pager, state: dead, reason: "answered 404", rendered: boom }',
    error,
    "expect: { hook: pager, state: delivered }",
  );

  expect(result).toMatchObject({ status: "passed" });
});

test.for([
  ["deliveries: 2", "deliveries: 2 / 1"],
  ["attempts: 2", "attempts: 2 / 1"],
  ['at: ["+1s"]', "at: +1s / +0s"],
  ['at: ["+0s", "+1s"]', "at: +0s, +1s / +0s"],
  ['at: ["+0s", "+1s", "…"]', "at: +0s, +1s, … / +0s"],
  ["state: dead", "state: dead / delivered"],
  ["rendered: { says: x, rows: 0 }", 'rendered.says: "x" / "prod_a ended"'],
  ["rendered: { more: { deep: 1 } }", 'rendered.more: {"deep":1} / nothing'],
  [
    "rendered: text",
    'rendered: "text" / {"says":"prod_a ended","rows":0,"date":"","at":"2026-01-01T00:00:00.000Z"}',
  ],
  ['target: "GET *"', 'target: "GET *" / "POST https://ops.example.com/hook"'],
  [
    "headers: { Content-Type: text/plain }",
    'headers.content-type: "text/plain" / "application/json"',
  ],
  ["headers: { x-own: 1 }", 'headers.x-own: "1" / nothing'],
  ["events: 2", "events: 2 / 1"],
  ["events: [{ pipeline: prod_b }]", 'events[0].pipeline: "prod_b" / "prod_a"'],
  ["alert: { state: opened }", 'alert: {"state":"opened"} / nothing'],
  ["reason: gone", 'reason: "gone" / nothing'],
] as const)("expect { %s } tells what there is instead", async ([expected, difference]) => {
  const found = await differences(ops, end, `expect: { hook: ops, ${expected} }`);

  expect(found).toContain(difference);
});

test("every key of expect is met by what there is", async () => {
  const result = await rehearse(
    ops,
    end,
    'expect: { hook: ops, deliveries: 1, attempts: 1, at: ["+0s"], state: delivered, rendered: { rows: 0 }, target: "POST https://*/hook", headers: { content-type: application/* }, events: [{ type: pipeline.end }], within: 1s }',
  );

  expect(result).toMatchObject({ status: "passed" });
});

test("for several deliveries rendered is one value that all have, or a list with one for each", async () => {
  const events = [end, "emit: { type: pipeline.end, pipeline: prod_b }"];
  const found = await Promise.all([
    differences(
      ops,
      ...events,
      "expect: { hook: ops, rendered: [{ says: prod_a ended }, { says: prod_b ended }], events: [{ pipeline: prod_a }, {}] }",
    ),
    differences(ops, ...events, "expect: { hook: ops, rendered: { rows: 0 } }"),
    differences(ops, ...events, "expect: { hook: ops, rendered: { says: prod_a ended } }"),
    differences(ops, ...events, "expect: { hook: ops, rendered: [{}] }"),
  ]);

  expect(found.slice(0, 2)).toEqual(["passed", "passed"]);
  expect(found[2]).toEqual(['delivery 2: rendered.says: "prod_a ended" / "prod_b ended"']);
  expect(found[3]).toContain("rendered: 1 entry / 2 entries");
});

test("where too few came, the events that did not reach the hook say why", async () => {
  const { failure } = await rehearse(
    ops,
    end,
    "emit: { type: pipeline.end, pipeline: dev }",
    "expect: { hook: ops, deliveries: 2 }",
  );

  expect(failure?.notes).toEqual([
    expect.stringContaining("dlv_1 of pipeline.end (evt_1) is delivered"),
    expect.stringMatching(/^pipeline\.end \(evt_2\): .*dev/),
  ]);
});

test("an expectation looks at what came since the last one that saw it settled", async () => {
  const result = await rehearse(
    ops,
    "answer: { hook: ops, with: [500] }",
    end,
    "expect: { hook: ops, deliveries: 1, state: retrying }",
    "expect_nothing: { hook: ops }",
    "wait: 1s",
    "expect: { hook: ops, deliveries: 1, attempts: 2, state: delivered }",
    "expect: { hook: ops, deliveries: 0 }",
    end,
    "expect: { hook: ops, deliveries: 1 }",
  );

  expect(result).toMatchObject({ status: "passed" });
});

test("where nothing came, each event says why it went elsewhere", async () => {
  const { failure } = await rehearse(
    ops,
    "emit: { type: pipeline.end, pipeline: dev }",
    "emit: { type: pipeline.start, pipeline: prod_a }",
    "emit: { type: pipeline.error, pipeline: prod_a, error: { message: boom, severity: ERROR } }",
    "expect: { hook: ops }",
  );

  expect(failure?.differences).toEqual([
    { what: "deliveries", expected: "at least 1", actual: "none" },
  ]);
  expect(failure?.notes).toEqual([
    expect.stringMatching(/^pipeline\.end \(evt_1\): .*prod_\*/),
    expect.stringMatching(/^pipeline\.start \(evt_2\): .*pipeline\.\{end,error\}/),
    expect.stringMatching(/^pipeline\.error \(evt_3\): .*severity/),
  ]);
});

test.for([
  ["{ hook: ops }", 'hook "ops" was to get nothing'],
  ["{ hooks: [pager, ops] }", 'hook "ops" was to get nothing'],
  ["all", 'hook "ops" was to get nothing'],
] as const)("expect_nothing: %s fails when something came", async ([named, message]) => {
  const { failure } = await rehearse(ops, end, `expect_nothing: ${named}`);

  expect(failure?.message).toContain(message);
  expect(failure?.notes).toEqual([
    "dlv_1 of pipeline.end (evt_1) is delivered, 1 attempt, POST https://ops.example.com/hook",
  ]);
});

test("expect_nothing is met for hooks that got nothing", async () => {
  const result = await rehearse(
    ops,
    end,
    "expect_nothing: { hook: pager }",
    "expect: { hook: ops }",
    "expect_nothing: all",
    "expect_nothing: { hooks: [pager, ops] }",
  );

  expect(result).toMatchObject({ status: "passed" });
});

const gated = `version: 1
source: /tests
allow_unknown_types: true
hooks:
  - name: build
    kind: webhook
    join:
      all_of:
        - { name: orders, events: load.end, when: event.metadata.table == "orders" }
        - { name: customers, events: load.end, when: event.metadata.table == "customers" }
      by: metadata.date
      within: 60m
      on_deadline: emit
    options: { url: https://dbt.example.com/run, payload: { count: "\${count}" } }
  - name: pager
    kind: webhook
    events: pipeline.error
    alert: { by: pipeline, resolve_on: pipeline.end, confirm_for: 10m, remind: [4h] }
    options: { url: https://pager.example.com/x, payload: { state: "\${alert.state}" } }
`;
const load = (table: string) =>
  `emit: { type: load.end, metadata: { table: ${table}, date: 2026-03-28 } }`;

test("what a gate gathers is no delivery until the gate lets it through", async () => {
  const result = await rehearse(
    gated,
    load("orders"),
    "expect_nothing: all",
    "expect: { hook: build, state: gathering, events: [{ metadata: { table: orders } }] }",
    "expect: { hook: build, deliveries: 0 }",
    "wait: 20m",
    load("customers"),
    'expect: { hook: build, deliveries: 1, events: 2, rendered: { count: 2 }, at: ["+20m"] }',
  );

  expect(result).toMatchObject({ status: "passed" });
});

test("a failed expectation says what the gate waits for", async () => {
  const { failure } = await rehearse(gated, load("orders"), "expect: { hook: build }");

  expect(failure?.notes.join("\n")).toMatch(/dlv_1 of load\.end \(evt_1\) is gathering/);
  expect(failure?.notes.join("\n")).toContain("customers");
});

test("gates fire in virtual time to the millisecond, and tell hooks their state", async () => {
  const result = await rehearse(
    gated,
    "emit: { type: pipeline.error, pipeline: a, error: { message: x } }",
    "wait: 9m",
    "expect_nothing: { hook: pager }",
    "until: 2026-01-01T00:10:00Z",
    'expect: { hook: pager, deliveries: 1, at: ["+10m"], alert: { state: opened, key: a }, rendered: { state: opened } }',
    "wait: 5h",
    "expect: { hook: pager, deliveries: 1, alert: { state: reminder } }",
    "emit: { type: pipeline.end, pipeline: a }",
    "expect: { hook: pager, alert: { state: resolved } }",
    "wait: 30d",
    "expect_nothing: all",
  );

  expect(result).toMatchObject({ status: "passed" });
});

test("expect_event sees what gates emit, by type, metadata and count, and not what the test emitted", async () => {
  const start = [load("orders"), "wait: 61m"];
  const found = await Promise.all([
    differences(
      gated,
      ...start,
      "expect_event: { type: pipehooks.join.incomplete, count: 1, metadata: { hook: build } }",
    ),
    differences(
      gated,
      ...start,
      "expect_event: { type: pipehooks.join.incomplete, metadata: { hook: other } }",
    ),
    differences(gated, ...start, "expect_event: { type: pipehooks.join.incomplete, count: 2 }"),
    differences(gated, ...start, "expect_event: { type: load.end }"),
    differences(
      gated,
      load("orders"),
      "expect_event: { type: pipehooks.join.incomplete, count: 0 }",
    ),
  ]);

  expect(found).toEqual([
    "passed",
    ["events with such metadata: at least 1 / none"],
    ["events: 2 / 1"],
    ["events: at least 1 / none"],
    "passed",
  ]);
});

test("chance repeats itself with the seed, and each test begins anew", async () => {
  const config = ops.replace("jitter: none", "jitter: full");
  const steps = [
    "answer: { hook: ops, with: [500, 500, 500] }",
    end,
    'expect: { hook: ops, at: ["+9h"] }',
  ];
  const once = testFile(...steps);
  await using place = await createPlace({
    "pipehooks.yaml": config,
    "a.test.yaml": once + once.replace("tests:\n", ""),
    "b.test.yaml": `seed: 2\n${once}`,
  });

  const runs = [await place.test(), await place.test()];

  const [first, second] = runs.map((results) => results.map(({ failure }) => failure?.differences));
  expect(first).toEqual(second);
  expect(first?.[0]).toEqual(first?.[1]);
  expect(first?.[0]).not.toEqual(first?.[2]);
});

test("start is when virtual time begins", async () => {
  await using place = await createPlace({
    "pipehooks.yaml": ops,
    "a.test.yaml": testFile(
      end,
      'expect: { hook: ops, rendered: { at: "2026-03-29T00:30:00.000Z" } }',
    ).replace("    steps:", "    start: 2026-03-29T01:30:00+01:00\n    steps:"),
  });

  expect(await place.test()).toMatchObject([{ status: "passed" }]);
});

test("a hook in code is not called: its events are what it would have been given", async () => {
  await using place = await createPlace({
    "pipehooks.config.ts": `export default {
      hooks: [
        { name: "plain", events: "pipeline.end", hook: () => { throw new Error("it was called"); } },
        {
          name: "own",
          events: "pipeline.end",
          hook: {
            deliver: () => { throw new Error("it was called"); },
            render: async ({ event }) => {
              await new Promise((resolve) => setTimeout(resolve, 30));
              return { target: "queue", body: event.pipeline };
            },
            answered: ({ status, body }) => status === 200 ? { type: "skipped", reason: String(body) } : undefined,
          },
        },
      ],
    };`,
    "a.test.yaml": `config: pipehooks.config.ts\n${testFile(
      "answer: { hook: own, with: [{ status: 200, body: nothing to do }, 500] }",
      "emit: { type: pipeline.end, pipeline: a }",
      "expect: { hook: plain, target: code, rendered: { event: { pipeline: a }, events: [{ pipeline: a }] } }",
      "expect: { hook: own, target: queue, rendered: a, state: skipped, reason: nothing to do }",
      "emit: { type: pipeline.end, pipeline: a }",
      "expect: { hook: own, state: delivered }",
    )}`,
  });

  expect(await place.test()).toMatchObject([{ status: "passed" }]);
});

const plugin = `export default [
  Object.assign((options) => ({ options }), { kind: {
    name: "bare",
    options: { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } },
    create: (options) => {
      if (options.broken) throw new Error("no certificate");
      return { deliver() { throw new Error("it was called"); } };
    },
  } }),
  Object.assign((options) => ({ options }), { kind: {
    name: "runner",
    options: { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } },
    create: () => ({
      deliver() {},
      render: () => ({ target: "runner", body: {} }),
      answered({ status }, delivery) {
        delivery.emit("run.completed", { metadata: { status } });
        return delivery.state === undefined ? { type: "pending", state: { id: 7 }, againMs: 15_000 } : undefined;
      },
    }),
  } }),
];`;

test("kinds of one's own: what they emit, what is pending, and those that cannot say what they send", async () => {
  await using place = await createPlace({
    "kinds.mjs": plugin,
    "pipehooks.yaml": `version: 1
allow_unknown_types: true
plugins: [./kinds.mjs]
hooks:
  - { name: bare, kind: bare, events: pipeline.end, retry: { attempts: 5, base: 1s, jitter: none } }
  - { name: broken, kind: bare, events: pipeline.end, retry: { attempts: 1 }, options: { broken: true } }
  - { name: runner, kind: runner, events: pipeline.end }
  - { name: after, kind: bare, events: run.completed }
`,
    "a.test.yaml": testFile(
      "answer: { hook: bare, with: [{ status: 503, headers: { retry-after: 60 } }, 408, 425, 404] }",
      "emit: { type: pipeline.end, pipeline: a }",
      "expect: { hook: runner, state: pending }",
      'expect: { hook: bare, target: bare, rendered: { event: { pipeline: a } }, state: dead, at: ["+0s", "+60s..+66s", …], attempts: 4 }',
      'expect: { hook: broken, state: dead, reason: "no certificate" }',
      "wait: 15s",
      "expect: { hook: runner, state: delivered, attempts: 1 }",
      "expect_event: { type: run.completed, count: 2, metadata: { status: 200 } }",
      "expect: { hook: after, deliveries: 2 }",
    ),
  });

  expect(await place.test()).toMatchObject([{ status: "passed" }]);
});

test("secrets that are not here are stood in for, in the form that the option takes, and never shown", async () => {
  const config = `version: 1
hooks:
  - name: ops
    kind: webhook
    events: pipeline.end
    options:
      url: "\${env:PIPEHOOKS_TEST_NO_URL}"
      headers: { Authorization: "Bearer \${env:PIPEHOOKS_TEST_NO_TOKEN}" }
      signing: { secret: "\${env:PIPEHOOKS_TEST_NO_SECRET}" }
      payload: { token: "\${file:no/such/secret}", named: "\${env:PIPEHOOKS_TEST_NO_NAME:-fallback}" }
`;
  const result = await rehearse(
    config,
    end,
    'expect: { hook: ops, rendered: { token: "[redacted]", named: fallback }, target: "POST *redacted*", headers: { authorization: "*redacted*", webhook-signature: "v1,*" } }',
  );

  expect(result).toMatchObject({ status: "passed" });
});

test("a secret among the options of a hook is shown nowhere", async () => {
  const config = `version: 1
hooks:
  - name: ops
    kind: webhook
    events: pipeline.end
    options: { url: https://ops.example.com/hook, auth: { bearer: very-secret-token }, payload: { text: "\${metadata.text}" } }
`;
  const { failure } = await rehearse(
    config,
    "emit: { type: pipeline.end, metadata: { text: very-secret-token } }",
    "expect: { hook: ops, rendered: { text: x }, headers: { authorization: Bearer very-secret-token } }",
  );

  expect(failure?.differences).toEqual([
    { what: "rendered.text", expected: '"x"', actual: '"[redacted]"' },
    {
      what: "headers.authorization",
      expected: '"Bearer [redacted]"',
      actual: '"Bearer [redacted]"',
    },
  ]);
});

test("a long time passes quickly: a year within this test's own time limit", async () => {
  const result = await rehearse(ops, end, "wait: 365d", "expect: { hook: ops }");

  expect(result).toMatchObject({ status: "passed" });
});

test("what core warns of is told with a failure", async () => {
  const config = ops.replace(/when: '.*'/, `when: 'event.metadata.rows > "5"'`);
  const { failure } = await rehearse(
    config,
    "emit: { type: pipeline.error, pipeline: prod_a, error: { message: x }, metadata: { rows: 1 } }",
    "expect: { hook: ops }",
  );

  expect(failure?.log.join()).toContain('Hook "ops": its condition failed');
});
