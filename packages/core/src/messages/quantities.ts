/** A number for people: `1,250`; the same everywhere, whatever the machine's language. */
export function formatCount(value: number): string {
  return value.toLocaleString("en-US");
}

/** `1 failure`, `1,250 failures` */
export function countOf(value: number, noun: string): string {
  return `${formatCount(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** Times for people in a zone; what is no time stays as it is. */
export interface Times {
  /** For sentences: `2026-01-15 06:30 UTC`. */
  inSentence(iso: string): string;
  /** For facts and rows, where wanted to the second: `2026-01-15 06:30:00 UTC`. */
  inTable(iso: string): string;
}

/** @throws RangeError for a zone that nobody knows */
export function timesIn(timeZone: string, seconds = false): Times {
  const write = knownZones.get(timeZone) ?? createWriter(timeZone);
  knownZones.set(timeZone, write);
  return { inSentence: (iso) => write(iso, false), inTable: (iso) => write(iso, seconds) };
}

type WriteTime = (iso: string, seconds: boolean) => string;

// Making a format takes longer than all else in a message.
const knownZones = new Map<string, WriteTime>();

function createWriter(timeZone: string): WriteTime {
  const format = new Intl.DateTimeFormat("en-GB", {
    ...{ timeZone, timeZoneName: "short", hourCycle: "h23", year: "numeric" },
    ...{ month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" },
  });
  return (iso, seconds) => {
    const ms = Date.parse(iso);
    if (Number.isNaN(ms)) return iso;
    const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? "";
    const date = `${part("year")}-${part("month")}-${part("day")}`;
    const time = `${part("hour")}:${part("minute")}${seconds ? `:${part("second")}` : ""}`;
    return `${date} ${time} ${part("timeZoneName")}`;
  };
}
