import { formatDuration } from "../duration.ts";
import type { Delivery } from "../hook.ts";
import { describeError } from "./describe-error.ts";
import { factsOf, factsOfMany } from "./facts.ts";
import { isOfJoin, rowsOf, tellMany } from "./gathered.ts";
import { linksOf, type MakeLink } from "./links.ts";
import type { Message, MessageError } from "./message.ts";
import { countOf, formatCount, type Times, timesIn } from "./quantities.ts";
import { tell } from "./tell.ts";
import { gravest, labelOf, type Told, type ToldEvent, toneOf } from "./told.ts";

export interface MessageOptions {
  /** Address to link to, from {@link compileLink}. @default no link */
  readonly dashboard?: MakeLink | undefined;
  /** IANA name of the zone of all times, such as `Europe/Paris`. @default "UTC" */
  readonly timeZone?: string | undefined;
  /** Times of facts and rows to the second, not to the minute. @default false */
  readonly seconds?: boolean | undefined;
  /** Most events that are told one by one. @default 10 */
  readonly mostRows?: number | undefined;
  /** Most values of the event's own metadata among the facts. @default 8 */
  readonly mostValues?: number | undefined;
}

/**
 * What a delivery means, in words: for every type of event and every gate. The same delivery has the same words on every
 * attempt.
 * @throws RangeError for a time zone that nobody knows
 * @example
 * const { tone, headline, summary, error } = toMessage(delivery, { timeZone: "Europe/Paris" });
 */
export function toMessage(
  delivery: Delivery,
  { dashboard, timeZone = "UTC", seconds, mostRows = 10, mostValues = 8 }: MessageOptions = {},
): Message {
  const { alert, gate, count } = delivery;
  const times = timesIn(timeZone, seconds);
  const all = delivery.events.map((event) => tell(event, times));
  const last = tell(delivery.event, times);
  const failure = all.findLast(({ mood }) => mood === "problem");
  const goesOn = alert !== undefined && alert.state !== "resolved";
  const shown = goesOn ? (failure ?? last) : last;
  // An incident is one thing, however many failures it has.
  const isMany = alert === undefined && (count > 1 || isOfJoin(gate));
  const hasRows = isMany || (goesOn && count > 1);
  const rows = hasRows ? rowsOf(all, mostRows, times) : [];

  const told: Told = isMany ? tellMany(delivery, all) : shown;
  const how = alert === undefined ? told : moodOfIncident(delivery, all);
  const standing = standingOf(delivery);
  return {
    severity: how.severity,
    mood: how.mood,
    tone: toneOf(how),
    label: alert?.state === "reminder" ? `STILL ${how.severity}` : labelOf(how),
    title: told.title,
    standing,
    headline: standing === undefined ? told.title : `${standing}: ${told.title}`,
    summary: summaryOf(told, delivery, times),
    facts: isMany ? factsOfMany(delivery, times) : factsOf(delivery, shown, { times, mostValues }),
    error: isMany ? undefined : errorOf(failure ?? shown, delivery),
    rows,
    moreRows: hasRows ? count - rows.length : 0,
    links: linksOf(
      delivery,
      isMany ? [shown.event] : [shown.event, (failure ?? shown).event],
      dashboard,
    ),
    footer: footerOf(delivery),
    at: delivery.event.time,
    since: alert?.since ?? told.since,
    state: alert?.state,
    count,
  };
}

/** What opens an incident is a problem, whatever its type; what resolves one is none. */
function moodOfIncident(
  { alert }: Delivery,
  all: readonly ToldEvent[],
): Pick<Told, "mood" | "severity"> {
  if (alert?.state === "resolved") return { mood: "resolved", severity: "INFO" };
  const severity = gravest(all.map((told) => told.severity));
  return { mood: "problem", severity: severity === "INFO" ? "ERROR" : severity };
}

function standingOf({ alert, event, since }: Delivery): string | undefined {
  if (alert === undefined || alert.state === "opened") return undefined;
  const isOver = alert.state === "resolved";
  const happened = Date.parse(event.time);
  // What ends an incident is an event; what reminds of it is the time.
  const lastedMs = (isOver ? happened : (since ?? happened)) - Date.parse(alert.since);
  const name = isOver ? "Resolved" : "Still open";
  return lastedMs < 1000 ? name : `${name} after ${formatDuration(lastedMs)}`;
}

function summaryOf({ summary }: Told, { alert, gate }: Delivery, times: Times): string | undefined {
  if (alert !== undefined) {
    const of = alert.key === null ? "" : ` of ${alert.key}`;
    return `${countOf(alert.count, "failure")}${of} since ${times.inSentence(alert.since)}.`;
  }
  const why = gate === undefined ? undefined : `Told now: ${gate.reason}.`;
  // Last what may end in a command.
  return [why, summary].filter(Boolean).join(" ") || undefined;
}

/** Under what is over, the error is named as what it was. */
function errorOf({ event }: ToldEvent, { alert }: Delivery): MessageError | undefined {
  const error = describeError(event);
  if (error === undefined || alert?.state !== "resolved") return error;
  return { ...error, title: ["Last failure", error.title].filter(Boolean).join(": ") };
}

function footerOf({ event, hook, alert, count }: Delivery): string {
  const last = count > 1 ? `, the last of ${formatCount(count)} events` : "";
  const incident = alert === undefined ? [] : [`incident ${alert.incident}`];
  return [
    `${event.type} ${event.id}${last}`,
    `from ${event.source}`,
    `hook ${hook}`,
    ...incident,
  ].join(" · ");
}
