import { type Redact, redactedMark } from "@pipehooks/core";

/** Fewer characters begin many an ordinary word. */
const shortestBeginning = 4;

/**
 * Replaces an end of a text that is the beginning of a secret. An answer may stop inside one: it is cut, it stalls, or its
 * receiver quotes only so much.
 */
export function createEndRedactor(secrets: Iterable<string>): Redact {
  const known = [...new Set(secrets)].filter(({ length }) => length > shortestBeginning);
  return (text) => {
    if (text.length < shortestBeginning) return text;
    let end = text.length;
    for (const secret of known) end = Math.min(end, startOf(secret, text));
    return end === text.length ? text : text.slice(0, end) + redactedMark;
  };
}

/** Where the end begins that is the beginning of a secret; behind the text where there is none. */
function startOf(secret: string, text: string): number {
  const beginning = secret.slice(0, shortestBeginning);
  let start = text.indexOf(beginning, text.length - secret.length + 1);
  while (start !== -1 && !secret.startsWith(endFrom(start, text))) {
    start = text.indexOf(beginning, start + 1);
  }
  return start === -1 ? text.length : start;
}

/** Without the mark for a character that was cut in two. */
function endFrom(start: number, text: string): string {
  return text.slice(start).replace(/\uFFFD$/, "");
}
