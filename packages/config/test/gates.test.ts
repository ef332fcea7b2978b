import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "@pipehooks/config";
import { expect, test } from "vitest";
import { type Emitted, runGate } from "./gate-run.ts";
import { folderWith, loadText, withGate } from "./workspace.ts";

const orders = { pipeline: "orders" };
const customers = { pipeline: "customers" };
const failed = { ...orders, error: { message: "no rows" } };
const end = (at: number, fields = {}): Emitted => [at, "pipeline.end", fields];
const hour = 3600;
// 2026-01-01 is a Thursday.
const friday = 24 * hour;

interface Case {
  /** The key that takes effect. */
  readonly key: string;
  readonly hook: string;
  /** Another hook. */
  readonly more?: string;
  readonly emit?: readonly Emitted[];
  readonly until: number;
  readonly delivered: readonly string[];
  readonly others?: readonly string[];
}

const input = (name: string, pipeline: string, more = "") =>
  `{ name: ${name}, events: "pipeline.{end,error}", when: event.pipeline == "${pipeline}"${more} }`;
const both = `all_of: [${input("a", "orders")}, ${input("b", "customers")}]`;

const cases: readonly Case[] = [
  {
    key: "debounce.wait",
    hook: "debounce: { wait: 30s }",
    emit: [end(0), end(20), end(60)],
    until: 100,
    delivered: ["50s -: 1 2", "90s -: 3"],
  },
  {
    key: "debounce.by, a path",
    hook: "debounce: { by: pipeline, wait: 2m }",
    emit: [end(0, orders), end(60, customers), end(61, customers)],
    until: 300,
    delivered: ["120s orders: 1", "181s customers: 2 3"],
  },
  {
    key: "debounce.by, an expression",
    hook: `debounce: { by: 'event.pipeline.startsWith("o")', wait: 2m }`,
    emit: [end(0, orders), end(60, customers)],
    until: 300,
    delivered: ["120s true: 1", "180s false: 2"],
  },
  {
    key: "debounce.by, several",
    hook: "debounce: { by: [pipeline, metadata.day], wait: 2m }",
    emit: [end(0, { ...orders, metadata: { day: 1 } }), end(60, orders)],
    until: 300,
    delivered: ['120s ["orders",1]: 1', '180s ["orders",null]: 2'],
  },
  {
    key: "debounce.max_wait",
    hook: "debounce: { wait: 30s, max_wait: 45s }",
    emit: [end(0), end(20), end(40)],
    until: 100,
    delivered: ["45s -: 1 2 3"],
  },
  {
    key: "debounce.leading",
    hook: "debounce: { wait: 30s, leading: true }",
    emit: [end(0), end(20)],
    until: 100,
    delivered: ["0s -: 1", "50s -: 2"],
  },
  {
    key: "digest.every",
    hook: "digest: { every: 5m }",
    emit: [end(0), end(200), end(310)],
    until: 700,
    delivered: ["300s -: 1 2", "610s -: 3"],
  },
  {
    key: "digest.cron",
    hook: 'digest: { cron: "0 2 * * *" }',
    emit: [end(0), end(200)],
    until: 3 * hour,
    delivered: [`${2 * hour}s -: 1 2`],
  },
  {
    key: "digest.time_zone",
    hook: 'digest: { cron: "0 2 * * *", time_zone: Europe/Paris }',
    emit: [end(0)],
    until: 3 * hour,
    delivered: [`${hour}s -: 1`],
  },
  {
    key: "digest.max",
    hook: "digest: { every: 5m, max: 2 }",
    emit: [end(0), end(1), end(2)],
    until: 700,
    delivered: ["1s -: 1 2", "302s -: 3"],
  },
  {
    key: "digest.flush_when",
    hook: "digest: { every: 5m, flush_when: has(event.error) }",
    emit: [end(0), [1, "pipeline.error", failed], end(2)],
    until: 700,
    delivered: ["1s -: 1 2", "302s -: 3"],
  },
  {
    key: "join.all_of",
    hook: `join: { ${both} }`,
    emit: [end(0, orders), end(1, orders), end(hour, customers), end(hour + 1, orders)],
    until: 2 * hour,
    delivered: ["3600s -: 1 2 3"],
    others: ["gathering 4: "],
  },
  {
    key: "join.any_of",
    hook: `join: { any_of: [${input("a", "orders")}, ${input("b", "customers")}] }`,
    emit: [end(0, orders), end(1, customers)],
    until: 10,
    delivered: ["0s -: 1", "1s -: 2"],
  },
  {
    key: "join.at_least",
    hook: `join: { any_of: [${input("a", "orders")}, ${input("b", "customers")}], at_least: 2 }`,
    emit: [end(0, orders), end(1, customers)],
    until: 10,
    delivered: ["1s -: 1 2"],
  },
  {
    key: "join.within and join.on_deadline: drop",
    hook: `join: { ${both}, within: 60m }`,
    emit: [end(0, orders)],
    until: 7200,
    delivered: [],
    others: ["skipped 1: not complete 1 h after its first event; missing: b"],
  },
  {
    key: "join.on_deadline: fire_partial",
    hook: `join: { ${both}, within: 60m, on_deadline: fire_partial }`,
    emit: [end(0, orders)],
    until: 7200,
    delivered: ["3600s -: 1"],
  },
  {
    key: "join.on_deadline: emit",
    hook: `join: { ${both}, within: 60m, on_deadline: emit }`,
    more: `  - name: incomplete
    kind: recorder
    events: pipehooks.join.incomplete
    options: { output_file: x }
`,
    emit: [end(0, orders)],
    until: 7200,
    delivered: ["3600s -: pipehooks.join.incomplete"],
    others: ["skipped 1: not complete 1 h after its first event; missing: b"],
  },
  {
    key: "join.late: drop",
    hook: `join: { ${both}, within: 60m, late: drop }`,
    emit: [end(0, orders), end(3601, customers), end(3602, orders), end(3603, customers)],
    until: 3700,
    delivered: ["3603s -: 3 4"],
    others: [
      "skipped 1: not complete 1 h after its first event; missing: b",
      "skipped 2: came late: b was missing when the window ended at 2026-01-01T01:00:00.000Z",
    ],
  },
  {
    key: "join.baseline: ever",
    hook: `join: { ${both}, baseline: ever }`,
    emit: [end(0, orders), end(1, customers), end(2, orders)],
    until: 10,
    delivered: ["1s -: 1 2", "2s -: 3"],
  },
  {
    key: "join.on_failed_input: wait",
    hook: `join: { ${both} }`,
    emit: [end(0, customers), [1, "pipeline.error", failed], end(2, orders)],
    until: 10,
    delivered: ["2s -: 1 2 3"],
  },
  {
    key: "join.on_failed_input: cancel",
    hook: `join: { ${both}, on_failed_input: cancel }`,
    emit: [end(0, customers), [1, "pipeline.error", failed], end(2, orders)],
    until: 10,
    delivered: [],
    others: [
      "skipped 1: input a failed; the join starts over",
      "skipped 2: input a failed; the join starts over",
      "gathering 3: ",
    ],
  },
  {
    key: "join.on_failed_input: fire, and join.fail_when",
    hook: `join: { ${both}, on_failed_input: fire, fail_when: event.metadata.rows == 0 }`,
    emit: [end(0, customers), end(1, { ...orders, metadata: { rows: 0 } })],
    until: 10,
    delivered: ["1s -: 1 2"],
  },
  {
    key: "threshold.count and threshold.within",
    hook: "threshold: { count: 2, within: 10m }",
    emit: [end(0), end(601), end(700), end(701)],
    until: 800,
    delivered: ["700s -: 2 3"],
    others: [
      "skipped 1: 1 of 2 within 10 m",
      "skipped 4: fired at 2026-01-01T00:11:40.000Z, not again until it is reset or 10 m bring no event",
    ],
  },
  {
    key: "threshold.distinct",
    hook: "threshold: { count: 2, within: 10m, distinct: pipeline }",
    emit: [end(0, orders), end(1, orders), end(2, customers)],
    until: 10,
    delivered: ["2s -: 1 2 3"],
  },
  {
    key: "threshold.reset_on",
    hook: `events: pipeline.error
threshold: { count: 2, within: 10m, reset_on: pipeline.end }`,
    emit: [[0, "pipeline.error", failed], end(1), [2, "pipeline.error", failed]],
    until: 10,
    delivered: [],
    others: [
      "skipped 1: reset before there were enough",
      "skipped 2: resets the gate",
      "gathering 3: ",
    ],
  },
  {
    key: "absence.expect and absence.after",
    hook: "absence: { expect: pipeline.end, after: { events: pipeline.start, within: 1h } }",
    emit: [[0, "pipeline.start", orders]],
    until: 4000,
    delivered: ["3600s -: pipehooks.absence.missed"],
    others: ["skipped 1: starts the wait for pipeline.end until 2026-01-01T01:00:00.000Z"],
  },
  {
    key: "absence.when",
    hook: "absence: { expect: pipeline.end, when: event.metadata.rows > 0, every: 1h }",
    emit: [end(1800, { metadata: { rows: 1 } }), end(3000, { metadata: { rows: 0 } })],
    until: 6000,
    delivered: ["5400s -: pipehooks.absence.missed"],
  },
  {
    key: "absence.at",
    hook: 'absence: { expect: pipeline.end, at: "02:00" }',
    until: 3 * hour,
    delivered: [`${2 * hour}s -: pipehooks.absence.missed`],
  },
  {
    key: "absence.time_zone",
    hook: 'absence: { expect: pipeline.end, at: "02:00", time_zone: Europe/Paris }',
    until: 3 * hour,
    delivered: [`${hour}s -: pipehooks.absence.missed`],
  },
  {
    key: "absence.days",
    hook: 'absence: { expect: pipeline.end, at: "00:30", days: fri-sun }',
    until: friday + hour,
    delivered: [`${friday + hour / 2}s -: pipehooks.absence.missed`],
  },
  {
    key: "absence.every",
    hook: "absence: { expect: pipeline.end, every: 1h }",
    emit: [end(1800)],
    until: 10_000,
    delivered: ["5400s -: pipehooks.absence.missed"],
  },
  {
    key: "absence.grace",
    hook: "absence: { expect: pipeline.end, every: 1h, grace: 10m }",
    until: 10_000,
    delivered: ["4200s -: pipehooks.absence.missed"],
  },
  {
    key: "absence.by and absence.for",
    hook: "absence: { expect: pipeline.end, every: 1h, by: pipeline, for: [orders, customers] }",
    emit: [end(1800, customers), end(1801, { pipeline: "other" })],
    until: 4000,
    delivered: ["3600s orders: pipehooks.absence.missed"],
  },
  {
    key: "absence.forget_after",
    hook: "absence: { expect: pipeline.end, every: 1h, by: pipeline, forget_after: 30m }",
    emit: [end(0, orders), end(2 * hour, orders)],
    until: 2 * hour,
    delivered: ["3600s orders: pipehooks.absence.missed"],
    others: [
      "skipped 1: came in time; next expected by 2026-01-01T01:00:00.000Z",
      // Not late: by then nothing was expected any more.
      "skipped 2: came in time; next expected by 2026-01-01T03:00:00.000Z",
    ],
  },
  {
    key: "alert.resolve_on, and failures where open_when is left out",
    hook: `events: pipeline.error
alert: { by: pipeline, resolve_on: pipeline.end }`,
    emit: [end(0, orders), [1, "pipeline.error", failed], end(2, orders)],
    until: 10,
    delivered: ["1s orders opened: 2", "2s orders resolved: 3"],
    others: ["skipped 1: no incident is open"],
  },
  {
    key: "alert.open_when",
    hook: `events: pipeline.end
alert: { open_when: event.metadata.rows == 0, resolve_on: pipeline.start }`,
    emit: [end(0, { metadata: { rows: 5 } }), end(1, { metadata: { rows: 0 } })],
    until: 10,
    delivered: ["1s - opened: 2"],
    others: ["skipped 1: neither opens nor resolves"],
  },
  {
    key: "alert.confirm_for",
    hook: `events: pipeline.error
alert: { resolve_on: pipeline.end, confirm_for: 5m }`,
    emit: [[0, "pipeline.error", failed], end(60), [120, "pipeline.error", failed]],
    until: 600,
    delivered: ["420s - opened: 3"],
  },
  {
    key: "alert.remind",
    hook: `events: pipeline.error
alert: { resolve_on: pipeline.end, remind: [1h, 3h] }`,
    emit: [[0, "pipeline.error", failed]],
    until: 8 * hour,
    delivered: ["0s - opened: 1", "3600s - reminder: 1", "10800s - reminder: 1"],
  },
  {
    key: "alert.max_reminders",
    hook: `events: pipeline.error
alert: { resolve_on: pipeline.end, remind: [1h], max_reminders: 2 }`,
    emit: [[0, "pipeline.error", failed]],
    until: 4 * hour,
    delivered: ["0s - opened: 1", "3600s - reminder: 1", "7200s - reminder: 1"],
  },
  {
    key: "max_events",
    hook: "digest: { every: 5m, max_events: 3 }",
    emit: [end(0), end(1), end(2), end(3), end(4)],
    until: 700,
    delivered: ["300s -: 1 2 5"],
  },
  {
    key: "max_keys",
    hook: "debounce: { by: pipeline, wait: 30s, max_keys: 1 }",
    emit: [end(0, orders), end(1, customers)],
    until: 100,
    delivered: ["30s orders: 1"],
    others: [expect.stringMatching(/^dead 2: .*1 keys, the most that max_keys allows/)],
  },
];

test.for(cases)("$key takes effect", async ({ hook, more = "", emit = [], until, ...expected }) => {
  const { delivered, others } = expected;
  const loaded = await loadText(`${withGate(hook)}${more}`);

  const run = await runGate(loaded, { emit, until });

  expect(run.delivered).toEqual(delivered);
  if (others !== undefined) expect(run.others).toEqual(others);
});

test("a value from outside may be any of them", async () => {
  const hook = "threshold: { count: '${env:COUNT}', within: '${env:WITHIN}', by: '${env:BY}' }";

  const { options } = await loadText(withGate(hook), {
    env: { COUNT: "3", WITHIN: "10m", BY: "pipeline" },
  });

  expect(options.hooks).toMatchObject([{ threshold: { count: 3, within: "10m", by: "pipeline" } }]);
  expect(options.secrets).toEqual([]);
});

test("templates read what came together, and what the gate says of it", async () => {
  const folder = folderWith({});
  const out = join(folder, "out.ndjson");
  const loaded = await loadText(
    withGate(
      `join: { ${both}, by: metadata.date, within: 1h, on_deadline: fire_partial }`,
      `line:
  text: "\${count} for \${key}: \${first.pipeline} to \${last.metadata.rows} (\${events.0.type})"
  because: "\${gate.reason}"
  missing: "\${gate.missing}"
  came: "\${gate.inputs.a.count}"
  types: "\${group_summary.types}"
  rows: "\${metadata.rows}"`,
    ).replace("out.ndjson", out),
  );
  const metadata = { date: "2026-01-01", rows: 5 };

  await runGate(
    loaded,
    { emit: [end(0, { ...orders, metadata }), end(1, { ...orders, metadata })], until: 2 * hour },
    "as configured",
  );

  expect(JSON.parse(readFileSync(out, "utf8"))).toEqual({
    text: "2 for 2026-01-01: orders to 5 (pipeline.end)",
    because: "not complete 1 h after its first event; missing: b",
    missing: ["b"],
    came: 2,
    types: { "pipeline.end": 2 },
    rows: 5,
  });
});

test("templates of an alert read the incident, those of an absence what was missed", async () => {
  const folder = folderWith({});
  const out = join(folder, "out.ndjson");
  const alert = withGate(
    "events: pipeline.error\nalert: { by: pipeline, resolve_on: pipeline.end }",
    'line: "${alert.state} ${alert.key} ${alert.count} ${alert.since}"',
  );
  const absence = withGate(
    "absence: { expect: pipeline.end, every: 1h, by: pipeline, for: [orders] }",
    'line: "${pipeline} ${metadata.expect} ${metadata.deadline} ${last.metadata.missed}"',
  );

  for (const text of [alert, absence]) {
    const loaded = await loadText(text.replace("out.ndjson", out));
    await runGate(loaded, { emit: [[0, "pipeline.error", failed]], until: hour }, "as configured");
  }

  expect(readFileSync(out, "utf8").trimEnd().split("\n")).toEqual([
    '"opened orders 1 2026-01-01T00:00:00.000Z"',
    '"orders pipeline.end 2026-01-01T01:00:00.000Z 1"',
  ]);
});

test("a file in code takes the same in camelCase, with functions and milliseconds", async () => {
  const folder = folderWith({
    "pipehooks.config.ts": `export default {
  hooks: [
    {
      name: "day",
      hook: () => {},
      join: {
        allOf: ["orders", "customers"].map((name) => ({
          name,
          events: "pipeline.end",
          when: ({ pipeline }) => pipeline === name,
        })),
        by: ({ metadata }) => metadata.date,
        within: 60_000,
        onDeadline: "fire_partial",
      },
    },
  ],
};
`,
  });
  const loaded = await loadConfig({ cwd: folder });
  const on = (date: number) => ({ metadata: { date } });

  const run = await runGate(loaded, {
    emit: [
      end(0, { ...orders, ...on(1) }),
      end(1, { ...customers, ...on(2) }),
      end(2, { ...customers, ...on(1) }),
    ],
    until: 100,
  });

  expect(run.delivered).toEqual(["2s 1: 1 3", "61s 2: 2"]);
});
