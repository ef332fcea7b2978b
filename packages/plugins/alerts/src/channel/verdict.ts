import { parseRetryAfter } from "@pipehooks/core";
import { isObject } from "../templates.ts";
import type { Received } from "./transport.ts";

/**
 * What an answer means: `accepted`; `failed`, worth another attempt; `overloaded`, which everybody who sends there waits
 * for; `refused` for good; `denied`, as everything would be that is sent with these credentials; `gone`, the channel is no
 * more; `redirect`. After `denied` and `gone` nothing more is sent.
 */
export type Meaning =
  | "accepted"
  | "failed"
  | "overloaded"
  | "refused"
  | "denied"
  | "gone"
  | "redirect";

/** How a channel reads its answers, where it is not by the status alone. */
export interface Reading {
  /** What this answer means; undefined where the status says it. */
  meaning?(received: Received): Meaning | undefined;
  /** What the answer says, for people: a word, a phrase. */
  says(received: Received): string | undefined;
  /** What to do about it. */
  remedy(received: Received): string | undefined;
  /** How long to wait after an overload where the answer does not say. */
  readonly overloadMs?: number | undefined;
}

export interface Verdict {
  readonly meaning: Meaning;
  readonly says: string | undefined;
  readonly remedy: string | undefined;
  readonly retryAfterMs: number | undefined;
}

export function judgeAnswer(received: Received, reading: Reading, now: number): Verdict {
  const meaning = reading.meaning?.(received) ?? usualMeaning(received.status);
  const waits = meaning === "failed" || meaning === "overloaded";
  return {
    meaning,
    says: reading.says(received),
    remedy: waits || meaning === "accepted" ? undefined : reading.remedy(received),
    retryAfterMs: waits ? retryAfterOf(received, reading, meaning, now) : undefined,
  };
}

/** By the status alone. */
export function usualMeaning(status: number): Meaning {
  if (status >= 200 && status < 300) return "accepted";
  if (status < 400) return "redirect";
  if (overloaded.has(status)) return "overloaded";
  if (status === 408 || status === 425 || status >= 500) return "failed";
  if (status === 401) return "denied";
  return status === 410 ? "gone" : "refused";
}

/** The receiver as a whole cannot keep up. */
const overloaded = new Set([429, 502, 503, 504]);

/** The longest of what header and body ask for. */
function retryAfterOf(
  { headers, json }: Received,
  { overloadMs }: Reading,
  meaning: Meaning,
  now: number,
): number | undefined {
  const header = headers["retry-after"];
  const body = isObject(json) ? json.retry_after : undefined;
  const asked = [
    parseRetryAfter(header, now),
    // Some write fractions of a second, which the standard does not know.
    secondsOf(header),
    secondsOf(body),
  ].filter((ms) => ms !== undefined);
  if (asked.length > 0) return Math.max(...asked);
  return meaning === "overloaded" ? overloadMs : undefined;
}

/** Milliseconds of seconds, written as a number or as text. */
export function secondsOf(value: unknown): number | undefined {
  const [text] = [value].flat();
  if (typeof text !== "number" && !(typeof text === "string" && /^\d+(?:\.\d+)?$/.test(text))) {
    return undefined;
  }
  const ms = Math.ceil(Number(text) * 1000);
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}

/** A phrase out of a text that is no JSON: of pages nothing, of anything else its beginning. */
export function plainText({ text }: Pick<Received, "text">): string | undefined {
  const plain = text.trim();
  return plain === "" || plain.startsWith("<") || plain.startsWith("{") ? undefined : plain;
}
