import type { Delivery } from "@pipehooks/core";
import {
  type MakeLink,
  type Message,
  type MessageError,
  toMessage,
} from "@pipehooks/core/messages";
import { cutText } from "./headers.ts";

const mostRows = 200;
const mostValues = 16;
const longestName = 60;
const longestText = 300;

/** What a ready-made mail says, before it is text or HTML. */
export function toReport(
  delivery: Delivery,
  { timeZone, dashboard }: { timeZone: string; dashboard: MakeLink | undefined },
): Message {
  const message = toMessage(delivery, {
    ...{ timeZone, seconds: true, dashboard, mostRows, mostValues },
  });
  return {
    ...message,
    facts: message.facts.map(({ name, value }) => ({
      name: cutText(name, longestName),
      value: cutText(value, longestText),
    })),
    // The mail that told of an incident has its error.
    error: message.state === "resolved" ? undefined : message.error,
    rows: message.rows.map((row) => ({
      ...row,
      text: cutText(row.text, longestText),
      error: row.error && cutText(row.error, longestText),
    })),
  };
}

/** Of a report what fits into the least that `maxBody` may be, whatever it is about. */
export function toBrief(report: Message): Message {
  return {
    ...report,
    title: cutText(report.title, 100),
    footer: cutText(report.footer, 200),
    facts: report.facts.slice(0, 3).map(({ name, value }) => ({
      name: cutText(name, 30),
      value: cutText(value, 60),
    })),
    summary: undefined,
    links: [],
  };
}

/** Above the facts: how it stands, and what else is to be said. */
export function leadOf({ standing, summary }: Message): string {
  return [standing, summary].filter(Boolean).join(": ");
}

/** What went wrong as two texts: the message with its class, and what is behind it. */
export function errorTexts({ title, message, causes, stack }: MessageError): {
  readonly message: string;
  readonly details: string;
} {
  return {
    message: title === undefined ? message : `${title}: ${message}`,
    // Below the causes, the stack would seem to be theirs.
    details: [...(stack === undefined ? [] : [stack]), ...causes].join("\n"),
  };
}
