import {
  type HookErrorOptions,
  isPassingStatus,
  parseRetryAfter,
  scopeOfStatus,
} from "@pipehooks/core";
import type { HeaderValue } from "./exchange.ts";
import type { StatusMeaning } from "./options.ts";

/** What an HTTP answer means for the delivery. */
export type Meaning = StatusMeaning | "redirect";

/** `{ "404": "retry", "5xx": "permanent" }` */
export type StatusOverrides = Readonly<Record<string, StatusMeaning>>;

/** Where a Retry-After is honoured. */
const hinted = new Set([408, 413, 429, 503]);

export interface Verdict {
  readonly meaning: Meaning;
  readonly scope: NonNullable<HookErrorOptions["scope"]>;
  readonly retryAfterMs: number | undefined;
}

/** Judges a final answer by status, Retry-After and what the options say of the status. */
export function judgeAnswer(
  status: number,
  retryAfter: string | readonly string[] | undefined,
  overrides: StatusOverrides | undefined,
  now: () => number,
): Verdict {
  const hint = hinted.has(status) ? parseRetryAfter(retryAfter, now()) : undefined;
  const meaning =
    overrides?.[status] ?? overrides?.[`${Math.floor(status / 100)}xx`] ?? usual(status, hint);
  switch (meaning) {
    case "retry":
      return {
        meaning,
        scope: scopeOfStatus(status),
        retryAfterMs: hint,
      };
    case "disable":
      return { meaning, scope: "gone", retryAfterMs: undefined };
    case "delivered":
    case "permanent":
    case "redirect":
      return { meaning, scope: "delivery", retryAfterMs: undefined };
  }
}

function usual(status: number, hint: number | undefined): Meaning {
  if (status >= 200 && status < 300) return "delivered";
  if (status >= 300 && status < 400) return "redirect";
  if (status === 410) return "disable";
  return status < 200 || isPassingStatus(status, hint) ? "retry" : "permanent";
}

/** Whereto a redirect leads, by its host alone: path and query may hold secrets. */
export function redirectOf(status: number, location: HeaderValue, url: URL): string {
  if (status === 304) {
    return ', "not modified", which is no answer to a webhook. Ask its operator, and replay the delivery afterwards.';
  }
  return `, a redirect to ${targetOf(location, url)}, which is never followed. Set "url" to where it should go.`;
}

function targetOf(location: HeaderValue, url: URL): string {
  const target = typeof location === "string" ? URL.parse(location, url.href) : null;
  if (target === null) return "nowhere";
  if (target.origin === url.origin) return "another path";
  return target.host || "another scheme";
}

/** What a person can do about a status. */
export function remedyOf(status: number): string {
  switch (status) {
    case 401:
    case 403:
      return 'Check "auth", "headers" and "signing".';
    case 404:
    case 405:
      return 'Check "url" and "method".';
    case 407:
      return 'Write user and password into the URL of "proxy".';
    case 413:
    case 431:
      return 'Send less: a "payload" with the fields it needs.';
    case 406:
    case 415:
      return 'Check "format" and the content-type header.';
    case 400:
    case 422:
      return 'Check "format" and "payload" against what it expects.';
    case 410:
      return 'It was retired: remove the hook or give it another "url".';
    default:
      return "Ask its operator, and replay the delivery afterwards.";
  }
}
