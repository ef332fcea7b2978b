import {
  type Delivery,
  defineHook,
  type HookContext,
  HookError,
  type HookFactory,
  type JsonObject,
} from "@pipehooks/core";
import { toMessage } from "@pipehooks/core/messages";
import { type Channel, createAlertHook, type Step } from "../channel/channel.ts";
import type { Received } from "../channel/transport.ts";
import { addressSecrets, alertTemplates, destinationOf, toDashboard } from "../options.ts";
import { isObject, jsonTemplate, textTemplate } from "../templates.ts";
import type { Cuts } from "../text.ts";
import { toBlocks, toText } from "./blocks.ts";
import { fitBlocks, mostText } from "./limits.ts";
import { escapeMrkdwn, fitMrkdwn, mentionText } from "./mrkdwn.ts";
import { type SlackOptions, slackOptions } from "./options.ts";
import { apiReading, webhookReading } from "./reading.ts";

const defaultApi = "https://slack.com";

/**
 * Tells a Slack channel, by an incoming webhook or by the Web API. With the latter, an `alert` gate has one message for each
 * incident: replies in its thread, and the message itself says in the end that it is resolved.
 * Follows docs.slack.dev ("Sending messages using incoming webhooks", `chat.postMessage`, `chat.update`, "Rate limits").
 * @throws HookError HOOK_OPTIONS_INVALID when the hook is made
 * @example
 * slack({ token: process.env.SLACK_TOKEN, channel: "C0123456789", mention: "here" })
 */
export const slack: HookFactory<SlackOptions> = defineHook({
  name: "slack",
  options: slackOptions,
  destination: (options) => {
    const way = wayOf(options);
    if (way.type === "webhook") return destinationOf(way.url);
    return `${destinationOf(way.api, way.token)}/${way.channel}`;
  },
  secrets: (options) => {
    const way = wayOf(options);
    return way.type === "webhook" ? addressSecrets(way.url) : [way.token];
  },
  templates: ["text", "blocks", ...alertTemplates],
  // One message a second and channel.
  policy: { rateLimit: ["1/1s"] },
  create: (options, context) => createAlertHook(createSlack(options, context), options, context),
});

/** How the channel is reached. */
type Way =
  | { readonly type: "webhook"; readonly url: string }
  | {
      readonly type: "api";
      readonly api: string;
      readonly token: string;
      readonly channel: string;
    };

// One of the two is there: the schema has checked it.
function wayOf({ webhookUrl, token = "", channel = "", apiUrl = defaultApi }: SlackOptions): Way {
  if (webhookUrl !== undefined) return { type: "webhook", url: webhookUrl };
  return { type: "api", api: apiUrl, token, channel };
}

function createSlack(options: SlackOptions, { logger, name }: HookContext): Channel {
  const way = wayOf(options);
  const { thread = true, updateOnResolve = true } = options;
  const contentOf = createContent(options);

  if (way.type === "webhook") {
    const origin = new URL(way.url);
    const path = `${origin.pathname}${origin.search}`;
    return {
      origin,
      headers: {},
      reading: webhookReading,
      plan: (delivery, _note, cuts) => [
        { request: { path, body: { ...contentOf(delivery, cuts), ...still } } },
      ],
      unproved: "whether the webhook is good shows when it posts, and nothing was posted",
    };
  }

  const origin = new URL(way.api);
  const base = origin.pathname.replace(/\/+$/, "");
  const request = (method: string, body: JsonObject) => ({ path: `${base}/api/${method}`, body });
  const post = (body: JsonObject) =>
    request("chat.postMessage", { channel: way.channel, ...body, ...still });

  return {
    origin,
    headers: { authorization: `Bearer ${way.token}` },
    reading: apiReading,
    plan(delivery, { place }, cuts) {
      const content = contentOf(delivery, cuts);
      const anew: Step = { request: post(content), placeOf };
      const { channel, ts } = place ?? {};
      if (typeof channel !== "string" || typeof ts !== "string") return [anew];
      const isOver = delivery.alert?.state === "resolved";
      const update = request("chat.update", { channel, ts, ...content });
      const replyOf = (body: JsonObject): Step => ({
        request: post({ ...body, channel, thread_ts: ts }),
        // Its first message was deleted.
        orElse: { request: post(body), placeOf },
      });
      const whole: Step = thread ? replyOf(content) : { request: post(content) };
      if (!isOver || !updateOnResolve) return [whole];
      // An update rings nowhere: a line in the thread tells those who follow it.
      const line: readonly Step[] = thread ? [replyOf({ text: content.text ?? "" })] : [];
      return [{ request: update, orElse: whole }, ...line];
    },
    async hear({ json }) {
      if (isObject(json) && json.warning === "message_truncated") {
        logger.warn(`${name}: Slack cut the message.`);
      }
    },
    async check(transport, signal) {
      const received = await transport.post(request("auth.test", {}), signal);
      const { json } = received;
      if (!isObject(json)) return undefined;
      if (json.ok === true) {
        return `the token is good (${json.user ?? "?"} in ${json.team ?? "?"}); whether it may post to ${way.channel} shows when it posts`;
      }
      // Whoever does not know the question says nothing about the token.
      if (json.error === "unknown_method") return undefined;
      const said = `${name}: ${origin.host} answered ${apiReading.says(received)}.`;
      throw new HookError("RECEIVER_REFUSED", `${said} ${apiReading.remedy(received)}`);
    },
    unproved: "whether the token is good could not be told",
  };
}

/** No pictures of pages that a link leads to. */
const still = { unfurl_links: false, unfurl_media: false };

function placeOf({ json }: Received): JsonObject | undefined {
  if (!isObject(json)) return undefined;
  const { channel, ts } = json;
  return typeof channel === "string" && typeof ts === "string" ? { channel, ts } : undefined;
}

/** Text and blocks: those of the options, else the ready-made ones. */
function createContent(options: SlackOptions): (delivery: Delivery, cuts: Cuts) => JsonObject {
  const dashboard = toDashboard(options);
  const mention = options.mention === undefined ? undefined : mentionText(options.mention);
  const ownText = options.text === undefined ? undefined : textTemplate(options.text, escapeMrkdwn);
  const ownBlocks =
    options.blocks === undefined
      ? undefined
      : jsonTemplate(
          options.blocks,
          escapeMrkdwn,
          (key, { type }) => key === "text" && type === "mrkdwn",
        );

  return (delivery, cuts) => {
    const message = toMessage(delivery, { dashboard });
    const calls = message.mood === "problem" ? mention : undefined;
    const text =
      ownText === undefined
        ? toText(message, calls)
        : fitMrkdwn([calls, ownText(delivery)].filter(Boolean).join(" "), {
            most: mostText,
            what: "text",
            cuts,
          });
    if (ownBlocks !== undefined) {
      const called: readonly JsonObject[] =
        calls === undefined ? [] : [{ type: "section", text: { type: "mrkdwn", text: calls } }];
      return { text, blocks: fitBlocks([...called, ...ownBlocks(delivery)], cuts) };
    }
    if (ownText !== undefined) return { text };
    return { text, blocks: toBlocks(message, calls, cuts) };
  };
}
