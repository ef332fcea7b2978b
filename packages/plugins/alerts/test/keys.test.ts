import { opsgenie, pagerduty } from "@pipehooks/alerts";
import { createOpsgenieReceiver, createPagerDutyReceiver, openHook } from "@pipehooks/testing";
import { expect, test } from "vitest";
import { deliver, incident } from "./bench.ts";

test.for(["${metadata.nothing:-}", " ${metadata.nothing:-} "])(
  "a dedupKey %j that is empty for an event makes one alert of an incident, and of nothing else",
  async (dedupKey) => {
    await using receiver = await createPagerDutyReceiver();
    const { routingKey, url } = receiver;
    const options = { routingKey, apiUrl: url, allowPrivate: true, dedupKey };
    await using opened = await openHook(pagerduty, options);

    await deliver(opened, { idempotencyKey: "ph_a" });
    await deliver(opened, { idempotencyKey: "ph_b" });
    await deliver(opened, { idempotencyKey: "ph_b", attempt: 2 });
    await deliver(opened, incident("opened"));
    await deliver(opened, incident("resolved"));

    expect(receiver.alerts.map(({ dedupKey, state }) => [dedupKey, state])).toEqual([
      ["ph_a", "triggered"],
      ["ph_b", "triggered"],
      ["pipehooks test orders i1", "resolved"],
    ]);
  },
);

test("an alias that is empty for an event makes one alert of an incident, and of nothing else", async () => {
  await using receiver = await createOpsgenieReceiver();
  const { apiKey, url } = receiver;
  const alias = "${metadata.nothing:-}";
  await using opened = await openHook(opsgenie, { apiKey, apiUrl: url, allowPrivate: true, alias });

  await deliver(opened, { idempotencyKey: "ph_a" });
  await deliver(opened, { idempotencyKey: "ph_b" });
  await deliver(opened, incident("opened"));
  await deliver(opened, incident("resolved"));

  expect(receiver.alerts.map(({ alias, state }) => [alias, state])).toEqual([
    ["ph_a", "open"],
    ["ph_b", "open"],
    ["pipehooks test orders i1", "closed"],
  ]);
});
