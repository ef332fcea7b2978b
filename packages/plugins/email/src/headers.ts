/** What this kind sets itself, and what frames the message. */
const reserved = new Set([
  ..."from sender reply-to to cc bcc subject date message-id in-reply-to references".split(" "),
  ..."mime-version received return-path dkim-signature auto-submitted".split(" "),
  ..."x-auto-response-suppress list-id x-event-id x-pipeline".split(" "),
]);
const mostBytes = 900;

/** What is wrong with headers that a user adds; values are not shown. */
export function findHeaderProblems(
  headers: Readonly<Record<string, string>>,
): readonly { readonly name: string; readonly message: string }[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    const message = problemOf(name.toLowerCase(), value);
    return message === undefined ? [] : [{ name, message }];
  });
}

function problemOf(name: string, value: string): string | undefined {
  if (!/^[!-9;-~]{1,76}$/.test(name)) return "is no name of a header";
  if (reserved.has(name) || name.startsWith("content-")) return "is set by this kind itself";
  if (/\p{Cc}/u.test(value)) return "has a control character in its value";
  return Buffer.byteLength(value) > mostBytes ? `is longer than ${mostBytes} bytes` : undefined;
}

/** A value from an event as a header can carry it: one line, not too long. */
export function toHeaderText(value: string, mostCharacters = 250): string {
  const line = value
    .toWellFormed()
    .replace(/[\p{Cc}\u2028\u2029]+/gu, " ")
    .trim();
  return cutText(line, mostCharacters);
}

/** Cuts by characters, not in the middle of one, and marks it. */
export function cutText(text: string, mostCharacters: number): string {
  if (text.length <= mostCharacters) return text;
  // A character has one unit or two.
  const characters = [...text.slice(0, 2 * mostCharacters + 1)];
  if (characters.length <= mostCharacters) return text;
  return `${characters.slice(0, Math.max(0, mostCharacters - 1)).join("")}…`;
}
