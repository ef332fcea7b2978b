import { messageOf } from "./errors.ts";
import type { JsonValue } from "./json.ts";

/** Replaces secrets in texts; the same one serves logs, errors, attempts and commands. */
export type Redact = (text: string) => string;

export const redactedMark = "[redacted]";
const shortestSecret = 4;
/** In characters. V8 refuses patterns of some ten thousand: a bundle of certificates is longer. */
const longestPattern = 4096;

/**
 * A function that replaces every secret by `[redacted]`, also where it stands in JSON, HTML or base64, or
 * percent-encoded. Values under 4 characters are left out: they would hide ordinary text.
 */
export function createRedactor(secrets: Iterable<string>): Redact {
  const written = [...new Set(secrets)].filter(({ length }) => length >= shortestSecret);
  if (written.length === 0) return (text) => text;
  const forms = written.flatMap(formsOf).sort(longestFirst);
  const exact = forms.flatMap(({ text, pattern }) => (pattern === undefined ? text : []));
  const patterns = toPatterns(forms.flatMap(({ pattern }) => pattern ?? []));
  return (text) => {
    let rest = text;
    for (const form of exact) rest = rest.replaceAll(form, redactedMark);
    for (const pattern of patterns) rest = rest.replace(pattern, redactedMark);
    return rest;
  };
}

/** How a secret may be written. */
interface Form {
  readonly text: string;
  /** Absent where it is too long for one. */
  readonly pattern?: string;
}

/** A secret that contains another is to be replaced whole. */
function longestFirst(a: Form, b: Form): number {
  return b.text.length - a.text.length;
}

function formsOf(secret: string): Form[] {
  const base64 = base64Forms(secret).map(exactly);
  const pattern = [...secret].map(characterPattern).join("");
  if (pattern.length <= longestPattern) return [{ text: secret, pattern }, ...base64];
  const others = [
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret.toWellFormed()),
    new URLSearchParams([["", secret]]).toString().slice(1),
  ];
  return [{ text: secret }, ...others.map((text) => ({ text })), ...base64];
}

function exactly(text: string): Form {
  return text.length > longestPattern ? { text } : { text, pattern: escapePattern(text) };
}

/** One pattern for all, unless the engine refuses it for its length. */
function toPatterns(forms: readonly string[]): RegExp[] {
  const groups: string[][] = [];
  let room = 0;
  for (const form of forms) {
    if (form.length > room) {
      groups.push([]);
      room = longestPattern;
    }
    groups.at(-1)?.push(form);
    room -= form.length;
  }
  return groups.map((group) => new RegExp(group.join("|"), "g"));
}

/** Nobody writes these otherwise. */
const plainCharacter = /^[\w.-]$/;
const htmlNames: Readonly<Record<string, string>> = {
  "&": "amp",
  "<": "lt",
  ">": "gt",
  '"': "quot",
  "'": "(?:apos|#0?39)",
};

/** A character as it is, in JSON (with `\u` and `\/`, too), HTML and percent-encoding, whose digits may be of either case. */
function characterPattern(character: string): string {
  const itself = escapePattern(character);
  if (plainCharacter.test(character)) return itself;
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  const bytes = [...Buffer.from(character)];
  const html = htmlNames[character];
  const forms = [
    itself,
    escapePattern(JSON.stringify(character).slice(1, -1)),
    units.map((unit) => `\\\\u${hexPattern(unit, 4)}`).join(""),
    bytes.map((byte) => `%${hexPattern(byte, 2)}`).join(""),
    ...(character === "/" ? ["\\\\/"] : []),
    ...(character === " " ? ["\\+"] : []),
    ...(html === undefined ? [] : [`&${html};`]),
  ];
  return `(?:${[...new Set(forms)].join("|")})`;
}

function hexPattern(value: number, digits: number): string {
  const hex = value.toString(16).padStart(digits, "0");
  return hex.replaceAll(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
}

/** The secret in base64 by itself, and what stays the same of it inside a longer text (`user:password`). */
function base64Forms(secret: string): string[] {
  return (["base64", "base64url"] as const).flatMap((encoding) => {
    const alone = Buffer.from(secret).toString(encoding).replace(/=+$/, "");
    const inside = [0, 1, 2].map((shift) => {
      const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)]);
      const text = bytes.toString(encoding).replace(/=+$/, "");
      // The first and the last character may hold bits of what stands beside it.
      return text.slice(shift === 0 ? 0 : shift + 1, bytes.length % 3 === 0 ? undefined : -1);
    });
    return [alone, ...inside.filter((form) => form.length > shortestSecret)];
  });
}

/** The same value with every text in it redacted; what JSON cannot carry becomes text. */
export function redactValue(
  value: unknown,
  redact: Redact,
  above: readonly object[] = [],
): unknown {
  if (typeof value !== "object" || value === null) {
    const text = String(value);
    const clean = redact(text);
    const asItIs = clean === text && typeof value !== "bigint" && typeof value !== "symbol";
    return asItIs ? value : clean;
  }
  if (above.includes(value)) return "[circular]";
  if (value instanceof Date) return value;
  if (value instanceof Error) return redact(`${value.name}: ${messageOf(value)}`);
  const inner = (item: unknown) => redactValue(item, redact, [...above, value]);
  if (Array.isArray(value)) return value.map(inner);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [redact(key), inner(item)]));
}

/** JSON whose texts are redacted one by one, keys too: a secret such as 1234 must not turn a number into no JSON. */
export function redactJson(value: JsonValue, redact: Redact): JsonValue {
  if (typeof value === "string") return redact(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => redactJson(item, redact));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [redact(key), redactJson(item, redact)]),
  );
}

// Node 22 lacks RegExp.escape.
function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
