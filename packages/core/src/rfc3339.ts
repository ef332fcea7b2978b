// The profile that CloudEvents asks for: date, time, zone, all of it (https://www.rfc-editor.org/rfc/rfc3339#section-5.6).
const pattern =
  /^\d{4}-\d\d-\d\d[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/**
 * Milliseconds since the epoch of a time as in RFC 3339, with its zone. `NaN` for any other text, and for a day that its
 * month does not have.
 */
export function parseRfc3339(text: string): number {
  return pattern.test(text) && monthHasDay(text) ? Date.parse(text) : Number.NaN;
}

/** Whether the month of a text such as `2026-02-28T…` has the day: `Date.parse` takes February 30 for March 2. */
export function monthHasDay(text: string): boolean {
  const day = Number(text.slice(8, 10));
  // Every month has so many days, and most days are among them.
  return day <= 28 || new Date(text.slice(0, 10)).getUTCDate() === day;
}
