import { slack } from "@pipehooks/alerts";
import { createLocalValues, type JsonObject } from "@pipehooks/core";
import {
  createHttpReceiver,
  createSlackReceiver,
  createTestEvent,
  createVirtualTime,
  openHook,
  type SlackReceiver,
} from "@pipehooks/testing";
import { expect, test } from "vitest";
import { deliver, deliverOnce, failure, failureOf, incident, rendered } from "./bench.ts";

const hookOf = ({ webhookUrl }: SlackReceiver) => ({ webhookUrl, allowPrivate: true });
const apiOf = ({ token, channel, url }: SlackReceiver) => ({
  ...{ token, channel, apiUrl: url, allowPrivate: true },
});
const webhookUrl = "https://hooks.slack.com/services/T0/B0/abcdefghijklmnopqrstuvwx";
const textsOf = (value: unknown) => JSON.stringify(value);

test("a failure is told with headline, facts, error, link and footer", async () => {
  await using receiver = await createSlackReceiver();
  await deliverOnce(slack, hookOf(receiver));

  const [message] = receiver.messages;
  expect(message?.text).toBe("🚨 Pipeline orders failed");
  expect(message?.blocks.map(({ type }) => type)).toEqual([
    ...["header", "section", "section", "section", "context"],
  ]);
  const text = textsOf(message?.blocks);
  for (const part of [
    "🚨 Pipeline orders failed",
    "*Pipeline*\\norders",
    "*AnalysisException*\\n```no such table: raw_orders```",
    "<https://runs.example.com/7?a=1&amp;b=2|Open the run>",
    "pipeline.error 01936c4e",
  ]) {
    expect(text).toContain(part);
  }
});

test("data can neither mention anybody nor forge a link", async () => {
  const event = createTestEvent({
    type: "pipeline.error",
    pipeline: "<!channel> & <https://evil.example|click>",
    error: { message: "``` <!here>", class: "<@U1>" },
    metadata: { note: "<!everyone>" },
  });
  const text = textsOf(await rendered(slack, { webhookUrl }, { event }));

  // A header is plain text, in which nothing is read as markup.
  const header = '"text":"🔴 Pipeline <!channel> & <https://evil.example|click> failed"';
  expect(text).toContain(header);
  expect(text.replace(header, "")).not.toMatch(/<[!@h]/);
});

test("an object in an own text is data as a whole, its keys included", async () => {
  const event = createTestEvent({ metadata: { "<!channel>": "<!here>" } });
  const blocks = [{ type: "section", text: { type: "mrkdwn", text: "all: ${metadata}" } }];

  const body = await rendered(slack, { webhookUrl, text: "${metadata}", blocks }, { event });

  expect(textsOf(body)).not.toContain("<!");
  expect(body.text).toBe('{"&lt;!channel&gt;":"&lt;!here&gt;"}');
});

test("an incident of several failures is told as one, a digest of them line by line", async () => {
  const events = [failure, createTestEvent({ ...failure, id: "e2", pipeline: "stock" })];
  const { alert, ...digest } = incident("opened", { events, count: 14 });

  const one = textsOf((await rendered(slack, { webhookUrl }, { ...digest, alert })).blocks);
  const many = textsOf((await rendered(slack, { webhookUrl }, digest)).blocks);

  expect(one).not.toContain("•");
  expect(many).toContain(
    "• Pipeline orders failed: no such table: raw_orders\\n• Pipeline stock failed: no such table: raw_orders\\n… and 12 more",
  );
});

test("an own text is all that is sent, its values are escaped and what the user wrote is not", async () => {
  const event = createTestEvent({ pipeline: "<!channel>" });
  const body = await rendered(
    slack,
    { webhookUrl, text: "*${pipeline}* <https://a.example|ok>" },
    { event },
  );

  expect(body).toEqual({
    text: "*&lt;!channel&gt;* <https://a.example|ok>",
    unfurl_links: false,
    unfurl_media: false,
  });
});

test("own blocks replace the ready-made ones; mrkdwn is escaped, plain text and addresses are not", async () => {
  const event = createTestEvent({
    pipeline: "a&b",
    metadata: { url: "https://x.example/?a=1&b=2" },
  });
  const blocks = [
    { type: "header", text: { type: "plain_text", text: "${pipeline}" } },
    {
      type: "section",
      text: { type: "mrkdwn", text: "${pipeline}" },
      accessory: { type: "button", url: "${metadata.url}" },
    },
  ];

  const body = await rendered(slack, { webhookUrl, blocks }, { event });

  expect(body).toMatchObject({
    text: "🟢 Pipeline a&amp;b finished",
    blocks: [
      { text: { text: "a&b" } },
      { text: { text: "a&amp;b" }, accessory: { url: "https://x.example/?a=1&b=2" } },
    ],
  });
});

test("those who are to be mentioned are when something is wrong, and only then", async () => {
  const options = { webhookUrl, mention: ["here", "U123", "S456"] };
  const failed = await rendered(slack, options);
  const ended = await rendered(slack, options, { event: createTestEvent() });
  const own = await rendered(slack, { webhookUrl, mention: "channel", text: "${type}" });
  const ownBlocks = await rendered(slack, {
    ...{ webhookUrl, mention: "channel" },
    blocks: [{ type: "divider" }],
  });

  expect(failed.text).toBe("<!here> <@U123> <!subteam^S456> 🚨 Pipeline orders failed");
  expect(textsOf(failed.blocks)).toContain("<!here> <@U123> <!subteam^S456>");
  expect(textsOf(ended)).not.toContain("<!here>");
  expect(own.text).toBe("<!channel> pipeline.error");
  expect(textsOf(ownBlocks.blocks)).toContain("<!channel>");
});

test("the dashboard's link is made from the event with its values encoded, and is left out without them", async () => {
  const event = createTestEvent({ runId: "a b&c" });
  const linkOf = async (dashboardUrl: string) =>
    textsOf((await rendered(slack, { webhookUrl, dashboardUrl }, { event })).blocks);

  expect(await linkOf("https://d.example.com/${runId}")).toContain(
    "<https://d.example.com/a%20b%26c|Open the dashboard>",
  );
  expect(await linkOf("https://d.example.com/${metadata.nothing}")).not.toContain(
    "Open the dashboard",
  );
});

test("the most that an event can say is cut to what Slack takes, and the log says what", async () => {
  await using receiver = await createSlackReceiver();
  const event = createTestEvent({
    type: "pipeline.error",
    pipeline: "p".repeat(500),
    error: { message: "<&>😀\n".repeat(5_000), class: "c".repeat(500) },
    metadata: Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`k${n}`, "v".repeat(900)])),
  });
  const events = Array.from({ length: 40 }, () => event);

  const logs = await deliverOnce(slack, hookOf(receiver), { event });
  await deliverOnce(slack, hookOf(receiver), { events, count: 40 });

  const [message] = receiver.messages;
  const text = textsOf(message?.blocks);
  const line = logs.find((each) => each.startsWith("warn: test: cut for"));
  expect(receiver.messages).toHaveLength(2);
  expect(text.length).toBeLessThan(10_000);
  expect(text).toContain("…```");
  expect(text).not.toMatch(/\\ud[89ab]/);
  expect(line).toMatch(/headline from 5\d\d to 150 characters/);
  expect(line).toMatch(/error from [\d,]+ to 2,500 characters/);
});

test("own blocks that are too many or too long are cut from the end, and that is said", async () => {
  await using receiver = await createSlackReceiver();
  const section = (length: number): JsonObject => ({
    ...{ type: "section", block_id: "same" },
    text: { type: "mrkdwn", text: "x".repeat(length) },
    fields: Array.from({ length: 12 }, () => ({ type: "mrkdwn", text: "f" })),
  });
  const header = { type: "header", text: { type: "plain_text", text: "h".repeat(400) } };
  const context = { type: "context", elements: Array(12).fill({ type: "mrkdwn", text: "e" }) };
  const many = [header, context, ...Array<JsonObject>(60).fill(section(5))];
  const long = [header, ...Array<JsonObject>(6).fill(section(4_000))];

  const logs = [
    await deliverOnce(slack, { ...hookOf(receiver), blocks: many }),
    await deliverOnce(slack, { ...hookOf(receiver), blocks: long }),
    await deliverOnce(slack, { ...apiOf(receiver), blocks: long }),
  ].flat();

  expect(receiver.messages.map(({ blocks }) => blocks.length)).toEqual([50, 4, 4]);
  expect(textsOf(receiver.messages[1]?.blocks)).toContain("… 4 more left out");
  expect(logs.filter((line) => line.startsWith("warn"))).toHaveLength(3);
});

test("200 with another word than ok is a failure for good; 404 means that the webhook is gone", async () => {
  await using receiver = await createSlackReceiver();
  await using opened = await openHook(slack, hookOf(receiver));
  using _fault = receiver.fault({ answer: 200, times: 1 });
  const refused = await failureOf(opened);
  receiver.revoke();
  const gone = await failureOf(opened);

  expect(refused).toMatchObject({ code: "RECEIVER_REFUSED", retryable: false });
  expect(String(refused)).toContain("answered 200 (something_else)");
  expect(gone).toMatchObject({ code: "RECEIVER_GONE", scope: "gone" });
  expect(String(gone)).toContain("404 (no_service)");
  expect(String(gone)).toContain("revoked");
});

test.for([
  [403, "action_prohibited", "webhookUrl"],
  [410, "channel_is_archived", "archived"],
  [400, "invalid_payload", "Block Kit"],
] as const)("an answer of %s says %s and what to do", async ([status, word, remedy]) => {
  await using receiver = await createSlackReceiver();
  await using opened = await openHook(slack, hookOf(receiver));
  using _fault = receiver.fault({ answer: status });

  const error = await failureOf(opened);

  expect(error).toMatchObject({ retryable: false, answer: { status, body: word } });
  expect(String(error)).toContain(word);
  expect(String(error)).toContain(remedy);
});

test("a page in front of Slack is worth another attempt", async () => {
  await using receiver = await createSlackReceiver();
  await using opened = await openHook(slack, hookOf(receiver));
  using _fault = receiver.fault({ answer: "page" });

  expect(await failureOf(opened)).toMatchObject({ code: "RECEIVER_FAILED", retryable: true });
});

test("the Web API's errors are told apart, and its explanations are passed on", async () => {
  await using receiver = await createSlackReceiver({
    channels: [{ id: "C1" }, { id: "C2", joined: false }, { id: "C3", archived: true }],
    perSecond: 1,
  });
  const endOf = async (more: object) => {
    await using opened = await openHook(slack, { ...apiOf(receiver), ...more });
    return await failureOf(opened);
  };

  const ends = [
    await endOf({ token: "xoxb-wrong" }),
    await endOf({ channel: "C9" }),
    await endOf({ channel: "C2" }),
    await endOf({ channel: "C3" }),
    await endOf({ blocks: [{ type: "wrong" }] }),
  ].map((end) => [Reflect.get(end as object, "retryable"), String(end)]);
  await deliverOnce(slack, apiOf(receiver));
  const limited = await endOf({});

  expect(ends).toEqual([
    [
      false,
      expect.stringContaining(
        '(invalid_auth) to event 01936c4e-8a00-7000-8000-000000000001. Check "token"',
      ),
    ],
    [false, expect.stringContaining("(channel_not_found)")],
    [false, expect.stringContaining("Invite the app")],
    [false, expect.stringContaining("(is_archived)")],
    [false, expect.stringContaining("invalid_blocks; unsupported type [json-pointer:/blocks/0]")],
  ]);
  expect(limited).toMatchObject({ retryable: true, scope: "destination", retryAfterMs: 1_000 });
});

test.for(["internal_error", "fatal_error", "service_unavailable", "ratelimited"])(
  "%s with status 200 is worth another attempt",
  async (error) => {
    await using opened = await openHook(slack, { token: "xoxb-1", channel: "C1" });
    const answer = { status: 200, headers: { "retry-after": "3" }, body: { ok: false, error } };
    const { createTestDelivery } = await import("@pipehooks/testing");

    const judge = () => opened.hook.answered?.(answer, createTestDelivery());

    expect(judge).toThrow(expect.objectContaining({ retryable: true, retryAfterMs: 3_000 }));
  },
);

test("an incident is one message: replies in its thread, and in the end the message itself says so", async () => {
  await using receiver = await createSlackReceiver();
  await using opened = await openHook(slack, apiOf(receiver));

  for (const state of ["opened", "reminder", "resolved"] as const) {
    await deliver(opened, incident(state));
  }

  const [first, reminder, line] = receiver.messages;
  expect(receiver.messages).toHaveLength(3);
  expect(first).toMatchObject({
    edits: 1,
    text: "🟢 Resolved after 2 h: Pipeline orders finished · 2 failures of orders since 2026-01-15 04:30 UTC.",
  });
  expect(textsOf(first?.blocks)).toContain("no such table");
  expect(reminder).toMatchObject({
    threadTs: first?.ts,
    text: expect.stringContaining("Still open"),
  });
  expect(line).toMatchObject({ threadTs: first?.ts, text: first?.text, blocks: [] });
});

test("without thread later messages stand by themselves, and the first one is still rewritten", async () => {
  await using receiver = await createSlackReceiver();
  await using opened = await openHook(slack, { ...apiOf(receiver), thread: false });

  for (const state of ["opened", "reminder", "resolved"] as const) {
    await deliver(opened, incident(state));
  }

  expect(receiver.messages.map(({ threadTs, edits }) => [threadTs, edits])).toEqual([
    [undefined, 1],
    [undefined, 0],
  ]);
});

test("without updateOnResolve the first message stays, and the end is a whole reply", async () => {
  await using receiver = await createSlackReceiver();
  await using opened = await openHook(slack, { ...apiOf(receiver), updateOnResolve: false });

  await deliver(opened, incident("opened"));
  await deliver(opened, incident("resolved"));

  const [first, last] = receiver.messages;
  expect(first).toMatchObject({ edits: 0, text: expect.stringContaining("failed") });
  expect(last).toMatchObject({ threadTs: first?.ts, text: expect.stringContaining("Resolved") });
  expect(last?.blocks.length).toBeGreaterThan(1);
});

test("where somebody took the first message away, the end is told all the same", async () => {
  await using receiver = await createSlackReceiver();
  await using opened = await openHook(slack, apiOf(receiver));
  await deliver(opened, incident("opened"));

  receiver.remove(receiver.messages[0]?.ts ?? "");
  await deliver(opened, incident("resolved"));

  expect(receiver.messages.every(({ text }) => text.includes("Resolved"))).toBe(true);
  expect(receiver.messages.length).toBeGreaterThan(0);
});

test("what is tried again after the end was told is not told any more", async () => {
  await using receiver = await createSlackReceiver();
  const shared = createLocalValues();
  await using opened = await openHook(slack, hookOf(receiver), { shared });
  await deliver(opened, incident("resolved"));

  const outcome = await deliver(opened, incident("opened"));

  expect(outcome).toMatchObject({ type: "skipped" });
  expect(receiver.messages).toHaveLength(1);
});

test("while one message of an incident is on its way, the others wait; a dead process holds nobody for ever", async () => {
  const time = createVirtualTime();
  await using receiver = await createSlackReceiver();
  const context = { clock: time.clock, shared: createLocalValues() };
  await using opened = await openHook(slack, apiOf(receiver), context);
  const controller = new AbortController();
  using _fault = receiver.fault({ answer: "never", times: 1 });

  const first = deliver(opened, { ...incident("opened"), id: "dlv_1", signal: controller.signal });
  await expect.poll(() => receiver.requests.length).toBe(1);
  const second = await deliver(opened, { ...incident("resolved"), id: "dlv_2" });
  await time.advance(60_000);
  const third = await deliver(opened, { ...incident("resolved"), id: "dlv_2" });
  controller.abort(new Error("stopped"));
  await first.catch(() => {});
  const fourth = await deliver(opened, { ...incident("opened"), id: "dlv_1" });

  expect(second).toMatchObject({ type: "pending", againMs: 1_000, sent: false });
  expect(third).toMatchObject({ type: "delivered" });
  expect(fourth).toMatchObject({ type: "skipped" });
});

test("that Slack cut a message all the same is logged", async () => {
  const body = JSON.stringify({ ok: true, channel: "C1", ts: "1.2", warning: "message_truncated" });
  await using receiver = await createHttpReceiver({ respond: { body } });
  const options = { token: "xoxb-1", channel: "C1", apiUrl: receiver.url, allowPrivate: true };

  expect((await deliverOnce(slack, options)).join()).toContain("Slack cut the message");
});

test("of very many incidents those that are over are forgotten first", async () => {
  await using receiver = await createSlackReceiver();
  const shared = createLocalValues();
  await using opened = await openHook(slack, apiOf(receiver), { shared });
  const alertOf = (id: number, state: "opened" | "resolved") => {
    const { alert, ...rest } = incident(state);
    return { ...rest, ...(alert && { alert: { ...alert, incident: `i${id}` } }) };
  };
  await deliver(opened, alertOf(0, "opened"));
  for (let id = 1; id <= 510; id += 1) await deliver(opened, alertOf(id, "resolved"));
  await deliver(opened, alertOf(0, "resolved"));

  let notes = 0;
  await shared("alerts of test").update((value) => {
    notes = Object.keys(value ?? {}).length;
    return value;
  });
  expect(receiver.messages[0]?.edits).toBe(1);
  expect(notes).toBe(500);
});

test("check asks whether the token is good and sends nothing; a webhook is only reached", async () => {
  await using receiver = await createSlackReceiver();
  await using old = await createSlackReceiver({ authTest: false });
  const check = async (options: Parameters<typeof slack>[0]) => {
    await using opened = await openHook(slack, options);
    const { signal } = new AbortController();
    return (await opened.hook.check?.(signal))?.summary ?? "";
  };

  expect(await check(apiOf(receiver))).toContain("the token is good (pipehooks in Acme)");
  expect(await check(apiOf(old))).toMatch(/reached in \d+ ms \(TCP\); whether the token/);
  await expect(check({ ...apiOf(receiver), token: "xoxb-wrong" })).rejects.toThrow("invalid_auth");
  expect(await check(hookOf(receiver))).toContain("nothing was posted");
  expect(receiver.messages).toEqual([]);
});
