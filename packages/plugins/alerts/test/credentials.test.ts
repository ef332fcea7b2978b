import { discord, opsgenie, pagerduty, slack, teams } from "@pipehooks/alerts";
import {
  createLocalValues,
  createPipehooks,
  type Hook,
  type JsonValue,
  silentLogger,
} from "@pipehooks/core";
import {
  createDiscordReceiver,
  createSlackReceiver,
  createTestDelivery,
  createVirtualTime,
  openHook,
} from "@pipehooks/testing";
import { expect, test } from "vitest";
import { deliver, failureOf, incident } from "./bench.ts";

const webhookUrl = "https://hooks.example.com/api/webhooks/1/abcdefghijklmnopqrstuvwx";
const openers = {
  "a Slack webhook": () => openHook(slack, { webhookUrl }),
  "the Slack API": () => openHook(slack, { token: "xoxb-1", channel: "C1" }),
  Teams: () => openHook(teams, { webhookUrl }),
  PagerDuty: () => openHook(pagerduty, { routingKey: "0".repeat(32) }),
  Opsgenie: () => openHook(opsgenie, { apiKey: "k-1" }),
  Discord: () => openHook(discord, { webhookUrl }),
} as const;
type Product = keyof typeof openers;

/** What an answer is judged to be. */
function judged(hook: Hook, status: number, body: JsonValue): unknown {
  try {
    return hook.answered?.({ status, headers: {}, body }, createTestDelivery());
  } catch (error) {
    return error;
  }
}

const word = (error: string) => ({ ok: false, error });
const wrongUrl = '"webhookUrl" ("webhook_url" in YAML)';

test.for<[Product, number, JsonValue, string]>([
  ["a Slack webhook", 401, "invalid_auth", wrongUrl],
  ["a Slack webhook", 403, "invalid_token", wrongUrl],
  ["the Slack API", 401, "", '"token"'],
  ["the Slack API", 200, word("invalid_auth"), '"token"'],
  ["the Slack API", 200, word("not_authed"), '"token"'],
  ["the Slack API", 200, word("account_inactive"), '"token"'],
  ["the Slack API", 200, word("token_revoked"), '"token"'],
  ["the Slack API", 200, word("token_expired"), '"token"'],
  ["Teams", 401, { error: { code: "DirectApiAuthorizationRequired" } }, wrongUrl],
  ["PagerDuty", 401, "", '"routingKey" ("routing_key" in YAML)'],
  ["Opsgenie", 401, { message: "Could not authenticate" }, '"apiKey" ("api_key" in YAML)'],
  ["Opsgenie", 403, { message: "Your api key is not authorized" }, '"apiKey" ("api_key" in YAML)'],
  ["Discord", 401, { message: "Invalid Webhook Token", code: 50_027 }, wrongUrl],
])("%s refuses the credentials with %i %j: the hook is switched off", async (row) => {
  const [product, status, body, option] = row;
  await using opened = await openers[product]();

  const error = judged(opened.hook, status, body);

  expect(error).toMatchObject({ code: "RECEIVER_REFUSED", retryable: false, scope: "gone" });
  expect(String(error)).toContain(`Check ${option}`);
  expect(String(error)).toMatch(/Then enable the hook and replay this delivery\.$/);
});

test.for<[Product, number, JsonValue]>([
  ["a Slack webhook", 404, "no_service"],
  ["a Slack webhook", 410, "channel_is_archived"],
  ["the Slack API", 200, word("channel_not_found")],
  ["the Slack API", 200, word("is_archived")],
  ["Teams", 404, { error: { code: "WorkflowNotFound" } }],
  ["Teams", 410, ""],
  ["PagerDuty", 410, ""],
  ["Opsgenie", 410, ""],
  ["Discord", 404, { message: "Unknown Webhook", code: 10_015 }],
  ["Discord", 410, ""],
])("%s says with %i %j that the channel is no more: the hook is switched off", async (row) => {
  const [product, status, body] = row;
  await using opened = await openers[product]();

  const error = judged(opened.hook, status, body);

  expect(error).toMatchObject({ code: "RECEIVER_GONE", retryable: false, scope: "gone" });
  expect(String(error)).toMatch(/Then enable the hook and replay this delivery\.$/);
});

test.for<[Product, number, JsonValue]>([
  ["a Slack webhook", 403, "action_prohibited"],
  ["the Slack API", 403, ""],
  ["the Slack API", 200, word("not_in_channel")],
  ["the Slack API", 200, word("missing_scope")],
  ["the Slack API", 200, word("msg_too_long")],
  ["Teams", 403, ""],
  ["PagerDuty", 400, { status: "invalid event", errors: ["Invalid routing key"] }],
  ["PagerDuty", 403, ""],
  ["PagerDuty", 404, ""],
  ["Opsgenie", 404, { message: "Not found" }],
  ["Discord", 403, { message: "Missing Permissions", code: 50_013 }],
  ["Discord", 404, { message: "404: Not Found", code: 0 }],
])("%s may mean one message with %i %j: only the delivery is dead", async (row) => {
  const [product, status, body] = row;
  await using opened = await openers[product]();

  const error = judged(opened.hook, status, body);

  expect(error).toMatchObject({ code: "RECEIVER_REFUSED", retryable: false, scope: "delivery" });
});

test("Opsgenie's and PagerDuty's addresses are named as in code and as in YAML", async () => {
  await using page = await openers.PagerDuty();
  await using ops = await openers.Opsgenie();

  expect(String(judged(page.hook, 404, ""))).toContain('"apiUrl" ("api_url" in YAML)');
  expect(String(judged(ops.hook, 404, ""))).toContain('"apiUrl" ("api_url" in YAML)');
});

test("a refused token is asked for once, and after it was mended everything gets through", async () => {
  const time = createVirtualTime({ restMs: 8 });
  await using receiver = await createDiscordReceiver({ now: time.now });
  const told: string[] = [];
  const bus = createPipehooks({
    hooks: [
      {
        name: "chat",
        events: "pipeline.end",
        concurrency: 1,
        hook: discord({ webhookUrl: receiver.webhookUrl, allowPrivate: true }),
      },
      {
        name: "watch",
        events: ["pipehooks.delivery.dead", "pipehooks.hook.disabled"],
        hook: ({ event }) => {
          told.push(event.type);
        },
      },
    ],
    clock: time.clock,
    random: time.random,
    logger: silentLogger,
  });
  const fault = receiver.fault({ answer: 401 });

  for (let n = 0; n < 30; n += 1) await bus.emit("pipeline.end", { pipeline: `p${n}` });
  await time.advance(60_000);
  const asked = receiver.requests.length;
  fault[Symbol.dispose]();
  await bus.enable("chat");
  await bus.store.replay({ states: ["dead"] }, time.now());
  bus.wake();
  await time.advance(60_000);
  await bus.close({ timeoutMs: 0 });

  expect(asked).toBe(1);
  expect(told.sort()).toEqual(["pipehooks.delivery.dead", "pipehooks.hook.disabled"]);
  expect(receiver.messages).toHaveLength(30);
});

test("without its token nothing else is tried for an incident; without its message, still is", async () => {
  await using receiver = await createSlackReceiver();
  const { token, channel, url } = receiver;
  await using opened = await openHook(slack, { token, channel, apiUrl: url, allowPrivate: true });
  await deliver(opened, incident("opened"));
  receiver.remove(receiver.messages[0]?.ts ?? "");
  await deliver(opened, incident("reminder"));
  const before = receiver.requests.length;
  using _fault = receiver.fault({ answer: 401 });

  const error = await failureOf(opened, incident("resolved"));

  expect(error).toMatchObject({ code: "RECEIVER_REFUSED", scope: "gone" });
  expect(receiver.requests.length - before).toBe(1);
  expect(receiver.messages).toHaveLength(1);
});

test("an incident whose channel was taken away is told of in the one that the hook has now", async () => {
  const channels = [{ id: "C1" }, { id: "C2" }];
  await using receiver = await createSlackReceiver({ channels });
  const { token, url } = receiver;
  const shared = createLocalValues();
  const options = { token, apiUrl: url, allowPrivate: true };
  await using old = await openHook(slack, { ...options, channel: "C1" }, { shared });
  await deliver(old, incident("opened"));
  channels.shift();
  await using now = await openHook(slack, { ...options, channel: "C2" }, { shared });

  await deliver(now, incident("resolved"));

  expect(receiver.messages.filter(({ channel }) => channel === "C2")).not.toEqual([]);
});
