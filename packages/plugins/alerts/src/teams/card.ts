import { type Escape, HookError, type JsonObject, type JsonValue } from "@pipehooks/core";
import type { Message, Tone } from "@pipehooks/core/messages";
import { iconOf } from "../icon.ts";
import { bulletsOf, errorText } from "../lines.ts";
import { keepFitting, type Part } from "../parts.ts";
import { type Cuts, fit } from "../text.ts";
import type { TeamsMention } from "./options.ts";

const mostHeadline = 400;
const mostSummary = 800;
const mostValue = 300;
const mostError = 6_000;
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
    items: [text({ ...run, color: colorOf(style) })],
  });
  if (mentions.length > 0) {
    const called = mentions.map(({ name }) => `<at>${name}</at>`).join(" ");
    add("mentions", 0, { type: "TextBlock", text: called, wrap: true });
  }
  if (summary !== undefined) {
    add("summary", 1, text({ text: cut(summary, mostSummary, "summary") }));
  }
  if (facts.length > 0) {
    if (facts.length > mostFacts) cuts.push(`facts from ${facts.length} to ${mostFacts}`);
    const shown = facts.slice(0, mostFacts).map(({ name, value }) => ({
      title: cut(name, mostValue, "name of a fact", breakLinks),
      value: cut(value, mostValue, name, breakLinks),
    }));
    add("facts", 3, { type: "FactSet", facts: shown });
  }
  if (error !== undefined) {
    const title = error.title && cut(error.title, mostValue, "class");
    add("error", 2, {
      type: "Container",
      style: "emphasis",
      items: [
        ...(title ? [text({ text: title, weight: "Bolder" })] : []),
        // One block a line: a run of text shows no line breaks.
        ...cut(errorText(error), mostError, "error")
          .split("\n")
          .map((line) => text({ text: line === "" ? " " : line, fontType: "Monospace" })),
      ],
    });
  }
  const list = bulletsOf(message, (line) => cut(line, mostLine, "line"));
  if (list.length > 0) {
    const items = list.map((line) => text({ text: line }));
    add("list of events", 5, { type: "Container", items });
  }
  add("footer", 6, text({ text: cut(footer, mostLine, "footer"), size: "Small", isSubtle: true }));

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
  return cardOf(keepFitting(parts, (body) => isSmall(cardOf(body)), cuts));
}

/**
 * An own card within the limits: elements are left out from the end of its body; the first one stays.
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
    ...extrasOf(mentions),
    ...rest,
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

function extrasOf(mentions: readonly TeamsMention[]): JsonObject {
  const entities = mentions.map(({ id, name }) => ({
    type: "mention",
    text: `<at>${name}</at>`,
    mentioned: { id, name },
  }));
  return { msteams: { width: "full", ...(entities.length > 0 && { entities }) } };
}

/** Shown as it is: other than in a TextBlock, nothing in it is Markdown. */
function text(run: JsonObject): JsonObject {
  return { type: "RichTextBlock", inlines: [{ type: "TextRun", ...run }] };
}

function isSmall(card: JsonObject): boolean {
  return Buffer.byteLength(JSON.stringify(card)) <= mostBytes;
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
