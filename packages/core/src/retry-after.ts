const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const shortDay = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const longDay = "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)";
const month = `(?<month>${months.join("|")})`;
const clock = "(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)";

/** The three date forms of RFC 9110 §5.6.7, the current one first. */
const dateForms = [
  new RegExp(`^${shortDay}, (?<day>\\d\\d) ${month} (?<year>\\d{4}) ${clock} GMT$`),
  new RegExp(`^${longDay}, (?<day>\\d\\d)-${month}-(?<year>\\d\\d) ${clock} GMT$`),
  new RegExp(`^${shortDay} ${month} (?<day>[ \\d]\\d) ${clock} (?<year>\\d{4})$`),
];

/**
 * Milliseconds from `now` that a `Retry-After` header asks for (RFC 9110 §10.2.3): whole seconds or one of
 * the three date forms. A date that has passed is 0; anything else (negative, fractional, empty, repeated,
 * unreadable) is `undefined`, so that the schedule decides.
 */
export function parseRetryAfter(
  value: string | readonly string[] | undefined,
  now: number,
): number | undefined {
  const only = typeof value === "object" ? (value.length === 1 ? value[0] : undefined) : value;
  const text = only?.replace(/^[ \t]+|[ \t]+$/g, "");
  if (text === undefined) return undefined;
  // Digits first: `Date.parse` would take "120" for a year.
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, Number.MAX_SAFE_INTEGER);
  const date = parseHttpDate(text, now);
  return date === undefined ? undefined : Math.max(0, date - now);
}

function parseHttpDate(text: string, now: number): number | undefined {
  for (const form of dateForms) {
    const groups = form.exec(text)?.groups;
    if (groups !== undefined) return toTime(groups, now);
  }
  return undefined;
}

function toTime(groups: Record<string, string>, now: number): number | undefined {
  const part = (name: string) => Number(groups[name]);
  const [day, hour, minute, second] = [part("day"), part("hour"), part("minute"), part("second")];
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  const monthIndex = months.indexOf(groups.month ?? "");
  const year = groups.year?.length === 2 ? fullYear(part("year"), now) : part("year");
  const midnight = new Date(Date.UTC(2000, monthIndex, day));
  // `Date.UTC` reads years below 100 as 19xx.
  midnight.setUTCFullYear(year, monthIndex, day);
  if (midnight.getUTCDate() !== day || midnight.getUTCMonth() !== monthIndex) return undefined;
  return midnight.getTime() + ((hour * 60 + minute) * 60 + second) * 1000;
}

/** A two-digit year more than 50 years ahead means one that has passed (RFC 9110 §5.6.7). */
function fullYear(digits: number, now: number): number {
  const latest = new Date(now).getUTCFullYear() + 50;
  return latest - ((((latest - digits) % 100) + 100) % 100);
}
