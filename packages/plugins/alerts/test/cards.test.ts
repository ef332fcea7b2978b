import { createRequire } from "node:module";
import { teams } from "@pipehooks/alerts";
import { builtInEventTypes, type Delivery, deliveryEventTypes } from "@pipehooks/core";
import { createTestEvent } from "@pipehooks/testing";
import type * as Cards from "adaptivecards";
import { expect, test } from "vitest";
import { failure, incident, rendered } from "./bench.ts";

const webhookUrl = "https://env.environment.api.powerplatform.com/workflows/1?sig=abcdefghijkl";

// The package's main file wants a bundler; this one is whole.
const AdaptiveCards: typeof Cards = createRequire(import.meta.url)(
  "adaptivecards/dist/adaptivecards.js",
);

/** What the official renderer has against a card. */
function problemsOf(payload: unknown): string[] {
  const card = new AdaptiveCards.AdaptiveCard();
  const context = new AdaptiveCards.SerializationContext();
  card.parse(payload, context);
  const events = Array.from(
    { length: context.eventCount },
    (_, n) => context.getEventAt(n).message,
  );
  const { validationEvents } = card.validateProperties();
  return [...events, ...validationEvents.map(({ message }: { message: string }) => message)];
}

async function cardOf(options: object, fields: Partial<Delivery> = {}) {
  const body = await rendered(teams, { webhookUrl, ...options }, fields);
  const [attachment] = body.attachments as { content: unknown }[];
  return attachment?.content;
}

test("the check sees cards that are wrong", () => {
  const wrong = { type: "AdaptiveCard", version: "1.4", body: [{ type: "Nothing" }] };
  const noUrl = { type: "AdaptiveCard", version: "1.4", actions: [{ type: "Action.OpenUrl" }] };

  expect(problemsOf(wrong)).not.toEqual([]);
  expect(problemsOf(noUrl)).not.toEqual([]);
});

const types = [
  ...Object.keys(builtInEventTypes),
  ...deliveryEventTypes,
  "dbt.run.failed",
  "my.own",
];

test.for(types)("the card of %s is a good Adaptive Card", async (type) => {
  const options = { dashboardUrl: "https://d.example.com/${runId}" };
  const error = { message: "a\n\nb", class: "X" };

  expect(problemsOf(await cardOf(options, { event: createTestEvent({ type }) }))).toEqual([]);
  expect(problemsOf(await cardOf(options, { event: createTestEvent({ type, error }) }))).toEqual(
    [],
  );
});

test.for(["opened", "reminder", "resolved"] as const)(
  "the card of an incident that is %s is a good Adaptive Card",
  async (state) => {
    const mentions = [{ id: "ada@example.com", name: "Ada" }];

    expect(problemsOf(await cardOf({ mentions }, incident(state)))).toEqual([]);
  },
);

test("the card of many events is a good Adaptive Card", async () => {
  const events = Array.from({ length: 30 }, () => failure);
  const gate = { reason: "1h since the first event", restIds: [] };

  expect(problemsOf(await cardOf({}, { events, count: 30, gate }))).toEqual([]);
});
