import {
  type AlertState,
  builtInEventTypes,
  type Delivery,
  deliveryEventTypes,
  type PipehooksEvent,
} from "@pipehooks/core";
import {
  compileLink,
  describeError,
  isWebAddress,
  type MessageOptions,
  toMessage,
} from "@pipehooks/core/messages";
import { createTestDelivery, createTestEvent } from "@pipehooks/testing";
import { describe, expect, test } from "vitest";

const own = { hook: "ops", event: "e1", event_type: "pipeline.end", delivery: "dlv_42" };
const error = { message: "no such table: raw_orders", class: "AnalysisException", code: "42P01" };
const run = { metadata: { run_id: "7" } };
const absence = {
  ...{ expect: "pipeline.end", key: "orders", deadline: "2026-01-15T06:00:00.000Z" },
  missed_at: "2026-01-15T06:00:00.000Z",
};
const join = { hook: "build", key: "2026-01-15", missing: ["orders", "stock"], came: [] };
const paused = { destination: "api.example.com:443", until: "2026-01-15T07:00:00.000Z" };

/** Type, what people read, mood and severity and tone and label, fields of the event. */
const wordings: readonly (readonly [string, string, string, Partial<PipehooksEvent>?])[] = [
  ["pipeline.start", "Pipeline orders started", "news INFO neutral INFO"],
  ["pipeline.end", "Pipeline orders finished", "good INFO good OK"],
  ["pipeline.error", "Pipeline orders failed", "problem ERROR bad ERROR", { error }],
  ["flowgroup.start", "Flowgroup ingest started in orders", "news INFO neutral INFO"],
  ["flowgroup.end", "Flowgroup ingest finished in orders", "good INFO good OK"],
  ["flowgroup.error", "Flowgroup ingest failed in orders", "problem ERROR bad ERROR", { error }],
  ["action.start", "Action load started in orders › ingest", "news INFO neutral INFO"],
  ["action.end", "Action load finished in orders › ingest", "good INFO good OK"],
  ["action.error", "Action load failed in orders › ingest", "problem ERROR bad ERROR", { error }],
  [
    "table.created",
    "Table sales.orders was created by orders",
    "good INFO good OK",
    { table: "sales.orders" },
  ],
  [
    "pipehooks.delivery.accepted",
    "Hook ops will deliver pipeline.end",
    "news INFO neutral INFO",
    { metadata: own },
  ],
  [
    "pipehooks.delivery.attempted",
    "Hook ops tried to deliver pipeline.end: retry",
    "news INFO neutral INFO",
    { metadata: { ...own, outcome: "retry" } },
  ],
  [
    "pipehooks.delivery.delivered",
    "Hook ops delivered pipeline.end",
    "good INFO good OK",
    { metadata: own },
  ],
  [
    "pipehooks.delivery.retrying",
    "Hook ops could not deliver pipeline.end yet",
    "problem WARNING warning WARNING",
    { metadata: own },
  ],
  [
    "pipehooks.delivery.pending",
    "Hook ops waits for what pipeline.end started",
    "news INFO neutral INFO",
    { metadata: own },
  ],
  [
    "pipehooks.delivery.dead",
    "Hook ops could not deliver pipeline.end",
    "problem ERROR bad ERROR",
    { metadata: own },
  ],
  [
    "pipehooks.delivery.skipped",
    "Hook ops skipped pipeline.end",
    "news INFO neutral INFO",
    { metadata: own },
  ],
  [
    "pipehooks.hook.disabled",
    "Hook ops is switched off",
    "problem ERROR bad ERROR",
    { metadata: own },
  ],
  [
    "pipehooks.hook.enabled",
    "Hook ops is switched on again",
    "resolved INFO good RESOLVED",
    { metadata: own },
  ],
  [
    "pipehooks.destination.paused",
    "Deliveries to api.example.com:443 are paused",
    "problem WARNING warning WARNING",
    { metadata: paused },
  ],
  [
    "pipehooks.gate.full",
    "The gate of hook ops is full",
    "problem ERROR bad ERROR",
    { metadata: { hook: "ops", key: null, max_keys: 100 } },
  ],
  [
    "pipehooks.absence.missed",
    "pipeline.end of orders did not come by 2026-01-15 06:00 UTC",
    "problem ERROR bad ERROR",
    { metadata: absence },
  ],
  [
    "pipehooks.absence.resolved",
    "pipeline.end of orders came after all",
    "resolved INFO good RESOLVED",
    { metadata: absence },
  ],
  [
    "pipehooks.join.incomplete",
    "Hook build waited in vain for orders, stock of 2026-01-15",
    "problem WARNING warning WARNING",
    { metadata: join },
  ],
  [
    "pipehooks.of.tomorrow",
    "pipehooks.of.tomorrow: hook ops",
    "news INFO neutral INFO",
    { metadata: own },
  ],
  ["dbt.run.completed", "dbt run 7 succeeded for orders", "good INFO good OK", run],
  ["hex.run.failed", "Hex run 7 failed for orders", "problem ERROR bad ERROR", run],
  [
    "databricks.run.cancelled",
    "Databricks run 7 was cancelled for orders",
    "problem WARNING warning WARNING",
    run,
  ],
  [
    "data.quality_check",
    "data.quality_check: sales.orders",
    "news INFO neutral INFO",
    { table: "sales.orders" },
  ],
  ["data.check.failed", "data.check.failed: orders › ingest › load", "problem ERROR bad ERROR"],
  ["data.check_failed", "data.check_failed: orders › ingest › load", "problem ERROR bad ERROR"],
];

function messageOf(
  type: string,
  fields: Partial<PipehooksEvent> = {},
  options: MessageOptions = {},
) {
  const event = createTestEvent({ type, ...fields });
  return toMessage(createTestDelivery({ event }), options);
}

const factsIn = ({ facts }: ReturnType<typeof toMessage>) =>
  facts.map(({ name, value }) => `${name}: ${value}`);

test.for(wordings)("%s reads well", ([type, title, how, fields]) => {
  const message = messageOf(type, fields);

  const { mood, severity, tone, label } = message;
  expect([message.title, message.headline]).toEqual([title, title]);
  expect([mood, severity, tone, label].join(" ")).toBe(how);
  expect(message.footer).toBe(
    `${type} 01936c4e-8a00-7000-8000-000000000001 · from /pipelines/test · hook test`,
  );
  expect(JSON.stringify(message)).not.toMatch(/undefined|null|NaN|\[object/);
});

test("every type of the catalogue has words of its own, which this file tests", () => {
  const known = [...Object.keys(builtInEventTypes), ...deliveryEventTypes];

  const worded = new Set(wordings.map(([type]) => type));

  expect(known.filter((type) => !worded.has(type))).toEqual([]);
  // Types without words are told by their names.
  expect(known.filter((type) => messageOf(type).title.includes(type))).toEqual([]);
});

test.for([...Object.keys(builtInEventTypes), ...deliveryEventTypes, "dbt.run.failed", "my.own"])(
  "%s reads well where an emitter said little",
  (type) => {
    const bare = { id: "1", source: "/x", type, time: "2026-01-15T06:30:00.000Z", metadata: {} };

    const message = toMessage(createTestDelivery({ event: bare }));

    expect(JSON.stringify(message)).not.toMatch(/undefined|null|NaN|\[object/);
    expect(`${message.title} ${message.summary}`).not.toMatch(/ {2}| of $|: $/);
  },
);

test("an event that names nothing reads well, too", () => {
  const none: object = { pipeline: undefined, flowgroup: undefined, action: undefined };
  const nameless: Partial<PipehooksEvent> = none;

  expect(messageOf("pipeline.error", nameless).headline).toBe("A pipeline failed");
  expect(messageOf("action.error", nameless).headline).toBe("An action failed");
  expect(messageOf("table.created", nameless).headline).toBe("Table (without a name) was created");
  expect(messageOf("my.own", nameless).headline).toBe("my.own");
  expect(messageOf("pipehooks.absence.missed", { ...nameless, metadata: {} }).headline).toBe(
    "What was expected did not come in time",
  );
});

test("where, when, how long and how many are told, and values of the emitter's own", () => {
  const message = messageOf("pipeline.end", {
    metadata: {
      ...{ duration: 4210, rows: 1_234_567, region: "eu", ok: true, tags: ["a", "b"] },
      ...{ none: null, deep: { a: 1 }, empty: {}, long: { text: "x".repeat(100) } },
    },
  });

  expect(factsIn(message)).toEqual([
    "Pipeline: orders",
    "Flowgroup: ingest",
    "Action: load",
    "Run: run_1",
    "Time: 2026-01-15 06:30 UTC",
    "Duration: 1 h 10 m",
    "Rows: 1,234,567",
    "region: eu",
    "ok: true",
    "tags: a, b",
    'deep: {"a":1}',
  ]);
});

test("no more values of one's own are told than asked for", () => {
  const metadata = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`k${n}`, n]));
  const ownOf = (options: MessageOptions) =>
    factsIn(messageOf("my.own", { metadata }, options)).filter((fact) => fact.startsWith("k"));

  expect(ownOf({})).toHaveLength(8);
  expect(ownOf({ mostValues: 2 })).toEqual(["k0: 0", "k1: 1"]);
});

test("times are told in the zone that is asked for; what is no time stays as it is", () => {
  const metadata = { ...absence, since: "soon", last: "2026-07-13T23:50:00.000Z" };
  const inParis = { timeZone: "Europe/Paris", seconds: true };
  const paris = messageOf("pipehooks.absence.missed", { metadata }, inParis);

  expect(paris.headline).toBe("pipeline.end of orders did not come by 2026-01-15 07:00 CET");
  expect(paris.summary).toBe("It last came 2026-07-14 01:50 CEST.");
  expect(paris.facts).toContainEqual({ name: "Time", value: "2026-01-15 07:30:00 CET" });
  expect(paris.facts).toContainEqual({ name: "Since", value: "soon" });
  expect(() => messageOf("my.own", {}, { timeZone: "Mars/Olympus" })).toThrow(RangeError);
});

describe("what went wrong", () => {
  test("is told with its class, its code and its causes, and its severity is the event's", () => {
    const message = messageOf("action.error", {
      error: {
        ...error,
        severity: "CRITICAL",
        causes: [{ class: "IOError", message: "disk full" }, { message: "no space" }],
      },
    });

    expect([message.severity, message.label]).toEqual(["CRITICAL", "CRITICAL"]);
    expect(message.error).toEqual({
      title: "AnalysisException (42P01)",
      message: "no such table: raw_orders",
      causes: ["Caused by IOError: disk full", "Caused by no space"],
    });
  });

  test("makes a problem of an event whose type says otherwise", () => {
    const howOf = (fields: Partial<PipehooksEvent>, type = "pipeline.end") => {
      const { mood, severity, label } = messageOf(type, fields);
      return [mood, severity, label];
    };

    expect(howOf({ error })).toEqual(["problem", "ERROR", "ERROR"]);
    expect(howOf({ error: { ...error, severity: "INFO" } })).toEqual(["problem", "INFO", "INFO"]);
    expect(howOf({ error }, "dbt.run.cancelled")).toEqual(["problem", "WARNING", "WARNING"]);
  });

  test.for([
    ["ValueError: bad\n    at a.ts:1", "bad", "    at a.ts:1"],
    ["ValueError: bad", "bad", undefined],
    ["ValueError: bad again\n    at a.ts:1", "bad", "ValueError: bad again\n    at a.ts:1"],
    ["File a.py\n  bad", "bad", "File a.py\n  bad"],
    ["ValueError: one\ntwo\n    at a.ts:1", "one\ntwo", "    at a.ts:1"],
  ])("the stack %j does not say %j again", ([stack = "", message = "", kept]) => {
    const event = createTestEvent({ error: { class: "ValueError", message, stack } });

    expect(describeError(event)).toEqual({
      ...{ title: "ValueError", message, causes: [] },
      ...(kept !== undefined && { stack: kept }),
    });
  });

  test("the class is not said twice", () => {
    const event = createTestEvent({
      error: {
        ...{ class: "ValueError", message: "ValueError: bad" },
        causes: [{ class: "IOError", message: "IOError: worse" }],
      },
    });

    expect(describeError(event)).toEqual({
      ...{ title: "ValueError", message: "bad", causes: ["Caused by IOError: worse"] },
    });
  });

  test("is undefined where nothing did", () => {
    expect(describeError(createTestEvent())).toBeUndefined();
    expect(describeError(createTestEvent({ metadata: { reason: "x" } }))).toBeUndefined();
  });

  test("a code alone is a title, too", () => {
    expect(describeError(createTestEvent({ error: { message: "x", code: "E1" } }))).toMatchObject({
      title: "E1",
    });
  });
});

test("a run's own message is told, with its status, how long it took and the link to it", () => {
  const message = messageOf("dbt.run.failed", {
    metadata: {
      ...{ run_id: "7", label: "Error", message: "model x failed", duration_ms: 61_000 },
      url: "https://cloud.getdbt.com/runs/7",
    },
    error: { message: "dbt job 42: run 7 failed (Error: model x failed). https://…" },
  });

  expect(message.error?.message).toBe("model x failed");
  expect(message.links).toEqual([
    { kind: "run", text: "Open the run", url: "https://cloud.getdbt.com/runs/7" },
  ]);
  expect(message.facts).toContainEqual({ name: "Status", value: "Error" });
  expect(message.facts).toContainEqual({ name: "Duration", value: "1 m 1 s" });
});

describe("links", () => {
  const urlsOf = (metadata: Record<string, string>, dashboard?: string) => {
    const options = dashboard === undefined ? {} : { dashboard: compileLink(dashboard) };
    const { links } = messageOf("my.own", { runId: "a b&c", metadata }, options);
    return links.map(({ kind, url }) => `${kind} ${url}`);
  };

  test("what is no web address makes none", () => {
    expect(urlsOf({ url: "javascript:alert(1)" })).toEqual([]);
    expect(urlsOf({ url: `https://x.example/${"a".repeat(3000)}` })).toEqual([]);
    expect(urlsOf({ url: "https://" }, "data:text/html,x")).toEqual([]);
    expect(isWebAddress("HTTPS://x.example")).toBe(true);
  });

  test.for(["run_url", "url", "job_url", "link"])("a run's address may be in %s", (name) => {
    expect(urlsOf({ [name]: "https://a.example/" })).toEqual(["run https://a.example/"]);
  });

  test("run_url comes before url", () => {
    expect(urlsOf({ url: "https://b.example/", run_url: "https://a.example/" })).toEqual([
      "run https://a.example/",
    ]);
  });

  test("the dashboard's values are encoded, but for a whole address; without them there is none", () => {
    const address = "https://d.example.com/";

    expect(urlsOf({}, `${address}\${runId}`)).toEqual([`dashboard ${address}a%20b%26c`]);
    expect(urlsOf({ board: `${address}?a=b` }, "${metadata.board}")).toEqual([
      `dashboard ${address}?a=b`,
    ]);
    expect(urlsOf({}, `${address}\${metadata.nothing}`)).toEqual([]);
    expect(urlsOf({ bad: "\ud800" }, `${address}\${metadata.bad}`)).toEqual([
      `dashboard ${address}%EF%BF%BD`,
    ]);
    expect(() => compileLink("https://d.example.com/${")).toThrow(
      expect.objectContaining({ code: "TEMPLATE_INVALID" }),
    );
  });
});

describe("what Pipehooks says of itself", () => {
  test("a dead letter says why and how to try it again", () => {
    const message = messageOf("pipehooks.delivery.dead", {
      metadata: {
        ...own,
        attempt: 12,
        code: "RECEIVER_FAILED",
        reason: "answered 503",
        status: 503,
      },
    });

    expect(message.summary).toBe("It is not tried again. To do so: pipehooks replay dlv_42");
    expect(message.error).toEqual({
      ...{ title: "RECEIVER_FAILED", message: "answered 503", causes: [] },
    });
    expect(message.facts).toContainEqual({ name: "Attempt", value: "12" });
    expect(message.facts).toContainEqual({ name: "Answer", value: "503" });
  });

  test("the reason of what is no problem is a fact, not an error", () => {
    const skipped = messageOf("pipehooks.delivery.skipped", { metadata: { ...own, reason: "r" } });
    const enabled = messageOf("pipehooks.hook.enabled", { metadata: { ...own, because: "b" } });

    expect([skipped.error, enabled.error]).toEqual([undefined, undefined]);
    expect(skipped.facts).toContainEqual({ name: "Reason", value: "r" });
    expect(enabled.facts).toContainEqual({ name: "Reason", value: "b" });
  });

  test.for([
    [
      "pipehooks.delivery.retrying",
      { next_at: "2026-01-15T07:00:00.000Z" },
      "It is tried again at 2026-01-15 07:00 UTC.",
    ],
    [
      "pipehooks.hook.disabled",
      { hook: "ops" },
      "Nothing is delivered until it is on again: pipehooks enable ops",
    ],
    ["pipehooks.destination.paused", paused, "They go on at 2026-01-15 07:00 UTC."],
    [
      "pipehooks.gate.full",
      { max_keys: 100 },
      "Events of further groups are dead letters: it remembers 100 at most.",
    ],
    ["pipehooks.absence.missed", { last: null }, "It never came before."],
    [
      "pipehooks.absence.resolved",
      { missed_at: "2026-01-15T06:00:00.000Z", came: "2026-01-15T07:00:00.000Z" },
      "It was expected by 2026-01-15 06:00 UTC and came at 2026-01-15 07:00 UTC.",
    ],
    [
      "pipehooks.join.incomplete",
      { came: ["orders"], deadline: "2026-01-15T06:00:00.000Z" },
      "What came until 2026-01-15 06:00 UTC: orders.",
    ],
    ["pipehooks.join.incomplete", { came: [] }, "What came until the deadline: nothing."],
  ] as const)("%s with %j says what it means", ([type, metadata, summary]) => {
    expect(messageOf(type, { metadata }).summary).toBe(summary);
  });

  test("what is missing says since when it is waited for, and when it last came", () => {
    const message = messageOf("pipehooks.absence.missed", {
      metadata: {
        ...{ hook: "ops", key: "orders", expect: "pipeline.end", missed: 2 },
        since: "2026-01-14T06:00:00.000Z",
        deadline: "2026-01-15T06:00:00.000Z",
        last: "2026-01-13T05:50:00.000Z",
      },
    });

    expect(message.since).toBe("2026-01-14T06:00:00.000Z");
    expect(message.summary).toBe("It last came 2026-01-13 05:50 UTC.");
    expect(message.facts).toContainEqual({ name: "Since", value: "2026-01-14 06:00 UTC" });
    expect(message.facts).toContainEqual({ name: "Missed in a row", value: "2" });
  });
});

describe("what gates let through", () => {
  const failure = (id: string, fields: Partial<PipehooksEvent> = {}) =>
    createTestEvent({ id, type: "pipeline.error", error, ...fields });
  const success = createTestEvent({ id: "e2", time: "2026-01-15T06:30:00.000Z" });
  const gate = { reason: "30s without an event", restIds: [] };
  const alert = (state: AlertState["state"], count = 3): AlertState => ({
    ...{ state, count, key: "orders", incident: "i1" },
    since: "2026-01-15T04:30:00.000Z",
  });
  const told = (fields: Partial<Delivery>, options: MessageOptions = {}) =>
    toMessage(createTestDelivery({ key: "orders", gate, ...fields }), options);

  test("an incident is told with its failures and since when it lasts", () => {
    const message = told({ event: failure("e1"), alert: alert("opened", 1) });

    expect(message).toMatchObject({
      ...{ label: "ERROR", headline: "Pipeline orders failed", title: "Pipeline orders failed" },
      summary: "1 failure of orders since 2026-01-15 04:30 UTC.",
      mood: "problem",
      state: "opened",
      since: "2026-01-15T04:30:00.000Z",
    });
    expect(message.standing).toBeUndefined();
    expect(message.footer).toMatch(/ · hook test · incident i1$/);
  });

  test("a reminder says that it is still open, and for how long by its own time", () => {
    const reminder = { event: failure("e1"), alert: alert("reminder") };

    expect(told({ ...reminder, since: Date.parse("2026-01-15T10:30:00.000Z") })).toMatchObject({
      label: "STILL ERROR",
      standing: "Still open after 6 h",
      title: "Pipeline orders failed",
      headline: "Still open after 6 h: Pipeline orders failed",
      summary: "3 failures of orders since 2026-01-15 04:30 UTC.",
      error: { message: "no such table: raw_orders" },
    });
    expect(told(reminder).standing).toBe("Still open after 2 h");
  });

  test("its end says how long it lasted and what it was, and is no problem any more", () => {
    const message = told({ events: [failure("e1"), success], alert: alert("resolved") });

    expect(message).toMatchObject({
      label: "RESOLVED",
      standing: "Resolved after 2 h",
      title: "Pipeline orders finished",
      headline: "Resolved after 2 h: Pipeline orders finished",
      ...{ mood: "resolved", tone: "good", severity: "INFO" },
      error: {
        title: "Last failure: AnalysisException (42P01)",
        message: "no such table: raw_orders",
      },
    });
    expect([message.rows, message.moreRows]).toEqual([[], 0]);
  });

  test("what opens an incident is a problem whatever its type, and as grave as its gravest event", () => {
    const events = [
      failure("e1", { error: { message: "x", severity: "CRITICAL" } }),
      createTestEvent({ id: "e2" }),
    ];

    expect(told({ event: createTestEvent(), alert: alert("opened") })).toMatchObject({
      mood: "problem",
      severity: "ERROR",
    });
    expect(told({ events, alert: alert("opened") }).severity).toBe("CRITICAL");
  });

  test("the failures of an incident that goes on are told one by one, too", () => {
    const events = [failure("e1"), failure("e2", { error: { message: "again\nand again" } })];

    const message = told({ events, count: 5, alert: alert("opened", 5) });

    expect(message).toMatchObject({
      headline: "Pipeline orders failed",
      error: { message: "again\nand again" },
      rows: [{ error: "no such table: raw_orders" }, { error: "again" }],
      moreRows: 3,
    });
  });

  test("events that are alike are told once, with how often they came", () => {
    const events = [1, 2, 3].map((n) => failure(`e${n}`));

    expect(told({ events, count: 3 })).toMatchObject({
      headline: "Pipeline orders failed (3 times)",
      summary: "Told now: 30s without an event.",
    });
  });

  test("a single event says what it means and why it is told now", () => {
    const event = createTestEvent({ type: "pipehooks.delivery.dead", metadata: own });

    expect(told({ event }).summary).toBe(
      "Told now: 30s without an event. It is not tried again. To do so: pipehooks replay dlv_42",
    );
  });

  test("a digest counts by what happened and lists failures first", () => {
    const events = [
      ...[1, 2].map((n) =>
        createTestEvent({ id: `e${n}`, pipeline: `p${n}`, time: `2026-01-15T06:3${n}:00.000Z` }),
      ),
      failure("e3", { pipeline: "p3" }),
      createTestEvent({ id: "e4", type: "data.quality_check" }),
      createTestEvent({ id: "e5", type: "dbt.run.failed", metadata: { run_id: "9" } }),
    ];

    const message = told({ events, count: 5, key: null });

    expect(message.headline).toBe(
      "5 events: 1 pipeline failed, 1 dbt run failed, 2 pipelines finished, 1 × data.quality_check",
    );
    const at = (minute: number) => `2026-01-15 06:${minute} UTC`;
    const bad = { tone: "bad", label: "ERROR" };
    const good = { tone: "good", label: "OK" };
    expect(message.rows).toEqual([
      { time: at(30), ...bad, text: "Pipeline p3 failed", error: "no such table: raw_orders" },
      { time: at(30), ...bad, text: "dbt run 9 failed for orders" },
      { time: at(31), ...good, text: "Pipeline p1 finished" },
      { time: at(32), ...good, text: "Pipeline p2 finished" },
      {
        ...{ time: at(30), tone: "neutral", label: "INFO" },
        text: "data.quality_check: orders › ingest › load",
      },
    ]);
    expect(message).toMatchObject({ mood: "problem", severity: "ERROR", moreRows: 0, count: 5 });
    expect(message.footer).toMatch(/^dbt\.run\.failed e5, the last of 5 events · /);
  });

  test("of many events the first ones are listed, the others counted, and their group named", () => {
    const events = Array.from({ length: 30 }, (_, n) => failure(`e${n}`, { pipeline: `p${n}` }));

    const message = told({ events, count: 1_200, key: "night" });

    expect(message.headline).toBe("1,200 events of night: 30 pipelines failed, and 1,170 more");
    expect([message.rows.length, message.moreRows]).toEqual([10, 1_190]);
    expect(told({ events, count: 1_200 }, { mostRows: 25 })).toMatchObject({
      ...{ rows: { length: 25 }, moreRows: 1_175 },
    });
  });

  test("what a delivery does not carry is not told of as if it were alike, nor as good news", () => {
    const events = [1, 2].map((n) => createTestEvent({ id: `e${n}` }));

    expect(told({ events, count: 2 })).toMatchObject({ mood: "good", tone: "good" });
    expect(told({ events, count: 5, key: null })).toMatchObject({
      headline: "5 events: 2 pipelines finished, and 3 more",
      mood: "news",
      tone: "neutral",
    });
  });

  test("several events have their group and their first and last time in common", () => {
    const events = [failure("e1"), failure("e2", { time: "2026-01-15T07:00:00.000Z" })];

    expect(factsIn(told({ events, count: 2 }))).toEqual([
      "Group: orders",
      "First: 2026-01-15 06:30 UTC",
      "Last: 2026-01-15 07:00 UTC",
    ]);
    expect(told({ events, count: 2 }, { seconds: true }).rows).toMatchObject([
      { time: "2026-01-15 06:30:00 UTC" },
      { time: "2026-01-15 07:00:00 UTC" },
    ]);
    expect(factsIn(told({ events: events.slice(0, 1), count: 2 }))).toEqual([
      "Group: orders",
      "Time: 2026-01-15 06:30 UTC",
    ]);
  });

  test("a join says what has come, or what is missing", () => {
    const inputs = {
      orders: { count: 2, firstAt: 0, lastAt: 1 },
      customers: { count: 1, firstAt: 0, lastAt: 1 },
    };
    const complete = told({ key: "2026-01-15", gate: { ...gate, inputs } });
    const partial = told({ gate: { ...gate, inputs, missing: ["prices"] } });

    expect(complete).toMatchObject({
      headline: "All has come for 2026-01-15: orders, customers",
      mood: "good",
    });
    expect(complete.facts).toContainEqual({ name: "orders", value: "2 came" });
    expect(partial).toMatchObject({
      headline: "Not all has come for orders: prices missing",
      mood: "problem",
      severity: "WARNING",
    });
  });
});
