import { messageOf } from "./errors.ts";

/** Replaces secrets in texts; the same one serves logs, errors, attempts and commands. */
export type Redact = (text: string) => string;

export const redactedMark = "[redacted]";
const shortestSecret = 4;
/** In characters. V8 refuses patterns of some ten thousand: a bundle of certificates is longer. */
const longestPattern = 4096;

/**
 * A function that replaces every secret by `[redacted]`, also where it stands in JSON, base64 or
 * percent-encoding. Values under 4 characters are left out: they would hide ordinary text.
 */
export function createRedactor(secrets: Iterable<string>): Redact {
  const forms = new Set<string>();
  for (const secret of secrets) {
    if (secret.length < shortestSecret) continue;
    forms.add(secret);
    forms.add(JSON.stringify(secret).slice(1, -1));
    forms.add(encodeURIComponent(secret.toWellFormed()));
    forms.add(new URLSearchParams([["", secret]]).toString().slice(1));
    for (const form of base64Forms(secret)) forms.add(form);
  }
  if (forms.size === 0) return (text) => text;
  // Longest first, so that a secret that contains another is replaced whole.
  const ordered = [...forms].sort((a, b) => b.length - a.length);
  const long = ordered.filter(({ length }) => length > longestPattern);
  const patterns = toPatterns(ordered.slice(long.length));
  return (text) => {
    let rest = text;
    for (const form of long) rest = rest.replaceAll(form, redactedMark);
    for (const pattern of patterns) rest = rest.replace(pattern, redactedMark);
    return rest;
  };
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
    groups.at(-1)?.push(escapePattern(form));
    room -= form.length;
  }
  return groups.map((group) => new RegExp(group.join("|"), "g"));
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

// Node 22 lacks RegExp.escape.
function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
