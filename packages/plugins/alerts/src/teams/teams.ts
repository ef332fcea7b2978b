import { defineHook, type HookContext, type HookFactory, optionName } from "@pipehooks/core";
import { toMessage } from "@pipehooks/core/messages";
import { type Channel, createAlertHook } from "../channel/channel.ts";
import { plainText, type Reading, usualMeaning } from "../channel/verdict.ts";
import { addressSecrets, alertTemplates, destinationOf, toDashboard } from "../options.ts";
import { isObject, jsonTemplate } from "../templates.ts";
import { breakLinks, completeCard, toCard } from "./card.ts";
import { type TeamsOptions, teamsOptions } from "./options.ts";

/**
 * Tells a Teams channel or chat by a Workflows webhook, with an Adaptive Card. What it answers says that the flow was started,
 * not that the card was posted.
 * Follows learn.microsoft.com ("Create incoming webhooks with Workflows for Microsoft Teams") and adaptivecards.io.
 * @throws HookError HOOK_OPTIONS_INVALID when the hook is made
 * @example
 * teams({ webhookUrl: process.env.TEAMS_WEBHOOK_URL })
 */
export const teams: HookFactory<TeamsOptions> = defineHook({
  name: "teams",
  options: teamsOptions,
  destination: ({ webhookUrl }) => destinationOf(webhookUrl),
  secrets: ({ webhookUrl }) => addressSecrets(webhookUrl),
  templates: ["card", ...alertTemplates],
  policy: { rateLimit: ["4/1s", "100/1h"] },
  create: (options, context) => createAlertHook(createTeams(options, context), options, context),
});

function createTeams(options: TeamsOptions, { logger, name }: HookContext): Channel {
  const origin = new URL(options.webhookUrl);
  const path = `${origin.pathname}${origin.search}`;
  const dashboard = toDashboard(options);
  const ownCard = options.card === undefined ? undefined : jsonTemplate(options.card, breakLinks);
  if (/\.webhook\.office\.com$|\.logic\.azure\.com$/.test(origin.hostname)) {
    logger.warn(
      `${name}: ${origin.hostname} is of a kind of address that Microsoft has retired. Make a webhook with Workflows in Teams and use its address.`,
    );
  }
  return {
    origin,
    headers: {},
    reading,
    plan(delivery, _note, cuts) {
      const message = toMessage(delivery, { dashboard });
      const mentions = message.mood === "problem" ? (options.mentions ?? []) : [];
      const content =
        ownCard === undefined
          ? toCard(message, mentions, cuts)
          : completeCard(ownCard(delivery), mentions, cuts);
      const contentType = "application/vnd.microsoft.card.adaptive";
      const attachments = [{ contentType, contentUrl: null, content }];
      return [{ request: { path, body: { type: "message", attachments } } }];
    },
    unproved: "whether the flow posts shows when it runs, and it was not started",
  };
}

const reading: Reading = {
  meaning({ status, text, json }) {
    // The flow that the address started was deleted.
    if (status === 404) return "gone";
    if (usualMeaning(status) !== "accepted") return undefined;
    const inner = innerStatus(text);
    if (inner !== undefined) {
      const meaning = usualMeaning(inner);
      // Credentials between a connector and Teams are not the hook's.
      return ["accepted", "redirect", "denied"].includes(meaning) ? "refused" : meaning;
    }
    if (text.trimStart().startsWith("<")) return "failed";
    const complains = isObject(json) ? Boolean(json.error) : /\berror\b/i.test(text);
    return complains ? "refused" : undefined;
  },
  says(received) {
    const { json } = received;
    const error = isObject(json) ? json.error : undefined;
    if (isObject(error)) return [error.code, error.message].filter(Boolean).join(": ");
    return typeof error === "string" ? error : plainText(received);
  },
  remedy({ status, text }) {
    if ([401, 403, 404, 410].includes(innerStatus(text) ?? status)) {
      return `Check ${optionName("webhookUrl")} against the flow in Workflows: it may be off, deleted, or its owner gone.`;
    }
    return 'Check "card", or replay the delivery.';
  },
};

/** Connectors said 200, and in the text what Teams had said to them. */
function innerStatus(text: string): number | undefined {
  const [, status] = /\bHTTP error (\d{3})\b/i.exec(text) ?? [];
  return status === undefined ? undefined : Number(status);
}
