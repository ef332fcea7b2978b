import type { Escape } from "@pipehooks/core";
import { type Cuts, type FitOptions, fit } from "../text.ts";

/** Text that stays what it is in mrkdwn: no link and no mention can come out of it. */
export const escapeMrkdwn: Escape = (text) =>
  text.replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign] ?? sign);

/** Inside a code block, which three backticks would end. */
export const escapeCode: Escape = (text) => escapeMrkdwn(text).replaceAll("```", "`\u200b`\u200b`");

/** Mrkdwn that is no longer than `most`, not cut inside `&lt;` and its like. */
export function fitMrkdwn(text: string, options: FitOptions & { readonly cuts: Cuts }): string {
  const cut = fit(text, options);
  return text.length > options.most ? cut.replace(/&\w*…$/, "…") : cut;
}

export function link(text: string, url: string): string {
  const safe = url.replace(/[<>|\s]/g, (sign) => encodeURIComponent(sign));
  return `<${escapeMrkdwn(safe)}|${escapeMrkdwn(text)}>`;
}

/** `here` and ids in the form that calls people. */
export function mentionText(mention: string | readonly string[]): string {
  return [mention]
    .flat()
    .map((who) => {
      if (/^(?:here|channel|everyone)$/.test(who)) return `<!${who}>`;
      return who.startsWith("S") ? `<!subteam^${who}>` : `<@${who}>`;
    })
    .join(" ");
}
