import { formatCount, type Message, type MessageRow } from "@pipehooks/core/messages";
import { errorTexts, leadOf } from "./report.ts";

/** How much of a report is shown, so that it stays within the cap. */
export interface Amount {
  readonly rows: number;
  /** Characters of an error's message and details. */
  readonly error: number;
}

/** Beside the report: what stands elsewhere. */
export interface BodyExtras {
  /** Name of the file with the whole error, where it is attached. */
  readonly attached: string | undefined;
}

/** The report as plain text. */
export function toTextBody(report: Message, amount: Amount, { attached }: BodyExtras): string {
  const width = Math.max(0, ...report.facts.map(({ name }) => name.length));
  const rows = shownRows(report, amount.rows);
  const parts: string[] = [
    `${report.label}: ${report.title}`,
    leadOf(report),
    report.facts.map(({ name, value }) => `${name.padEnd(width)}  ${value}`).join("\n"),
    errorPart(report, amount, attached),
    rows.shown.map((row) => rowText(row)).join("\n"),
    rows.omitted,
    report.links.map(({ text, url }) => `${text}: ${url}`).join("\n"),
    `-- \n${report.footer}`,
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

/** The first rows, and what to say of the events that are not among them. */
export function shownRows({ rows, moreRows }: Message, most: number) {
  const shown = rows.slice(0, most);
  const more = moreRows + rows.length - shown.length;
  return { shown, omitted: more === 0 ? "" : `… and ${formatCount(more)} more, not shown.` };
}

/** Message and details as far as they may be shown, and what to say of the rest. */
export function errorParts(
  { error }: Message,
  amount: Amount,
  attached: string | undefined,
): { readonly message: string; readonly details: string; readonly note: string } | undefined {
  if (error === undefined) return undefined;
  const all = errorTexts(error);
  const message = cutEnd(all.message, amount.error);
  const details = cutEnd(all.details, Math.max(0, amount.error - message.length));
  const whole = message === all.message && details === all.details;
  if (attached !== undefined) return { message, details, note: `All of it is in ${attached}.` };
  return { message, details, note: whole ? "" : "It is cut: it was too long for a mail." };
}

function errorPart(report: Message, amount: Amount, attached: string | undefined): string {
  const parts = errorParts(report, amount, attached);
  if (parts === undefined) return "";
  return [`Error:\n${parts.message}`, parts.details, parts.note]
    .filter((part) => part !== "")
    .join("\n");
}

function rowText({ time, label, text, error }: MessageRow): string {
  return `${time}  ${label.padEnd(8)}  ${text}${error === undefined ? "" : `\n    ${error}`}`;
}

function cutEnd(text: string, most: number): string {
  if (text.length <= most) return text;
  return most === 0 ? "" : `${text.slice(0, most).toWellFormed()}…`;
}
