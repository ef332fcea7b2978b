import { compileText, type Delivery, toTemplateScope } from "@pipehooks/core";
import { compileLink, describeError, type Message } from "@pipehooks/core/messages";
import { escapeHtml } from "./escape-html.ts";
import { toHeaderText } from "./headers.ts";
import { toHtmlBody, toHtmlOfText } from "./html-body.ts";
import type { EmailSettings } from "./options.ts";
import { errorTexts, toBrief, toReport } from "./report.ts";
import { type Amount, type BodyExtras, toTextBody } from "./text-body.ts";

/** What a mail says. */
export interface Content {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly attachments: readonly Attachment[];
}

export interface Attachment {
  readonly filename: string;
  readonly content: string;
}

/** Longer subjects are cut by mail programs. */
const longestSubject = 120;
const mostAttached = 5 * 1024 ** 2;

/** Compiles the templates; the ready-made parts stand in where there are none. */
export function createContent(settings: EmailSettings): (delivery: Delivery) => Content {
  const { timeZone, maxBody, attachErrorOver } = settings;
  const subject = settings.subject === undefined ? undefined : compileText(settings.subject);
  const text = settings.text === undefined ? undefined : compileText(settings.text);
  const html =
    settings.html === undefined
      ? undefined
      : compileText(settings.html, { toForm: escapeHtml, raw: settings.htmlRaw });
  const dashboard =
    settings.dashboardUrl === undefined ? undefined : compileLink(settings.dashboardUrl);

  return (delivery) => {
    const scope = toTemplateScope(delivery);
    const report = toReport(delivery, { timeZone, dashboard });
    const attachments = attachmentsOf(delivery, attachErrorOver);
    const extras: BodyExtras = { attached: attachments[0]?.filename };
    const title = toHeaderText(
      subject === undefined ? `[${report.label}] ${report.title}` : subject.render(scope),
      longestSubject,
    );
    const ownText = text && cutBytes(plain(text.render(scope)), maxBody);
    const ownHtml = html?.render(scope);
    const bodyText = ownText ?? fitted(report, extras, maxBody, toPlainBody);
    return {
      subject: title,
      text: bodyText,
      html: htmlOf({ ownHtml, ownText, bodyText, title, maxBody }, () =>
        fitted(report, extras, maxBody, toHtmlBody),
      ),
      attachments,
    };
  };
}

function htmlOf(
  parts: {
    readonly ownHtml: string | undefined;
    readonly ownText: string | undefined;
    readonly bodyText: string;
    readonly title: string;
    readonly maxBody: number;
  },
  readyMade: () => string,
): string {
  const { ownHtml, ownText, bodyText, title, maxBody } = parts;
  if (ownHtml === undefined && ownText === undefined) return readyMade();
  if (ownHtml !== undefined && Buffer.byteLength(ownHtml) <= maxBody) return ownHtml;
  // HTML that is cut somewhere is broken, so the text stands in. Escaping makes it longer.
  for (let most = maxBody; ; most = Math.floor(most / 2)) {
    const shell = toHtmlOfText(title, cutBytes(bodyText, most));
    if (Buffer.byteLength(shell) <= maxBody || most < 64) return shell;
  }
}

/** Errors are cut first, then rows. */
const amounts: readonly Amount[] = [
  { rows: 200, error: 16_000 },
  { rows: 200, error: 8_000 },
  { rows: 200, error: 3_000 },
  { rows: 200, error: 1_000 },
  { rows: 100, error: 1_000 },
  { rows: 30, error: 1_000 },
  { rows: 10, error: 1_000 },
  { rows: 0, error: 200 },
];
/** Characters of an error that is attached: more of it need not stand in the mail as well. */
const mostOfAttached = 3_000;

/** As much of the report as the cap allows. */
function fitted(
  report: Message,
  extras: BodyExtras,
  maxBytes: number,
  write: (report: Message, amount: Amount, extras: BodyExtras) => string,
): string {
  const mostError = extras.attached === undefined ? Number.POSITIVE_INFINITY : mostOfAttached;
  for (const amount of amounts) {
    if (amount.error > mostError) continue;
    const body = write(report, amount, extras);
    if (Buffer.byteLength(body) <= maxBytes) return body;
  }
  return write(toBrief(report), { rows: 0, error: 0 }, extras);
}

function toPlainBody(report: Message, amount: Amount, extras: BodyExtras): string {
  return plain(toTextBody(report, amount, extras));
}

function attachmentsOf(
  { alert, events, event, count }: Delivery,
  over: number,
): readonly Attachment[] {
  // The mail that told of an incident has its error.
  if (alert?.state === "resolved") return [];
  const long = (count > 1 ? events : [event]).flatMap((each) => {
    const error = describeError(each);
    if (error === undefined) return [];
    const { message, details } = errorTexts(error);
    const whole = [message, details].filter((part) => part !== "").join("\n");
    return Buffer.byteLength(whole) > over ? [{ each, whole }] : [];
  });
  if (long.length === 0) return [];
  const texts = long.map(({ each, whole }) =>
    long.length === 1 ? whole : `${each.time} ${each.type} ${each.id}\n${whole}`,
  );
  const content = cutBytes(`${plain(texts.join("\n\n"))}\n`, mostAttached);
  return [{ filename: long.length === 1 ? "error.txt" : "errors.txt", content }];
}

/** Without what a mail cannot carry in a text. */
function plain(text: string): string {
  return text.toWellFormed().replace(/(?![\n\t])\p{Cc}/gu, "");
}

function cutBytes(text: string, most: number): string {
  if (Buffer.byteLength(text) <= most) return text;
  const mark = "\n… cut: it was too long for a mail.\n";
  const bytes = Buffer.from(text);
  let end = Math.max(0, most - Buffer.byteLength(mark));
  // Not in the middle of a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${bytes.toString("utf8", 0, end)}${mark}`;
}
