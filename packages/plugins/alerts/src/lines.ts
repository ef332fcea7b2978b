import { formatCount, type Message, type MessageError } from "@pipehooks/core/messages";

/** Of several events a line each: `Pipeline orders failed: no such table`. An incident is told as one thing. */
export function linesOf({ rows, state }: Message): readonly string[] {
  if (state !== undefined) return [];
  return rows.map(({ text, error }) => (error === undefined ? text : `${text}: ${error}`));
}

/** The same as a list, each line brought into the receiver's form, and how many more there are. */
export function bulletsOf(message: Message, toForm: (line: string) => string): readonly string[] {
  const lines = linesOf(message).map((line) => `• ${toForm(line)}`);
  const { moreRows } = message;
  if (lines.length === 0 || moreRows === 0) return lines;
  return [...lines, `… and ${formatCount(moreRows)} more`];
}

/** What went wrong, and below it why. */
export function errorText({ message, causes }: MessageError): string {
  return [message, ...causes].join("\n");
}
