import { type Escape, HookError, type JsonObject, type JsonValue } from "@pipehooks/core";
import type { Message, Tone } from "@pipehooks/core/messages";
import { bytesOf } from "../bytes.ts";
import { iconOf } from "../icon.ts";
import { bulletsOf } from "../lines.ts";
import { keepFitting, type Part } from "../parts.ts";
import { isObject } from "../templates.ts";
import { type Cuts, fit } from "../text.ts";
import { toErrorBox } from "./error-box.ts";
import type { TeamsMention } from "./options.ts";
import { richText } from "./rich-text.ts";

const mostHeadline = 400;
const mostSummary = 800;
const mostValue = 300;
const mostLine = 300;
const mostFacts = 20;
/** Teams measures more than was sent, and refuses what it measures above 28 672. */
const mostBytes = 20 * 1024;

/** Text in which Markdown makes no link. */
export const breakLinks: Escape = (text) => text.replaceAll("](", "]\u200b(");

/** The ready-made Adaptive Card of a message (adaptivecards.io, version 1.4); details are left out before anything else. */
export function toCard(
  message: Message,
  mentions: readonly TeamsMention[],
  cuts: Cuts,
): JsonObject {
  const { summary, facts, error, links, footer } = message;
  const cut = (text: string, most: number, what: string, toForm?: Escape) =>
    fit(text, { most, what, cuts, toForm });
  const parts: Part<JsonObject>[] = [];
  const add = (what: string, rank: number, form: JsonObject) => parts.push({ what, rank, form });

  const headline = cut(message.headline, mostHeadline, "headline");
  const style = styles[message.tone];
  const run = { text: `${iconOf(message)} ${headline}`, weight: "Bolder", size: "Large" };
  add("headline", 0, {
    type: "Container",
    style,
    bleed: true,
    items: [richText({ ...run, color: colorOf(style) })],
  });
  if (mentions.length > 0) {
    const called = mentions.map(({ name }) => `<at>${name}</at>`).join(" ");
    add("mentions", 0, { type: "TextBlock", text: called, wrap: true });
  }
  if (summary !== undefined) {
    add("summary", 1, richText({ text: cut(summary, mostSummary, "summary") }));
  }
  if (facts.length > 0) {
    if (facts.length > mostFacts) cuts.push(`facts from ${facts.length} to ${mostFacts}`);
    const shown = facts.slice(0, mostFacts).map(({ name, value }) => ({
      title: cut(name, mostValue, "name of a fact", breakLinks),
      value: cut(value, mostValue, name, breakLinks),
    }));
    add("facts", 3, { type: "FactSet", facts: shown });
  }
  const aboveError = parts.length;
  const list = bulletsOf(message, (line) => cut(line, mostLine, "line"));
  if (list.length > 0) {
    const items = list.map((line) => richText({ text: line }));
    add("list of events", 5, { type: "Container", items });
  }
  const small = { size: "Small", isSubtle: true };
  add("footer", 6, richText({ text: cut(footer, mostLine, "footer"), ...small }));

  const actions = links.map(({ text: title, url }) => ({ type: "Action.OpenUrl", title, url }));
  const cardOf = (body: readonly JsonObject[]): JsonObject => ({
    $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
    type: "AdaptiveCard",
    version: "1.4",
    fallbackText: headline,
    body,
    ...(actions.length > 0 && { actions }),
    ...extrasOf(mentions),
  });
  if (error !== undefined) {
    // What the rest leaves, but for the comma.
    const room = mostBytes - bytesOf(cardOf(parts.map(({ form }) => form))) - 1;
    const part = { what: "error", rank: 2, form: toErrorBox(error, room, cuts) };
    parts.splice(aboveError, 0, part);
  }
  return cardOf(keepFitting(parts, (body) => isSmall(cardOf(body)), cuts));
}

/**
 * An own card within the limits: elements are left out from the end of its body, those that fit once a larger one is gone
 * excepted; the first one stays.
 * @throws HookError REQUEST_INVALID when it is too large all the same
 */
export function completeCard(
  card: JsonObject,
  mentions: readonly TeamsMention[],
  cuts: Cuts,
): JsonObject {
  const { body, ...rest } = card;
  const elements: readonly JsonValue[] = Array.isArray(body) ? body : [];
  const called = mentions.map(({ name }) => `<at>${name}</at>`).join(" ");
  const mention = { type: "TextBlock", text: called, wrap: true };
  const whole: JsonObject = {
    $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
    type: "AdaptiveCard",
    version: "1.4",
    ...rest,
    ...extrasOf(mentions, rest.msteams),
  };
  const parts: Part<JsonValue>[] = elements.map((form, index) => ({
    what: `element ${index + 1} of the body`,
    rank: index,
    form,
  }));
  const calling = mentions.length > 0 ? [mention] : [];
  const cardOf = (kept: readonly JsonValue[]): JsonObject => ({
    ...whole,
    body: [...calling, ...kept],
  });
  const fitting = cardOf(keepFitting(parts, (kept) => isSmall(cardOf(kept)), cuts));
  if (isSmall(fitting)) return fitting;
  throw new HookError(
    "REQUEST_INVALID",
    `"card" is larger than ${mostBytes / 1024} KB for this event, which Teams does not show. Make it smaller.`,
  );
}

/** What is of Teams alone: an own card's, and whom the mentions call. */
function extrasOf(
  mentions: readonly TeamsMention[],
  own: JsonValue = { width: "full" },
): JsonObject {
  if (!isObject(own) || mentions.length === 0) return { msteams: own };
  const called = mentions.map(({ id, name }) => ({
    type: "mention",
    text: `<at>${name}</at>`,
    mentioned: { id, name },
  }));
  const entities = Array.isArray(own.entities) ? own.entities : [];
  return { msteams: { ...own, entities: [...entities, ...called] } };
}

function isSmall(card: JsonObject): boolean {
  return bytesOf(card) <= mostBytes;
}

const styles = {
  good: "good",
  neutral: "accent",
  warning: "warning",
  bad: "attention",
} as const satisfies Record<Tone, string>;

/** Colours have the names of styles, written otherwise. */
function colorOf(style: string): string {
  return `${style[0]?.toUpperCase()}${style.slice(1)}`;
}
