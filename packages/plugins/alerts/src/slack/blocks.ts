import type { JsonObject } from "@pipehooks/core";
import type { Message, MessageLink } from "@pipehooks/core/messages";
import { iconOf } from "../icon.ts";
import { bulletsOf, errorText } from "../lines.ts";
import { keepFitting, type Part } from "../parts.ts";
import { type Cuts, fit } from "../text.ts";
import { lengthOf, mostFields, mostHeader, mostSection } from "./limits.ts";
import { escapeCode, escapeMrkdwn, link } from "./mrkdwn.ts";

const mostError = 2_500;
const mostSummary = 400;
const mostValue = 160;
const mostLine = 200;
const mostFooter = 250;
/** Of the ready-made blocks together, well under what Slack takes. */
const mostReady = 8_500;

/** The ready-made blocks of a message; details are left out before anything else. */
export function toBlocks(
  message: Message,
  mention: string | undefined,
  cuts: Cuts,
): readonly JsonObject[] {
  const { summary, facts, error, links, footer } = message;
  const cut = (text: string, most: number, what: string, toForm = escapeMrkdwn) =>
    fit(text, { most, what, cuts, toForm });
  const headline = fit(`${iconOf(message)} ${message.headline}`, {
    ...{ most: mostHeader, what: "headline", cuts },
  });
  const about = [mention, summary && cut(summary, mostSummary, "summary")].filter(Boolean);
  const parts: Part<JsonObject>[] = [];
  const add = (what: string, rank: number, form: JsonObject) => parts.push({ what, rank, form });

  add("headline", 0, { type: "header", text: { type: "plain_text", text: headline, emoji: true } });
  if (about.length > 0) add("summary", 1, section(about.join(" ")));
  if (facts.length > 0) {
    if (facts.length > mostFields) cuts.push(`facts from ${facts.length} to ${mostFields}`);
    const fields = facts.slice(0, mostFields).map(({ name, value }) => ({
      type: "mrkdwn",
      text: `*${cut(name, mostValue, "name of a fact")}*\n${cut(value, mostValue, name)}`,
    }));
    add("facts", 3, { type: "section", fields });
  }
  if (error !== undefined) {
    const title = error.title === undefined ? "" : `*${cut(error.title, mostValue, "class")}*\n`;
    const text = cut(errorText(error), mostError, "error", escapeCode);
    add("error", 2, section(`${title}\`\`\`${text}\`\`\``));
  }
  const list = bulletsOf(message, (line) => cut(line, mostLine, "line"));
  if (list.length > 0) add("list of events", 5, section(list.join("\n")));
  for (const { what, text } of linkRows(links, cuts)) add(what, 4, section(text));
  add("footer", 6, context(cut(footer, mostFooter, "footer")));

  return keepFitting(parts, (blocks) => lengthOf(blocks) <= mostReady, cuts);
}

/** What notifications show, and readers that know no blocks. */
export function toText(message: Message, mention: string | undefined): string {
  const said = [message.headline, message.summary].filter(Boolean).join(" · ");
  const most = 1_000;
  const text = fit(said, { most, what: "text", cuts: [], toForm: escapeMrkdwn });
  return [mention, iconOf(message), text].filter(Boolean).join(" ");
}

/** Links side by side where one section holds them, else one below the other. */
function linkRows(
  links: readonly MessageLink[],
  cuts: Cuts,
): readonly { readonly what: string; readonly text: string }[] {
  const rows = links.map(({ text, url }) => ({ what: `link "${text}"`, text: link(text, url) }));
  const fitting = rows.filter(({ text }) => text.length <= mostSection);
  const long = rows.filter((row) => !fitting.includes(row));
  cuts.push(...long.map(({ what }) => `${what} left out`));
  const beside = fitting.map(({ text }) => text).join("  ·  ");
  if (fitting.length < 2 || beside.length > mostSection) return fitting;
  return [{ what: "links", text: beside }];
}

function section(text: string): JsonObject {
  return { type: "section", text: { type: "mrkdwn", text } };
}

function context(text: string): JsonObject {
  return { type: "context", elements: [{ type: "mrkdwn", text }] };
}
