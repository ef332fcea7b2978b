import type { JsonObject } from "@pipehooks/core";
import {
  createDiscordReceiver,
  createOpsgenieReceiver,
  createPagerDutyReceiver,
  createSlackReceiver,
  createTeamsReceiver,
  createVirtualTime,
} from "@pipehooks/testing";
import { describe, expect, test } from "vitest";

async function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await response.text();
  const json: JsonObject = text.startsWith("{") ? JSON.parse(text) : {};
  return { status: response.status, headers: response.headers, text, json };
}

describe("Slack", () => {
  const section = (length: number) => ({
    type: "section",
    text: { type: "mrkdwn", text: "x".repeat(length) },
  });
  const header = (text: object) => ({ type: "header", text });

  test.for<[string, unknown, string]>([
    ["51 blocks", Array(51).fill(section(1)), "invalid_blocks"],
    ["a text of 3001", [section(3_001)], "invalid_blocks"],
    ["an empty text", [section(0)], "invalid_blocks"],
    ["a header of 151", [header({ type: "plain_text", text: "x".repeat(151) })], "invalid_blocks"],
    ["a header of mrkdwn", [header({ type: "mrkdwn", text: "x" })], "invalid_blocks"],
    [
      "11 fields",
      [{ type: "section", fields: Array(11).fill({ type: "mrkdwn", text: "x" }) }],
      "invalid_blocks",
    ],
    ["a block_id twice", Array(2).fill({ ...section(1), block_id: "a" }), "invalid_blocks"],
    ["an unknown type", [{ type: "wrong" }], "invalid_blocks"],
    ["11 341 characters", Array(45).fill(section(252)), "msg_blocks_too_long"],
    ["nothing", [], "no_text"],
  ])("%s is refused", async ([, blocks, error]) => {
    await using slack = await createSlackReceiver();
    const body = { channel: slack.channel, blocks };
    const headers = { authorization: `Bearer ${slack.token}` };

    const { status, json } = await post(`${slack.url}/api/chat.postMessage`, body, headers);

    expect([status, json.ok, json.error]).toEqual([200, false, error]);
  });

  test("9 597 characters are taken, and text alone, too", async () => {
    await using slack = await createSlackReceiver();

    const long = await post(slack.webhookUrl, { blocks: Array(50).fill(section(191)) });
    const short = await post(slack.webhookUrl, { text: "x" });

    expect([long.text, short.text, slack.messages.length]).toEqual(["ok", "ok", 2]);
  });

  test("a channel takes one message a second, and says how long to wait", async () => {
    const time = createVirtualTime();
    await using slack = await createSlackReceiver({ now: time.now, perSecond: 1 });
    const send = () => post(slack.webhookUrl, { text: "x" });

    const answers = [await send(), await send()];
    await time.advance(1_000);

    expect(answers.map(({ status }) => status)).toEqual([200, 429]);
    expect(answers[1]?.headers.get("retry-after")).toBe("1");
    expect((await send()).status).toBe(200);
  });
});

describe("Teams", () => {
  const contentType = "application/vnd.microsoft.card.adaptive";
  const message = (content: object) => ({
    type: "message",
    attachments: [{ contentType, content: { type: "AdaptiveCard", version: "1.4", ...content } }],
  });

  test.for<[string, object, string | undefined]>([
    ["a card", message({ body: [] }), undefined],
    ["no attachment", { type: "message" }, "attachments is of type Null"],
    [
      "another attachment",
      { type: "message", attachments: [{}] },
      "the attachment is no Adaptive Card",
    ],
    ["a card of 1.5", message({ version: "1.5" }), "version 1.5 does not render"],
    [
      "a submit",
      message({ actions: [{ type: "Action.Submit" }] }),
      "Action.Submit is not supported",
    ],
    ["24 453 bytes", message({ x: "x".repeat(24_300) }), "RequestEntityTooLarge"],
  ])("%s is accepted, and what becomes of it shows later", async ([, body, failure]) => {
    await using teams = await createTeamsReceiver();

    const { status } = await post(teams.webhookUrl, body);

    expect(status).toBe(202);
    expect(teams.runs.map((run) => run.failure)).toEqual([failure]);
  });
});

describe("PagerDuty", () => {
  const payload = { summary: "x", source: "y", severity: "error" };

  test.for<[string, JsonObject]>([
    ["another key", { routing_key: "x" }],
    ["no action", { event_action: "open" }],
    ["a summary of 1025", { payload: { ...payload, summary: "x".repeat(1_025) } }],
    ["no source", { payload: { summary: "x", severity: "error" } }],
    ["a wrong severity", { payload: { ...payload, severity: "bad" } }],
    ["a key of 256", { dedup_key: "x".repeat(256) }],
    ["an image over http", { images: [{ src: "http://x.example/a.png" }] }],
    ["a resolve without a key", { event_action: "resolve" }],
  ])("%s is refused with the reason", async ([, fields]) => {
    await using pagerduty = await createPagerDutyReceiver();
    const { routingKey } = pagerduty;
    const body = { routing_key: routingKey, event_action: "trigger", payload, ...fields };

    const { status, json } = await post(`${pagerduty.url}/v2/enqueue`, body);

    expect([status, json.status]).toEqual([400, "invalid event"]);
    expect(json.errors).not.toEqual([]);
  });

  test("without a dedup_key each trigger is an alert of its own; a resolve without an alert is dropped", async () => {
    await using pagerduty = await createPagerDutyReceiver();
    const url = `${pagerduty.url}/v2/enqueue`;
    const key = { routing_key: pagerduty.routingKey };
    for (let n = 0; n < 2; n += 1) await post(url, { ...key, event_action: "trigger", payload });

    const dropped = await post(url, { ...key, event_action: "resolve", dedup_key: "nothing" });

    expect(dropped.status).toBe(202);
    expect(pagerduty.alerts.map(({ state }) => state)).toEqual(["triggered", "triggered"]);
  });
});

describe("Opsgenie", () => {
  test.for<[string, JsonObject, number]>([
    ["a message of 131", { message: "x".repeat(131) }, 422],
    ["no message", {}, 422],
    ["a description of 15001", { message: "x", description: "x".repeat(15_001) }, 422],
    ["details that are no texts", { message: "x", details: { a: 1 } }, 422],
    ["a responder without a name", { message: "x", responders: [{ type: "team" }] }, 422],
    ["a good one", { message: "x", alias: "a", details: { a: "1" } }, 202],
  ])("%s", async ([, body, wanted]) => {
    await using opsgenie = await createOpsgenieReceiver();
    const url = `${opsgenie.url}/v2/alerts`;

    const { status } = await post(url, body, { authorization: `GenieKey ${opsgenie.apiKey}` });

    expect(status).toBe(wanted);
    expect((await post(url, body)).status).toBe(401);
  });
});

describe("Discord", () => {
  const embed = (fields: object) => ({ embeds: [{ title: "x", ...fields }] });

  test.for<[string, object]>([
    ["nothing", {}],
    ["a content of 2001", { content: "x".repeat(2_001) }],
    ["11 embeds", { embeds: Array(11).fill({ title: "x" }) }],
    ["a title of 257", embed({ title: "x".repeat(257) })],
    ["a description of 4097", embed({ description: "x".repeat(4_097) })],
    ["26 fields", embed({ fields: Array(26).fill({ name: "a", value: "b" }) })],
    ["a value of 1025", embed({ fields: [{ name: "a", value: "x".repeat(1_025) }] })],
    [
      "6001 characters",
      { embeds: [{ description: "x".repeat(4_000) }, { description: "x".repeat(2_001) }] },
    ],
  ])("%s is refused", async ([, body]) => {
    await using discord = await createDiscordReceiver();

    const { status, json } = await post(`${discord.webhookUrl}?wait=true`, body);

    expect([status, json.code]).toEqual([400, 50_035]);
  });

  test("without wait it answers 204; headers tell of the limit, and a refusal when to come again", async () => {
    const time = createVirtualTime();
    await using discord = await createDiscordReceiver({ now: time.now, perWindow: 1 });
    const first = await post(discord.webhookUrl, { content: "x" });
    await time.advance(500);
    const second = await post(discord.webhookUrl, { content: "x" });

    expect(first.status).toBe(204);
    expect(first.headers.get("x-ratelimit-remaining")).toBe("0");
    expect(second.status).toBe(429);
    expect(second.json).toMatchObject({ retry_after: 1.5, global: false });
    expect(second.headers.get("retry-after")).toBe("2");
  });
});
