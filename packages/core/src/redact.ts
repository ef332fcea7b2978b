/** Replaces secrets in texts; the same one serves logs, errors, attempts and commands. */
export type Redact = (text: string) => string;

export const redactedMark = "[redacted]";
const shortestSecret = 4;

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
    forms.add(encodeURIComponent(secret));
    const bytes = Buffer.from(secret);
    forms.add(bytes.toString("base64").replace(/=+$/, ""));
    forms.add(bytes.toString("base64url"));
  }
  if (forms.size === 0) return (text) => text;
  // Longest first, so that a secret that contains another is replaced whole.
  const ordered = [...forms].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(ordered.map((form) => escapePattern(form)).join("|"), "g");
  return (text) => text.replace(pattern, redactedMark);
}

// Node 22 lacks RegExp.escape.
function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
