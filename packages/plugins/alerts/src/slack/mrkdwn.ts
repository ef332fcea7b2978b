import type { Escape } from "@pipehooks/core";

/** Text that stays what it is in mrkdwn: no link and no mention can come out of it. */
export const escapeMrkdwn: Escape = (text) =>
  text.replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign] ?? sign);

/** Inside a code block, which three backticks would end. */
export const escapeCode: Escape = (text) => escapeMrkdwn(text).replaceAll("```", "`\u200b`\u200b`");

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
