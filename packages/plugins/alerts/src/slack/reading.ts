import { type JsonValue, optionName } from "@pipehooks/core";
import { plainText, type Reading, usualMeaning } from "../channel/verdict.ts";
import { isObject } from "../templates.ts";

/**
 * Answers of an incoming webhook: 200 and exactly "ok", or a word that says what is wrong (docs.slack.dev, "Sending messages
 * using incoming webhooks").
 */
export const webhookReading: Reading = {
  meaning({ status, text }) {
    // The address leads nowhere any more: the webhook, its channel or its workspace is gone.
    if (status === 404) return "gone";
    // Other words of a 403, such as `action_prohibited`, may be meant for one message.
    if (status === 403 && text.trim() === "invalid_token") return "denied";
    if (usualMeaning(status) !== "accepted" || text.trim() === "ok") return undefined;
    // A page or nothing at all is no word of Slack's.
    return plainText({ text }) === undefined ? "failed" : "refused";
  },
  says: (received) =>
    usualMeaning(received.status) === "accepted"
      ? (plainText(received) ?? 'not "ok", which is all that Slack answers')
      : plainText(received),
  remedy({ status, text }) {
    if (status === 404) return "The webhook was revoked: make another one.";
    if (status === 410) return "Its channel is archived: write another webhook.";
    if (status === 401 || status === 403) {
      return `Check ${optionName("webhookUrl")}, and whether the workspace lets this app post.`;
    }
    return text.includes("blocks") || text.includes("payload") || text.includes("text")
      ? 'Check "text" and "blocks" against Block Kit.'
      : "Mend it and replay the delivery.";
  },
};

/** Answers of the Web API: 200 with `{ ok, error }`, whatever happened (docs.slack.dev, `chat.postMessage`). */
export const apiReading: Reading = {
  meaning({ status, json }) {
    if (usualMeaning(status) !== "accepted") return undefined;
    if (!isObject(json)) return "failed";
    if (json.ok === true) return undefined;
    if (json.error === "ratelimited") return "overloaded";
    if (transient.has(json.error)) return "failed";
    if (ofToken.has(json.error)) return "denied";
    return ofChannel.has(json.error) ? "gone" : "refused";
  },
  says(received) {
    const { json } = received;
    if (!isObject(json)) return plainText(received);
    const { error, response_metadata: metadata } = json;
    const messages =
      isObject(metadata) && Array.isArray(metadata.messages) ? metadata.messages : [];
    const said = [error, ...messages].filter((part) => typeof part === "string");
    return said.length === 0 ? undefined : said.join("; ");
  },
  remedy({ status, json }) {
    if (status === 401) return token;
    return (isObject(json) && remedies.get(json.error)) || "Mend it and replay the delivery.";
  },
};

const transient = new Set<JsonValue | undefined>([
  ...["internal_error", "fatal_error", "service_unavailable", "request_timeout"],
]);

/** Whatever is sent, the token opens nothing. */
const ofToken = new Set<JsonValue | undefined>([
  ...["invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"],
]);

/** The hook's one channel is no more, or never was; a webhook says the same with 404 and 410. */
const ofChannel = new Set<JsonValue | undefined>(["channel_not_found", "is_archived"]);

const token = 'Check "token": it is wrong, or was revoked.';
const remedies = new Map<JsonValue | undefined, string>([
  ["channel_not_found", 'Check "channel": it is its id, and the app must see it.'],
  ["not_in_channel", "Invite the app to the channel."],
  ["is_archived", "The channel is archived: write another one."],
  ...[...ofToken].map((word): [JsonValue | undefined, string] => [word, token]),
  ["missing_scope", 'Give the app the scope "chat:write".'],
  ["invalid_blocks", 'Check "blocks" against Block Kit.'],
  ["msg_blocks_too_long", 'Send less in "blocks".'],
  ["msg_too_long", 'Send less in "text".'],
  ["no_text", 'Check "text": it became empty for this event.'],
]);
