import { formatDuration, monthHasDay, parseDuration } from "@pipehooks/core";
import { UsageError } from "./usage-error.ts";

/** `3 s ago`, `now`, `in 200 ms`, `in 2 m`. */
export function relative(at: number, now: number): string {
  const ms = at - now;
  if (ms > 0) return `in ${formatDuration(ms)}`;
  return ms > -1000 ? "now" : `${formatDuration(-ms)} ago`;
}

/** A time in ISO form, for machines; undefined stays out of JSON. */
export function iso(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString();
}

// By itself Date.parse takes a day for UTC, and a time of day for that of this machine.
const hasNoZone = /[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?$/;

function isDate(text: string): boolean {
  return /^\d{4}-\d\d-\d\d/.test(text) && monthHasDay(text);
}

/** What `--since` and `--until` take: a duration back from now, or a date, in UTC unless it names another zone. */
export function parsePointInTime(text: string, now = Date.now()): number {
  if (/^\d+(?:\.\d+)?(?:ms|s|m|h|d)$/.test(text)) return now - parseDuration(text);
  const at = isDate(text) ? Date.parse(hasNoZone.test(text) ? `${text}Z` : text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new UsageError(
    'Give a duration back from now, such as "2h", or a time, such as "2026-03-29T01:00:00Z".',
  );
}

export function parseSpan(text: string): number {
  try {
    return parseDuration(text);
  } catch {
    throw new UsageError('Give a duration such as "500ms", "30s" or "10m".');
  }
}
