import { opsgenie } from "@pipehooks/alerts";
import {
  createOpsgenieReceiver,
  createTestDelivery,
  createTestEvent,
  type OpsgenieReceiver,
  openHook,
} from "@pipehooks/testing";
import { expect, test } from "vitest";
import { deliver, deliverOnce, failure, failureOf, incident, rendered } from "./bench.ts";

const apiKey = "01234567-89ab-cdef-0123-456789abcdef";
const optionsOf = (receiver: OpsgenieReceiver) => ({
  ...{ apiKey: receiver.apiKey, apiUrl: receiver.url, allowPrivate: true },
});

test("a failure is an alert with everything that helps", async () => {
  await using receiver = await createOpsgenieReceiver();
  await deliverOnce(opsgenie, optionsOf(receiver));

  expect(receiver.alerts[0]?.body).toMatchObject({
    message: "Pipeline orders failed",
    alias: "whk_test_1",
    priority: "P1",
    entity: "orders",
    source: "Pipehooks",
    details: { Pipeline: "orders", Class: "AnalysisException" },
    description:
      "Pipeline orders failed\n\nAnalysisException\nno such table: raw_orders\n\nOpen the run: https://runs.example.com/7?a=1&b=2",
  });
});

test("an attempt that is tried again after its effect does not open a second alert", async () => {
  await using receiver = await createOpsgenieReceiver();
  await using opened = await openHook(opsgenie, optionsOf(receiver));
  using _fault = receiver.fault({ answer: 503, effect: true, times: 1 });

  const error = await failureOf(opened);
  await deliver(opened, { attempt: 2 });

  expect(error).toMatchObject({ retryable: true });
  expect(receiver.alerts).toMatchObject([{ state: "open", count: 2 }]);
});

test("an incident is one alert, which its end closes with a note", async () => {
  await using receiver = await createOpsgenieReceiver();
  await using opened = await openHook(opsgenie, optionsOf(receiver));
  for (const state of ["opened", "reminder", "resolved"] as const) {
    await deliver(opened, incident(state, { key: "a/b ü" }));
  }

  expect(receiver.alerts).toMatchObject([
    {
      alias: "pipehooks test orders i1",
      state: "closed",
      count: 2,
      notes: ["Resolved after 2 h: Pipeline orders finished"],
    },
  ]);
});

test("an alias is encoded where it is part of the path, and hashed where it is too long", async () => {
  await using receiver = await createOpsgenieReceiver();
  const deliverBoth = async (alias: string) => {
    await using opened = await openHook(opsgenie, { ...optionsOf(receiver), alias });
    const { alert, ...rest } = incident("opened");
    const id = `${alias.length}`;
    await deliver(opened, { ...rest, ...(alert && { alert: { ...alert, incident: id } }) });
    const end = incident("resolved");
    await deliver(opened, { ...end, ...(end.alert && { alert: { ...end.alert, incident: id } }) });
  };
  await deliverBoth("a/b? ü#${pipeline}");
  await deliverBoth("x".repeat(600));

  expect(receiver.alerts).toMatchObject([
    { alias: "a/b? ü#orders", state: "closed" },
    { alias: expect.stringMatching(/^[0-9a-f]{64}$/), state: "closed" },
  ]);
});

test("every template of the options takes effect", async () => {
  const options = {
    apiKey,
    message: "m ${pipeline}",
    description: "d ${type}",
    responders: [
      { type: "team", name: "data" },
      { type: "user", id: "u1" },
    ],
    tags: ["${pipeline}", "prod"],
    priority: { critical: "P2" },
    details: { rows: "${metadata.duration}" },
    entity: "e ${pipeline}",
    note: "n ${pipeline}",
  } as const;

  expect(await rendered(opsgenie, options)).toEqual({
    message: "m orders",
    description: "d pipeline.error",
    priority: "P2",
    responders: [
      { type: "team", name: "data" },
      { type: "user", id: "u1" },
    ],
    tags: ["orders", "prod"],
    details: { rows: "12.5" },
    entity: "e orders",
    source: "Pipehooks",
    alias: "whk_test_1",
    note: "n orders",
  });
  expect(await rendered(opsgenie, options, incident("resolved"))).toEqual({
    source: "Pipehooks",
    note: "n orders",
  });
  expect(await rendered(opsgenie, { apiKey, priority: "P4" })).toMatchObject({ priority: "P4" });
});

test.for([
  ["CRITICAL", "P1"],
  ["ERROR", "P2"],
  ["WARNING", "P3"],
  ["INFO", "P5"],
] as const)("%s has the priority %s", async ([severity, priority]) => {
  const event = createTestEvent({ error: { message: "x", severity } });

  expect(await rendered(opsgenie, { apiKey }, { event })).toMatchObject({ priority });
});

test("what is too long is cut, and the log says what", async () => {
  await using receiver = await createOpsgenieReceiver();
  const event = createTestEvent({
    type: "pipeline.error",
    pipeline: "😀".repeat(200),
    error: { message: "x".repeat(20_000), stack: "s".repeat(30_000) },
  });

  const logs = await deliverOnce(opsgenie, optionsOf(receiver), { event });

  const message = receiver.alerts[0]?.body.message as string;
  expect(message.length).toBeLessThanOrEqual(130);
  expect(message).toMatch(/^Pipeline 😀+…$/u);
  expect(logs.join()).toMatch(
    /message from 416 to 130 characters; description from 20,\d+ to 15,000/,
  );
});

test("a wrong key and a body that is not taken are refused with what to do", async () => {
  await using receiver = await createOpsgenieReceiver();
  await using opened = await openHook(opsgenie, optionsOf(receiver));
  await using wrong = await openHook(opsgenie, { ...optionsOf(receiver), apiKey: "wrong" });
  const unknown = await failureOf(wrong);
  using _fault = receiver.fault({ answer: 422 });

  expect(unknown).toMatchObject({ code: "RECEIVER_REFUSED", retryable: false });
  expect(String(unknown)).toContain("Could not authenticate) to event");
  expect(String(unknown)).toContain('Check "apiKey"');
  expect(String(await failureOf(opened))).toContain("templates");
});

test("metadata that is named like something else of the alert hides nothing, and is not hidden", async () => {
  const metadata = { Run: "x", Event: "order placed", Error: "E42", Summary: "s" };
  const event = createTestEvent({ ...failure, runId: "run_9", metadata });

  const { details } = await rendered(opsgenie, { apiKey }, { event });

  expect(details).toMatchObject({
    ...{ Run: "run_9", "Run (2)": "x", "Event (2)": "order placed", Error: "E42", Summary: "s" },
    ...{ Event: expect.stringContaining("pipeline.error"), Class: "AnalysisException" },
  });
});

test("the id of the request is kept with the attempt", async () => {
  await using receiver = await createOpsgenieReceiver();
  await using opened = await openHook(opsgenie, optionsOf(receiver));

  const outcome = await deliver(opened);

  expect(outcome).toMatchObject({
    answer: { status: 202, body: expect.stringContaining("request-") },
  });
});

test.for([
  [{}, "https://api.opsgenie.com/v2/alerts"],
  [{ region: "eu" }, "https://api.eu.opsgenie.com/v2/alerts"],
  [{ product: "jsm" }, "https://api.atlassian.com/jsm/ops/integration/v2/alerts"],
  [
    { apiUrl: "https://a.example/x", product: "jsm" },
    "https://a.example/x/jsm/ops/integration/v2/alerts",
  ],
] as const)("%j goes to %s", async ([options, url]) => {
  await using opened = await openHook(opsgenie, { apiKey, ...options });

  const sent = await opened.hook.render?.(createTestDelivery());

  expect(sent?.target).toBe(`POST ${url}`);
  expect(sent?.headers?.authorization).toBe("GenieKey [redacted]");
});

test("Jira Service Management takes the same", async () => {
  await using receiver = await createOpsgenieReceiver({ product: "jsm" });
  await using opened = await openHook(opsgenie, { ...optionsOf(receiver), product: "jsm" });

  await deliver(opened, incident("opened"));
  await deliver(opened, incident("resolved"));

  expect(receiver.alerts).toMatchObject([{ state: "closed" }]);
});

test("the dashboard is in the description", async () => {
  const body = await rendered(opsgenie, { apiKey, dashboardUrl: "https://d.example.com/${runId}" });

  expect(body.description).toContain("Open the dashboard: https://d.example.com/run_1");
});
