import {
  type Delivery,
  defineHook,
  type HookContext,
  type HookFactory,
  type JsonObject,
  optionName,
} from "@pipehooks/core";
import { toMessage } from "@pipehooks/core/messages";
import { type Channel, createAlertHook } from "../channel/channel.ts";
import { plainText, type Reading, secondsOf, usualMeaning } from "../channel/verdict.ts";
import { addressSecrets, alertTemplates, destinationOf, toDashboard } from "../options.ts";
import { isObject, jsonTemplate, textTemplate } from "../templates.ts";
import { type Cuts, fit } from "../text.ts";
import { escapeMarkdown, fitEmbeds, mostContent, mostUsername, toEmbed } from "./embeds.ts";
import { type DiscordOptions, discordOptions } from "./options.ts";

/**
 * Tells a Discord channel by a webhook. Its limits are learned from its answers, and kept before they are met.
 * Follows docs.discord.com ("Execute Webhook", "Embed limits", "Rate limits").
 * @throws HookError HOOK_OPTIONS_INVALID when the hook is made
 * @example
 * discord({ webhookUrl: process.env.DISCORD_WEBHOOK_URL, username: "Pipelines" })
 */
export const discord: HookFactory<DiscordOptions> = defineHook({
  name: "discord",
  options: discordOptions,
  destination: ({ webhookUrl }) => destinationOf(webhookUrl),
  secrets: ({ webhookUrl }) => addressSecrets(webhookUrl),
  templates: ["username", "content", "embeds", ...alertTemplates],
  create: (options, context) => createAlertHook(createDiscord(options, context), options, context),
});

function createDiscord(options: DiscordOptions, { shared, clock }: HookContext): Channel {
  const origin = new URL(options.webhookUrl);
  const query = new URLSearchParams(origin.search);
  // Without it, a message that is not saved is answered like one that is.
  query.set("wait", "true");
  const path = `${origin.pathname}?${query}`;
  const contentOf = createContent(options);
  const { allowedMentions } = options;
  const mentions =
    allowedMentions === undefined ? { parse: [] } : { parse: [], ...allowedMentions };
  // Every hook and process that posts there learns of it.
  const limit = shared(`alerts ${destinationOf(options.webhookUrl)} limit`);

  return {
    origin,
    headers: {},
    reading,
    plan: (delivery, _note, cuts) => [
      {
        request: {
          path,
          // Checked by the schema.
          body: { ...contentOf(delivery, cuts), allowed_mentions: mentions as JsonObject },
        },
      },
    ],
    async holdUntil() {
      let until: number | undefined;
      await limit.update((value) => {
        until = typeof value === "number" ? value : undefined;
        return until !== undefined && until <= clock.now() ? undefined : value;
      });
      return until;
    },
    async hear({ headers }) {
      if (headers["x-ratelimit-remaining"] !== "0") return;
      const ms = secondsOf(headers["x-ratelimit-reset-after"]);
      if (ms === undefined || ms === 0) return;
      const until = clock.now() + Math.min(ms, longestHoldMs);
      await limit.update((value) => Math.max(typeof value === "number" ? value : 0, until));
    },
    unproved: "whether the webhook is good shows when it posts, and nothing was posted",
  };
}

/** A header that says more is no limit of a webhook. */
const longestHoldMs = 3_600_000;

const shownKeys = new Set(["content", "title", "description", "name", "value", "text"]);

function createContent(options: DiscordOptions): (delivery: Delivery, cuts: Cuts) => JsonObject {
  const dashboard = toDashboard(options);
  const { avatarUrl } = options;
  const username = options.username === undefined ? undefined : textTemplate(options.username);
  const content =
    options.content === undefined ? undefined : textTemplate(options.content, escapeMarkdown);
  const own =
    options.embeds === undefined
      ? undefined
      : jsonTemplate(options.embeds, escapeMarkdown, (key) => shownKeys.has(key));

  return (delivery, cuts) => {
    const text = content && fit(content(delivery), { most: mostContent, what: "content", cuts });
    const name =
      username && fit(username(delivery), { most: mostUsername, what: "username", cuts });
    const embeds =
      own === undefined
        ? [toEmbed(toMessage(delivery, { dashboard }), cuts)]
        : fitEmbeds(own(delivery), cuts);
    return {
      ...(text && { content: text }),
      embeds,
      // Empty for this event, it is the webhook's.
      ...(name?.trim() && { username: name }),
      ...(avatarUrl !== undefined && { avatar_url: avatarUrl }),
    };
  };
}

const unknownWebhook = 10_015;

const reading: Reading = {
  meaning({ status, json }) {
    if (status === 404 && isObject(json) && json.code === unknownWebhook) return "gone";
    if (usualMeaning(status) !== "accepted" || status === 204) return undefined;
    // With `wait`, the message that was made is answered.
    return isObject(json) ? undefined : "failed";
  },
  says(received) {
    const { json } = received;
    if (!isObject(json)) return plainText(received);
    const { message, code, errors } = json;
    const said = typeof message === "string" ? message : undefined;
    const coded = typeof code === "number" ? `code ${code}` : undefined;
    const wrong = isObject(errors) ? JSON.stringify(errors) : undefined;
    return [said, coded, wrong].filter((part) => part !== undefined).join("; ") || undefined;
  },
  remedy({ status, json }) {
    if (status === 404 && isObject(json) && json.code === unknownWebhook) {
      return "The webhook was deleted: make another one.";
    }
    if ([401, 403, 404, 410].includes(status)) return `Check ${optionName("webhookUrl")}.`;
    return 'Check "content", "embeds" and "username" against Discord\'s limits.';
  },
};
