import type { Escape, JsonObject, JsonValue } from "@pipehooks/core";
import type { Message, Tone } from "@pipehooks/core/messages";
import { bulletsOf, errorText } from "../lines.ts";
import { keepFitting, type Part } from "../parts.ts";
import { isObject } from "../templates.ts";
import { type Cuts, fit } from "../text.ts";

// discord-api-docs, resources/message, "Embed limits".
export const mostContent = 2_000;
/** discord-api-docs, resources/webhook. */
export const mostUsername = 80;
const mostEmbeds = 10;
const mostTitle = 256;
const mostDescription = 4_096;
const mostFields = 25;
const mostName = 256;
const mostValue = 1_024;
const mostFooter = 2_048;
const mostAuthor = 256;
const mostInAll = 6_000;

const mostError = 3_000;
const mostLine = 200;

/** Text in which Discord's Markdown does nothing, and that calls nobody, whatever stands behind it. */
export const escapeMarkdown: Escape = (text) =>
  text.replace(/[\\*_~`|[\]()<>#]/g, "\\$&").replace(/@(?=everyone|here|$)/gi, "@\u200b");

/** Inside a code block, which three backticks would end. */
const escapeCode: Escape = (text) => text.replaceAll("```", "`\u200b`\u200b`");

/** The ready-made embed of a message; details are left out before anything else. */
export function toEmbed(message: Message, cuts: Cuts): JsonObject {
  const { summary, facts, error, links, footer, at } = message;
  const cut = (text: string, most: number, what: string, toForm = escapeMarkdown) =>
    fit(text, { most, what, cuts, toForm });
  const title = cut(message.headline, mostTitle, "headline");
  const list = bulletsOf(message, (line) => cut(line, mostLine, "line"));
  const [first] = links;
  const parts: Part<JsonObject>[] = [];
  const add = (what: string, rank: number, form: JsonObject) => parts.push({ what, rank, form });
  if (summary !== undefined) add("summary", 1, { text: cut(summary, 500, "summary") });
  if (error !== undefined) {
    const name = error.title === undefined ? "" : `**${cut(error.title, 200, "class")}**\n`;
    add("error", 2, {
      text: `${name}\`\`\`\n${cut(errorText(error), mostError, "error", escapeCode)}\n\`\`\``,
    });
  }
  if (list.length > 0) add("list of events", 4, { text: list.join("\n") });
  if (links.length > 0) {
    const shown = links.map(
      ({ text, url }) => `[${text}](${url.replace(/[()<>\s]/g, encodeSign)})`,
    );
    add("links", 3, { text: shown.join(" · ") });
  }
  const fields = facts.slice(0, mostFields).map(({ name, value }) => ({
    name: cut(name, 100, "name of a fact"),
    value: cut(value, 300, name),
    inline: true,
  }));
  for (const [index, field] of fields.entries()) add(`fact ${field.name}`, 5 + index, { field });

  const embedOf = (kept: readonly JsonObject[]): JsonObject => {
    const description = kept.flatMap(({ text }) => (typeof text === "string" ? [text] : []));
    const shown = kept.flatMap(({ field }) => (isObject(field) ? [field] : []));
    return {
      title,
      ...(first !== undefined && { url: first.url }),
      color: colors[message.tone],
      ...(description.length > 0 && { description: description.join("\n\n") }),
      ...(shown.length > 0 && { fields: shown }),
      footer: { text: fit(footer, { most: 300, what: "footer", cuts: [] }) },
      timestamp: at,
    };
  };
  const fits = (kept: readonly JsonObject[]) => {
    const embed = embedOf(kept);
    const { description } = embed;
    const isShort = typeof description !== "string" || description.length <= mostDescription;
    return isShort && lengthOf(embed) <= mostInAll;
  };
  return embedOf(keepFitting(parts, fits, cuts));
}

/**
 * Own embeds that Discord takes: texts cut, and what is too much left out from the end, those that fit once a larger one is
 * gone excepted; the first one stays.
 */
export function fitEmbeds(embeds: readonly JsonObject[], cuts: Cuts): readonly JsonObject[] {
  const parts = embeds.map((embed, index) => ({
    what: `embed ${index + 1}`,
    rank: index,
    form: fitEmbed(embed, `embed ${index + 1}`, cuts),
  }));
  const lengthOfAll = (kept: readonly JsonObject[]) =>
    kept.reduce((sum, embed) => sum + lengthOf(embed), 0);
  const fits = (kept: readonly JsonObject[]) =>
    kept.length <= mostEmbeds && lengthOfAll(kept) <= mostInAll;
  const kept = keepFitting(parts, fits, cuts);
  const [only] = kept;
  if (only === undefined || fits(kept)) return kept;
  // One embed that is too long: fields go from the end, and then the description is cut.
  const fields = Array.isArray(only.fields) ? [...only.fields] : [];
  while (fields.length > 0 && lengthOf({ ...only, fields }) > mostInAll) fields.pop();
  cuts.push(`fields of embed 1 to ${fields.length}`);
  const shorter: JsonObject = { ...only, fields };
  const { description } = shorter;
  const surplus = lengthOf(shorter) - mostInAll;
  if (surplus <= 0 || typeof description !== "string") return [shorter];
  const most = Math.max(1, description.length - surplus);
  return [{ ...shorter, description: fit(description, { most, what: "description", cuts }) }];
}

function fitEmbed(embed: JsonObject, what: string, cuts: Cuts): JsonObject {
  const cut = (value: JsonValue | undefined, most: number): JsonValue | undefined =>
    typeof value === "string" ? fit(value, { most, what, cuts }) : value;
  const inside = (value: JsonValue | undefined, most: Readonly<Record<string, number>>) => {
    if (!isObject(value)) return value;
    const entries = Object.entries(most).map(([key, limit]) => [key, cut(value[key], limit)]);
    return { ...value, ...Object.fromEntries(entries.filter(([, text]) => text !== undefined)) };
  };
  const { fields } = embed;
  if (Array.isArray(fields) && fields.length > mostFields) {
    cuts.push(`fields of ${what} from ${fields.length} to ${mostFields}`);
  }
  const fitted = {
    ...embed,
    title: cut(embed.title, mostTitle),
    description: cut(embed.description, mostDescription),
    footer: inside(embed.footer, { text: mostFooter }),
    author: inside(embed.author, { name: mostAuthor }),
    fields: Array.isArray(fields)
      ? fields
          .slice(0, mostFields)
          .map((field) => inside(field, { name: mostName, value: mostValue }))
      : fields,
  };
  const there = Object.entries(fitted).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there) as JsonObject;
}

/** What Discord counts of an embed: title, description, fields, footer and author. */
function lengthOf({ title, description, fields, footer, author }: JsonObject): number {
  const texts = [
    ...[title, description],
    ...(Array.isArray(fields) ? fields : []).flatMap((field) =>
      isObject(field) ? [field.name, field.value] : [],
    ),
    isObject(footer) ? footer.text : undefined,
    isObject(author) ? author.name : undefined,
  ];
  return texts.reduce<number>((sum, text) => sum + (typeof text === "string" ? text.length : 0), 0);
}

function encodeSign(sign: string): string {
  return `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

const colors: Readonly<Record<Tone, number>> = {
  good: 0x2e_a0_43,
  neutral: 0x1f_6f_eb,
  warning: 0xd2_99_22,
  bad: 0xda_36_33,
};
