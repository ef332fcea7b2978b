import { teams } from "@pipehooks/alerts";
import type { JsonObject } from "@pipehooks/core";
import {
  createTeamsReceiver,
  createTestEvent,
  openHook,
  type TeamsReceiver,
} from "@pipehooks/testing";
import { expect, test } from "vitest";
import { deliverOnce, failure, failureOf, incident, rendered } from "./bench.ts";

const optionsOf = ({ webhookUrl }: TeamsReceiver) => ({ webhookUrl, allowPrivate: true });
const webhookUrl = "https://env.environment.api.powerplatform.com/workflows/1?sig=abcdefghijkl";

async function cardOf(options: object = {}, fields = {}): Promise<JsonObject> {
  const body = await rendered(teams, { webhookUrl, ...options }, fields);
  const [attachment] = body.attachments as readonly JsonObject[];
  return attachment?.content as JsonObject;
}

test("a failure is a card with headline, facts, error and a link", async () => {
  await using receiver = await createTeamsReceiver();
  await deliverOnce(teams, optionsOf(receiver));

  const [run] = receiver.runs;
  const text = JSON.stringify(run?.card);
  expect(run?.failure).toBeUndefined();
  expect(run?.card).toMatchObject({
    version: "1.4",
    fallbackText: "Pipeline orders failed",
    msteams: { width: "full" },
    actions: [{ type: "Action.OpenUrl", url: "https://runs.example.com/7?a=1&b=2" }],
    body: [{ type: "Container", style: "attention" }, { type: "FactSet" }, {}, {}],
  });
  for (const part of [
    "🚨 Pipeline orders failed",
    "no such table: raw_orders",
    "AnalysisException",
  ]) {
    expect(text).toContain(part);
  }
});

test.for([
  ["opened", "attention"],
  ["resolved", "good"],
] as const)("an incident that is %s has the colour %s", async ([state, style]) => {
  expect(await cardOf({}, incident(state))).toMatchObject({ body: [{ style }, {}, {}, {}, {}] });
});

test("a warning and news have colours of their own", async () => {
  const warning = createTestEvent({ type: "hex.run.cancelled" });
  const news = createTestEvent({ type: "pipeline.start" });

  expect(await cardOf({}, { event: warning })).toMatchObject({
    body: [{ style: "warning" }, {}, {}],
  });
  expect(await cardOf({}, { event: news })).toMatchObject({ body: [{ style: "accent" }, {}, {}] });
});

test("data is shown as it is: no link comes out of it", async () => {
  const event = createTestEvent({
    type: "pipeline.error",
    pipeline: "[click](https://evil.example)",
    error: { message: "**x** [a](https://evil.example)" },
  });
  const { body } = await cardOf({}, { event });
  const blocks = body as readonly JsonObject[];
  const own = await cardOf(
    { card: { body: [{ type: "TextBlock", text: "${pipeline}" }] } },
    { event },
  );

  // Only these read Markdown.
  const markdown = JSON.stringify([blocks.filter(({ type }) => type === "FactSet"), own]);
  expect(markdown).toContain("[click]\u200b(https://evil.example)");
  expect(markdown).not.toContain("](");
});

test("an own card replaces the ready-made one, with what every card needs", async () => {
  const card = { body: [{ type: "TextBlock", text: "${pipeline}: ${error.message}" }], speak: "x" };

  expect(await cardOf({ card })).toEqual({
    $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
    type: "AdaptiveCard",
    version: "1.4",
    msteams: { width: "full" },
    speak: "x",
    body: [{ type: "TextBlock", text: "orders: no such table: raw_orders" }],
  });
});

test("those who are to be mentioned are when something is wrong, in own cards, too", async () => {
  const mentions = [{ id: "grace@example.com", name: "Grace" }];
  const entities = [
    {
      type: "mention",
      text: "<at>Grace</at>",
      mentioned: { id: "grace@example.com", name: "Grace" },
    },
  ];
  const own = { body: [{ type: "TextBlock", text: "x" }] };

  const failed = await cardOf({ mentions });
  const custom = await cardOf({ mentions, card: own });
  const ended = await cardOf({ mentions }, { event: createTestEvent() });

  for (const card of [failed, custom]) {
    expect(card).toMatchObject({ msteams: { entities } });
    expect(JSON.stringify(card.body)).toContain("<at>Grace</at>");
  }
  expect(JSON.stringify(ended)).not.toContain("Grace");
});

test("whom an own card mentions itself stays mentioned, and so does the rest of its msteams", async () => {
  const ada = { type: "mention", text: "<at>Ada</at>", mentioned: { id: "a@b.c", name: "Ada" } };
  const grace = { id: "grace@example.com", name: "Grace" };
  const body = [{ type: "TextBlock", text: "<at>Ada</at>" }];
  const card = { body, msteams: { allowExpand: true, entities: [ada] } };

  const { msteams } = await cardOf({ mentions: [grace], card });
  const wide = await cardOf({ mentions: [grace], card: { body, msteams: { width: "full" } } });
  const ended = await cardOf({ mentions: [grace], card }, { event: createTestEvent() });

  const called = { type: "mention", text: "<at>Grace</at>", mentioned: grace };
  expect(msteams).toEqual({ allowExpand: true, entities: [ada, called] });
  expect(wide.msteams).toEqual({ width: "full", entities: [called] });
  expect(ended.msteams).toEqual(card.msteams);
});

test("the dashboard is a button", async () => {
  expect(await cardOf({ dashboardUrl: "https://d.example.com/${runId}" })).toMatchObject({
    actions: [
      { title: "Open the run" },
      { title: "Open the dashboard", url: "https://d.example.com/run_1" },
    ],
  });
});

test("the largest event still makes a card that Teams shows, and the log says what was cut", async () => {
  await using receiver = await createTeamsReceiver();
  const event = createTestEvent({
    type: "pipeline.error",
    pipeline: "p".repeat(2_000),
    error: { message: "é\n".repeat(20_000), class: "c".repeat(900) },
    metadata: Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`k${n}`, "é".repeat(900)])),
  });

  const logs = await deliverOnce(teams, optionsOf(receiver), { event });

  const [run] = receiver.runs;
  expect(run?.failure).toBeUndefined();
  expect(JSON.stringify(run?.card)).toContain("…");
  expect(Buffer.byteLength(JSON.stringify(run?.card))).toBeLessThanOrEqual(20 * 1024);
  expect(logs.join()).toMatch(/headline from 2,\d+ to 400 characters/);
  expect(logs.join()).toMatch(/error from 20,001 to \d+ lines/);
});

test("an own card that is too large loses elements from its end, and one that cannot is refused", async () => {
  await using receiver = await createTeamsReceiver();
  const block = (text: string) => ({ type: "TextBlock", text });
  const card = { body: Array.from({ length: 10 }, (_, n) => block(`${n}${"x".repeat(4_000)}`)) };
  const logs = await deliverOnce(teams, { ...optionsOf(receiver), card });
  const huge = { ...optionsOf(receiver), card: { body: [block("x".repeat(30_000))] } };
  await using opened = await openHook(teams, huge);

  const error = await failureOf(opened);

  expect(receiver.runs).toMatchObject([{ failure: undefined, card: { body: { length: 5 } } }]);
  expect(logs.join()).toContain("element 10 of the body left out");
  expect(error).toMatchObject({ code: "REQUEST_INVALID", retryable: false });
});

test("a connector's 200 with the text of an error is the failure that it names", async () => {
  await using receiver = await createTeamsReceiver({
    asConnector: true,
    limits: [{ count: 1, windowMs: 60_000 }],
  });
  await using opened = await openHook(teams, optionsOf(receiver));
  await deliverOnce(teams, optionsOf(receiver));

  const limited = await failureOf(opened);
  using _fault = receiver.fault({ answer: 413 });
  const refused = await failureOf(opened);

  expect(limited).toMatchObject({ retryable: true, scope: "destination", retryAfterMs: 60_000 });
  expect(refused).toMatchObject({ code: "RECEIVER_REFUSED", retryable: false });
});

test("what a connector's text says of its channel is the hook's business, of its credentials not", async () => {
  await using receiver = await createTeamsReceiver({ asConnector: true });
  await using opened = await openHook(teams, optionsOf(receiver));
  using denied = receiver.fault({ answer: 401 });
  const refused = await failureOf(opened);
  denied[Symbol.dispose]();
  using _fault = receiver.fault({ answer: 410 });

  const gone = await failureOf(opened);

  expect(refused).toMatchObject({ code: "RECEIVER_REFUSED", scope: "delivery" });
  expect(gone).toMatchObject({ code: "RECEIVER_GONE", scope: "gone" });
  expect(String(gone)).toContain("against the flow in Workflows");
});

test("a page with 200 is worth another attempt; an error in plain words is none", async () => {
  await using receiver = await createTeamsReceiver();
  await using opened = await openHook(teams, optionsOf(receiver));
  const { createTestDelivery } = await import("@pipehooks/testing");
  const judge = (body: string) => () =>
    opened.hook.answered?.({ status: 200, headers: {}, body }, createTestDelivery());
  using _fault = receiver.fault({ answer: "page" });

  expect(await failureOf(opened)).toMatchObject({ retryable: true });
  expect(judge("Error: the card is wrong")).toThrow("Error: the card is wrong");
  expect(judge("1")()).toMatchObject({ type: "delivered" });
});

test("a wrong signature is refused with what to do, and without the address", async () => {
  await using receiver = await createTeamsReceiver();
  const url = receiver.webhookUrl.replace(receiver.signature, "another-secret-signature");
  await using opened = await openHook(teams, { webhookUrl: url, allowPrivate: true });

  const error = await failureOf(opened);

  expect(error).toMatchObject({ code: "RECEIVER_REFUSED", retryable: false });
  expect(String(error)).toContain("DirectApiAuthorizationRequired");
  expect(String(error)).toContain("Workflows");
  expect(String(error)).not.toContain("another-secret");
});

test("addresses of retired kinds are warned of", async () => {
  const retired = "https://acme.webhook.office.com/webhookb2/0123456789abcdef";
  await using opened = await openHook(teams, { webhookUrl: retired });
  await using current = await openHook(teams, { webhookUrl });

  expect(opened.logs.map(({ message }) => message).join()).toContain("retired");
  expect(current.logs).toEqual([]);
});

test("an event is posted to the address as it was written", async () => {
  await using receiver = await createTeamsReceiver();
  await deliverOnce(teams, optionsOf(receiver), { event: failure });

  expect(receiver.requests[0]?.path).toContain("sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=");
});
