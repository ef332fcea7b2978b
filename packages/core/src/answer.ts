import { type Answer, messageOf } from "./errors.ts";
import type { JsonValue } from "./json.ts";

/**
 * What a hook says the receiver answered, as it is stored: hooks are also written without types, and `response.json()` is
 * of any type. An odd answer changes nothing of what became of the delivery: what cannot be kept is left out.
 */
export function toStored(said: unknown, clean: (text: string) => string): JsonValue | undefined {
  if (typeof said !== "object" || said === null) return undefined;
  const { status, body, timing }: { readonly [Key in keyof Answer]: unknown } = said;
  const stored: { -readonly [Key in keyof Answer]: JsonValue } = {};
  const code = toStatus(status);
  const text = toText(body);
  const times = toTimes(timing);
  if (code !== undefined) stored.status = code;
  if (text !== undefined) stored.body = clean(text);
  if (times !== undefined) stored.timing = times;
  return stored;
}

/** Text for people of what should be one. */
export function toText(said: unknown): string | undefined {
  if (typeof said === "string") return said;
  if (said === undefined || said === null) return undefined;
  if (said instanceof Uint8Array) return Buffer.from(said).toString();
  if (typeof said !== "object" || said instanceof Error) return messageOf(said);
  try {
    return JSON.stringify(said) ?? messageOf(said);
  } catch {
    return messageOf(said);
  }
}

export function toStatus(said: unknown): number | undefined {
  const number = typeof said === "string" && said !== "" ? Number(said) : said;
  return isNumber(number) ? number : undefined;
}

function toTimes(said: unknown): Readonly<Record<string, number>> | undefined {
  if (typeof said !== "object" || said === null) return undefined;
  // Nearly always it is as it should be, and this is done for each delivery.
  if (Object.values(said).every(isNumber)) return said as Readonly<Record<string, number>>;
  return Object.fromEntries(Object.entries(said).filter(([, time]) => isNumber(time)));
}

function isNumber(value: unknown): value is number {
  return Number.isFinite(value);
}
