import { discord } from "@pipehooks/alerts";
import { createLocalValues, type JsonObject } from "@pipehooks/core";
import {
  createDiscordReceiver,
  createTestDelivery,
  createTestEvent,
  createVirtualTime,
  type DiscordReceiver,
  openHook,
} from "@pipehooks/testing";
import { expect, test } from "vitest";
import { deliver, deliverOnce, failureOf, incident, rendered } from "./bench.ts";

const webhookUrl = "https://discord.com/api/webhooks/1/aW5zZWN1cmUtYnV0LWxvbmc";
const optionsOf = (receiver: DiscordReceiver) => ({
  ...{ webhookUrl: receiver.webhookUrl, allowPrivate: true },
});

test("a failure is an embed that calls nobody", async () => {
  await using receiver = await createDiscordReceiver();
  await deliverOnce(discord, optionsOf(receiver));

  const [embed] = (receiver.messages[0]?.embeds ?? []) as readonly JsonObject[];
  expect(receiver.requests[0]?.path).toMatch(/\?wait=true$/);
  expect(receiver.messages[0]?.allowed_mentions).toEqual({ parse: [] });
  expect(embed).toMatchObject({
    title: "Pipeline orders failed",
    color: 0xda3633,
    url: "https://runs.example.com/7?a=1&b=2",
    timestamp: "2026-01-15T06:30:00.000Z",
    footer: { text: expect.stringContaining("pipeline.error") },
  });
  expect(embed?.description).toContain("```\nno such table: raw_orders\n```");
  expect(embed?.fields).toContainEqual({ name: "Run", value: "run\\_1", inline: true });
});

test.for([
  ["resolved", 0x2ea043],
  ["opened", 0xda3633],
] as const)("an incident that is %s has a colour of its own", async ([state, color]) => {
  expect(await rendered(discord, { webhookUrl }, incident(state))).toMatchObject({
    embeds: [{ color }],
  });
});

test("every option takes effect, and values are escaped where they are shown", async () => {
  const event = createTestEvent({ pipeline: "*a*", metadata: { url: "https://x.example/_a_" } });
  const body = await rendered(
    discord,
    {
      webhookUrl: `${webhookUrl}?thread_id=9`,
      username: "Pipelines ${runId}",
      avatarUrl: "https://img.example.com/a.png",
      content: "**${pipeline}** <@&1>",
      embeds: [{ title: "${pipeline}", url: "${metadata.url}", color: 1 }],
      allowedMentions: { parse: ["users"], roles: ["1"] },
    },
    { event },
  );

  expect(body).toEqual({
    content: "**\\*a\\*** <@&1>",
    username: "Pipelines run_1",
    avatar_url: "https://img.example.com/a.png",
    embeds: [{ title: "\\*a\\*", url: "https://x.example/_a_", color: 1 }],
    allowed_mentions: { parse: ["users"], roles: ["1"] },
  });
});

test.for(["@everyone", "@here", "ada@here", "x @EVERYONE!"])(
  "%s in data calls nobody, even where everybody may be called",
  async (pipeline) => {
    const event = createTestEvent({ pipeline });
    const allowedMentions = { parse: ["everyone"] } as const;
    const content = "@everyone: ${pipeline}";

    const body = await rendered(discord, { webhookUrl, content, allowedMentions }, { event });

    expect(body.content).toBe(`@everyone: ${pipeline.replace("@", "@\u200b")}`);
  },
);

test("data behind data calls nobody either, and other signs @ stay as they are", async () => {
  const event = createTestEvent({ pipeline: "@", table: "everyone", runId: "ada@example.com" });
  const content = "${pipeline}${table} ${runId}";

  const body = await rendered(discord, { webhookUrl, content }, { event });

  expect(body.content).toBe("@\u200beveryone ada@example.com");
});

test("content alone is sent without an embed, and the webhook's own query stays", async () => {
  await using receiver = await createDiscordReceiver();
  await deliverOnce(discord, {
    ...optionsOf(receiver),
    webhookUrl: `${receiver.webhookUrl}?thread_id=9`,
    content: "x",
    embeds: [],
  });

  expect(receiver.messages).toMatchObject([{ content: "x", embeds: [] }]);
  expect(receiver.requests[0]?.path).toMatch(/\?thread_id=9&wait=true$/);
});

test("the largest event still fits, and the log says what was cut", async () => {
  await using receiver = await createDiscordReceiver();
  const event = createTestEvent({
    type: "pipeline.error",
    pipeline: "_".repeat(900),
    error: { message: "x`".repeat(5_000), class: "_".repeat(900) },
    metadata: Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`k${n}`, "_".repeat(900)])),
  });
  const events = Array.from({ length: 30 }, () => event);

  const logs = await deliverOnce(discord, optionsOf(receiver), { event });
  await deliverOnce(discord, optionsOf(receiver), { events, count: 30 });

  expect(receiver.messages).toHaveLength(2);
  expect(logs.join()).toMatch(/headline from 1,8\d\d to 256 characters/);
  expect(logs.join()).toContain("left out");
});

test("own embeds are brought within every limit", async () => {
  await using receiver = await createDiscordReceiver();
  const field = { name: "n".repeat(300), value: "v".repeat(2_000) };
  const embed: JsonObject = {
    title: "t".repeat(300),
    description: "d".repeat(5_000),
    footer: { text: "f".repeat(3_000) },
    author: { name: "a".repeat(300) },
    fields: Array<JsonObject>(30).fill(field),
  };
  const small = { title: "x" };
  await deliverOnce(discord, { ...optionsOf(receiver), embeds: [embed, small] });
  await deliverOnce(discord, { ...optionsOf(receiver), embeds: Array(12).fill(small) });
  await deliverOnce(discord, { ...optionsOf(receiver), content: "c".repeat(3_000) });

  expect(receiver.messages.map(({ embeds }) => (embeds as unknown[]).length)).toEqual([1, 10, 1]);
  expect(receiver.messages[2]?.content).toBe(`${"c".repeat(1_999)}…`);
});

test("what the headers tell of the limit is kept by every hook, before it is met", async () => {
  const time = createVirtualTime();
  await using receiver = await createDiscordReceiver({ now: time.now, perWindow: 2 });
  const context = { clock: time.clock, shared: createLocalValues() };
  await using first = await openHook(discord, optionsOf(receiver), context);
  await using second = await openHook(discord, optionsOf(receiver), context);

  await deliver(first);
  await deliver(first);
  const held = await deliver(second);
  await time.advance(2_000);
  const outcome = await deliver(second);

  expect(held).toEqual({
    ...{ type: "pending", state: null, againMs: 2_000, sent: false, record: false },
    reason: expect.stringContaining("is used up"),
  });
  expect(outcome).toMatchObject({ type: "delivered" });
  expect([receiver.messages.length, receiver.refused]).toEqual([3, 0]);
});

test("429 waits as long as header or body say, whichever is longer, and everybody waits", async () => {
  await using opened = await openHook(discord, { webhookUrl });
  const judge = (headers: Record<string, string>, body: JsonObject) => {
    try {
      return opened.hook.answered?.({ status: 429, headers, body }, createTestDelivery());
    } catch (error) {
      return error;
    }
  };

  expect(judge({ "retry-after": "1" }, { retry_after: 1.25, global: true })).toMatchObject({
    ...{ retryable: true, scope: "destination", retryAfterMs: 1_250 },
  });
  expect(judge({ "retry-after": "0.5" }, {})).toMatchObject({ retryAfterMs: 500 });
  expect(judge({ "retry-after": "65" }, { retry_after: 64.57 })).toMatchObject({
    retryAfterMs: 65_000,
  });
});

test("an unknown webhook is gone: the hook is switched off; any other 404 is only this delivery's", async () => {
  await using receiver = await createDiscordReceiver();
  await using opened = await openHook(discord, optionsOf(receiver));
  using fault = receiver.fault({ answer: 404 });
  const other = await failureOf(opened);
  fault[Symbol.dispose]();
  receiver.remove();
  const gone = await failureOf(opened);

  expect(other).toMatchObject({ code: "RECEIVER_REFUSED", scope: "delivery" });
  expect(gone).toMatchObject({ code: "RECEIVER_GONE", scope: "gone" });
  expect(String(gone)).toContain("Unknown Webhook; code 10015");
});

test("a wrong token and a refused body say what to do", async () => {
  await using receiver = await createDiscordReceiver();
  const url = receiver.webhookUrl.replace(receiver.token, "another-secret-token");
  await using wrong = await openHook(discord, { webhookUrl: url, allowPrivate: true });
  await using bad = await openHook(discord, { ...optionsOf(receiver), embeds: [{ title: 1 }] });

  expect(String(await failureOf(wrong))).toContain('Check "webhookUrl"');
  expect(String(await failureOf(wrong))).not.toContain("another-secret");
  expect(String(await failureOf(bad))).toContain(
    '{"embeds.0.title":"must be 256 or fewer in length"}',
  );
});

test("the dashboard is a link", async () => {
  const body = await rendered(discord, {
    webhookUrl,
    dashboardUrl: "https://d.example.com/${runId}",
  });

  expect(JSON.stringify(body)).toContain("[Open the dashboard](https://d.example.com/run_1)");
});
