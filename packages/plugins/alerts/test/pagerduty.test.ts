import { inspect } from "node:util";
import { pagerduty } from "@pipehooks/alerts";
import type { JsonObject } from "@pipehooks/core";
import {
  createHttpReceiver,
  createPagerDutyReceiver,
  createTestEvent,
  openHook,
  type PagerDutyReceiver,
} from "@pipehooks/testing";
import { expect, test } from "vitest";
import { deliver, deliverOnce, failure, failureOf, incident, rendered, tells } from "./bench.ts";

const key = "0123456789abcdef0123456789ABCDEF";
const optionsOf = ({ url, routingKey }: PagerDutyReceiver) => ({
  ...{ routingKey, apiUrl: url, allowPrivate: true },
});
const bodyOf = (options: object = {}, fields = {}) =>
  rendered(pagerduty, { routingKey: key, ...options }, fields);

test("a failure is an alert with everything that helps", async () => {
  await using receiver = await createPagerDutyReceiver();
  await deliverOnce(pagerduty, optionsOf(receiver));

  const [alert] = receiver.alerts;
  expect(alert?.events).toMatchObject([
    {
      event_action: "trigger",
      dedup_key: "whk_test_1",
      client: "Pipehooks",
      links: [{ href: "https://runs.example.com/7?a=1&b=2", text: "Open the run" }],
      payload: {
        summary: "Pipeline orders failed",
        source: "orders",
        severity: "critical",
        timestamp: "2026-01-15T06:30:00.000Z",
        component: "load",
        group: "ingest",
        class: "pipeline.error",
        custom_details: {
          Pipeline: "orders",
          Error: "no such table: raw_orders",
          Class: "AnalysisException",
          Stack: expect.stringContaining("orders.py:12"),
        },
      },
    },
  ]);
});

test("an attempt that is tried again after its effect does not open a second alert", async () => {
  await using receiver = await createPagerDutyReceiver();
  await using opened = await openHook(pagerduty, optionsOf(receiver));
  using _fault = receiver.fault({ answer: "cut", effect: true, times: 1 });

  const error = await failureOf(opened);
  await deliver(opened, { attempt: 2 });

  expect(error).toMatchObject({ retryable: true });
  expect(receiver.alerts).toMatchObject([{ state: "triggered", events: { length: 2 } }]);
});

test("an incident is one alert, which its end resolves; the next one is another", async () => {
  await using receiver = await createPagerDutyReceiver();
  await using opened = await openHook(pagerduty, optionsOf(receiver));
  for (const state of ["opened", "reminder", "resolved"] as const) {
    await deliver(opened, incident(state));
  }
  const { alert, ...rest } = incident("opened");
  await deliver(opened, { ...rest, ...(alert && { alert: { ...alert, incident: "i2" } }) });

  expect(receiver.alerts.map(({ state, events }) => [state, events.length])).toEqual([
    ["resolved", 3],
    ["triggered", 1],
  ]);
  expect(receiver.alerts[0]?.dedupKey).toBe("pipehooks test orders i1");
  expect(receiver.alerts[0]?.events[2]).toEqual({
    routing_key: receiver.routingKey,
    event_action: "resolve",
    dedup_key: "pipehooks test orders i1",
  });
});

test("a key that is too long is replaced by its hash, not cut", async () => {
  const keys = ["a", "b"].map(async (end) => {
    const { alert, ...rest } = incident("opened");
    const long = `${"k".repeat(400)}${end}`;
    const body = await bodyOf({}, { ...rest, ...(alert && { alert: { ...alert, key: long } }) });
    return body.dedup_key;
  });
  const [first, second] = await Promise.all(keys);

  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect(first).not.toBe(second);
});

test("every template of the options takes effect", async () => {
  const body = await bodyOf({
    dedupKey: "${pipeline}/${runId}",
    summary: "${pipeline}!",
    source: "s ${pipeline}",
    component: "c ${action}",
    group: "g ${flowgroup}",
    class: "k ${type}",
    customDetails: { rows: "${metadata.duration}", deep: { all: ["${id}"] } },
    links: [{ href: "https://wiki.example.com/${pipeline}", text: "Runbook" }],
    images: [
      { src: "https://img.example.com/${pipeline}.png", href: "https://x.example", alt: "a" },
    ],
    client: "Data platform",
    clientUrl: "https://c.example.com/${runId}",
  });

  expect(body).toMatchObject({
    dedup_key: "orders/run_1",
    client: "Data platform",
    client_url: "https://c.example.com/run_1",
    links: [{ text: "Open the run" }, { href: "https://wiki.example.com/orders", text: "Runbook" }],
    images: [{ src: "https://img.example.com/orders.png", href: "https://x.example", alt: "a" }],
    payload: {
      ...{ summary: "orders!", source: "s orders", component: "c load", group: "g ingest" },
      class: "k pipeline.error",
      custom_details: { rows: 12.5, deep: { all: ["01936c4e-8a00-7000-8000-000000000001"] } },
    },
  });
});

test("the dashboard is the client's address, and a link", async () => {
  expect(await bodyOf({ dashboardUrl: "https://d.example.com/${runId}" })).toMatchObject({
    client_url: "https://d.example.com/run_1",
    links: [{}, { href: "https://d.example.com/run_1", text: "Open the dashboard" }],
  });
});

test.for([
  [undefined, "critical", "info"],
  ["warning", "warning", "warning"],
  [{ critical: "error" }, "error", "info"],
] as const)("severity %j makes %s and %s", async ([severity, failed, ended]) => {
  const severityOf = async (fields = {}) =>
    ((await bodyOf({ severity }, fields)).payload as JsonObject).severity;

  expect(await severityOf()).toBe(failed);
  expect(await severityOf({ event: createTestEvent() })).toBe(ended);
});

test("an image that is not at https, and a link that is none, are left out and logged", async () => {
  await using receiver = await createPagerDutyReceiver();
  const logs = await deliverOnce(pagerduty, {
    ...optionsOf(receiver),
    images: [{ src: "http://img.example.com/a.png" }],
    links: [{ href: "nowhere" }],
  });

  expect(receiver.alerts).toHaveLength(1);
  expect(receiver.alerts[0]?.events[0]).not.toHaveProperty("images");
  expect(logs.join()).toContain("an image that is not at an https address left out");
  expect(logs.join()).toContain("a link that is no web address left out");
});

test("an event that is too large loses its custom details before anything else", async () => {
  await using receiver = await createPagerDutyReceiver();
  const logs = await deliverOnce(pagerduty, {
    ...optionsOf(receiver),
    summary: "s".repeat(2_000),
    customDetails: { all: "x".repeat(600_000) },
    links: [{ href: "https://wiki.example.com/" }],
  });

  const [event] = receiver.alerts[0]?.events ?? [];
  expect(event?.payload).toMatchObject({ summary: `${"s".repeat(1_023)}…` });
  expect(event?.payload).not.toHaveProperty("custom_details");
  expect(event?.links).toHaveLength(2);
  expect(logs.join()).toContain("summary from 2,000 to 1,024 characters; custom details left out");
});

test("metadata that is named like something else of the alert hides nothing, and is not hidden", async () => {
  const metadata = { Run: "x", "Run (2)": "y", Event: "order placed", Error: "E42" };
  const event = createTestEvent({ ...failure, runId: "run_9", metadata });

  const { payload } = await bodyOf({}, { event });

  expect((payload as JsonObject).custom_details).toMatchObject({
    ...{ Run: "run_9", "Run (2)": "x", "Run (2) (2)": "y" },
    ...{ Event: expect.stringContaining("pipeline.error"), "Event (2)": "order placed" },
    ...{ Error: "no such table: raw_orders", "Error (2)": "E42" },
  });
});

test("change events call nobody and have neither action nor severity", async () => {
  await using receiver = await createPagerDutyReceiver();
  const options = { ...optionsOf(receiver), changeEvents: true };
  await deliverOnce(pagerduty, options, { event: createTestEvent() });

  expect(receiver.alerts).toEqual([]);
  expect(receiver.changes).toEqual([
    {
      routing_key: receiver.routingKey,
      payload: {
        summary: "Pipeline orders finished",
        source: "orders",
        timestamp: "2026-01-15T06:30:00.000Z",
        custom_details: expect.objectContaining({ Rows: "1,250" }),
      },
    },
  ]);
});

test("without a Retry-After an overload waits for half a minute, with one as long as it says", async () => {
  await using receiver = await createPagerDutyReceiver({ eventsPerMinute: 1 });
  await using opened = await openHook(pagerduty, optionsOf(receiver));
  await deliver(opened);
  const usual = await failureOf(opened);
  using _fault = receiver.fault({ answer: 429, retryAfter: "7" });

  expect(usual).toMatchObject({ retryable: true, scope: "destination", retryAfterMs: 30_000 });
  expect(await failureOf(opened)).toMatchObject({ retryAfterMs: 7_000 });
});

test("400 is permanent and passes on what is wrong", async () => {
  await using receiver = await createPagerDutyReceiver();
  await using opened = await openHook(pagerduty, {
    ...optionsOf(receiver),
    routingKey: key.replace("0", "z"),
  });

  const error = await failureOf(opened);

  expect(error).toMatchObject({ code: "RECEIVER_REFUSED", retryable: false });
  expect(String(error)).toContain("Invalid routing key) to event");
  expect(String(error)).toContain('Check "routingKey"');
});

test("the key is in nothing that comes out, whatever is answered", async () => {
  const seen: unknown[] = [];
  const respond = ({ text, path }: { text: string; path: string }, index: number) => ({
    status: [200, 202, 400, 429, 503][index] ?? 200,
    body: JSON.stringify({ status: "no", message: text, errors: [path, text] }),
  });
  await using receiver = await createHttpReceiver({ respond });
  const options = { routingKey: key, apiUrl: receiver.url, allowPrivate: true };
  await using opened = await openHook(pagerduty, options);
  for (let times = 0; times < 5; times += 1) seen.push(await failureOf(opened));
  seen.push(await bodyOf(), opened.logs);

  expect(opened.secrets).toEqual([key]);
  expect(tells(inspect(seen, { depth: 12, maxStringLength: null }), key)).toBe(false);
  expect((await bodyOf()).routing_key).toBe("[redacted]");
});

test.for([
  [{}, "https://events.pagerduty.com/v2/enqueue"],
  [{ region: "eu" }, "https://events.eu.pagerduty.com/v2/enqueue"],
  [{ changeEvents: true }, "https://events.pagerduty.com/v2/change/enqueue"],
  [{ apiUrl: "https://proxy.example.com/pd/" }, "https://proxy.example.com/pd/v2/enqueue"],
] as const)("%j goes to %s", async ([options, url]) => {
  await using opened = await openHook(pagerduty, { routingKey: key, ...options });
  const { createTestDelivery } = await import("@pipehooks/testing");

  const sent = await opened.hook.render?.(createTestDelivery());

  expect(sent?.target).toBe(`POST ${url}`);
  expect(opened.destination).toMatch(/^[\w.-]+#[0-9a-f]{8}$/);
});

test("check reaches the host and sends no event", async () => {
  await using receiver = await createPagerDutyReceiver();
  await using opened = await openHook(pagerduty, optionsOf(receiver));

  const report = await opened.hook.check?.(new AbortController().signal);

  expect(report?.summary).toMatch(/reached in \d+ ms \(TCP\); whether the routing key is good/);
  expect(receiver.requests).toEqual([]);
});
