import { isOwnType } from "../catalogue.ts";
import { formatDuration } from "../duration.ts";
import type { Delivery } from "../hook.ts";
import type { JsonValue } from "../json.ts";
import { linkFields } from "./links.ts";
import type { MessageFact } from "./message.ts";
import { formatCount, type Times } from "./quantities.ts";
import { simpleText, type ToldEvent, textAt } from "./told.ts";

/** Told elsewhere in the message, or of no use to people. */
const untold = new Set([
  ...["duration", "duration_ms", "rows", "run_id", "message", "label", "hook"],
  ...["event", "events", "started_again", "truncated", ...linkFields],
]);

/** Longer JSON is nothing for people. */
const longestJson = 100;

/** Where it happened, figures, and values of the emitter's own. */
export function factsOf(
  { alert, key }: Delivery,
  { event, mood, since }: ToldEvent,
  { times, mostValues }: { readonly times: Times; readonly mostValues: number },
): readonly MessageFact[] {
  const { metadata } = event;
  const places = toFacts([
    ["Pipeline", event.pipeline],
    ["Flowgroup", event.flowgroup],
    ["Action", event.action],
    ["Table", event.table],
  ]);
  const isKnown = key === null || places.some(({ value }) => value === key);
  const isOwn = isOwnType(event.type);
  const figures = toFacts([
    ["Group", isKnown ? undefined : key],
    ["Run", event.runId ?? textAt(event, "run_id")],
    ["Status", textAt(event, "label")],
    ["Since", alert === undefined && since !== undefined ? times.inTable(since) : undefined],
    ["Time", times.inTable(event.time)],
    ["Duration", durationOf(metadata)],
    [
      "Rows",
      typeof metadata.rows === "number" ? formatCount(metadata.rows) : textAt(event, "rows"),
    ],
  ]);
  const values = isOwn
    ? ownFields.map(([name, field]): Named => [name, textAt(event, field)])
    : Object.entries(metadata)
        .filter(([name]) => !untold.has(name))
        .map(([name, value]): Named => [name, valueText(value)]);
  // Of what is wrong the error says why.
  const reason = isOwn && mood !== "problem" ? reasonOf(event) : undefined;
  return [
    ...places,
    ...figures,
    ...toFacts([["Reason", reason]]),
    ...toFacts(values).slice(0, mostValues),
  ];
}

/** Of several events: what they have in common, and how much came when. */
export function factsOfMany({ key, gate, events }: Delivery, times: Times): readonly MessageFact[] {
  const [first, ...more] = events.map(({ time }) => times.inTable(time));
  const last = more.at(-1) ?? first;
  const inputs = Object.entries(gate?.inputs ?? {});
  return toFacts([
    ["Group", key ?? undefined],
    ...inputs.map(([name, { count }]): Named => [name, `${formatCount(count)} came`]),
    ...(first === last
      ? [["Time", first] as const]
      : [["First", first] as const, ["Last", last] as const]),
  ]);
}

/** Of what Pipehooks says of itself. */
const ownFields = [
  ["Attempt", "attempt"],
  ["Answer", "status"],
  ["Delivery", "delivery"],
  ["Event", "event"],
  ["Missed in a row", "missed"],
] as const;

type Named = readonly [name: string, value: string | undefined];

function toFacts(named: readonly Named[]): readonly MessageFact[] {
  return named.flatMap(([name, value]) => (value ? [{ name, value }] : []));
}

function durationOf({ duration, duration_ms: ms }: ToldEvent["event"]["metadata"]) {
  if (typeof ms === "number") return formatDuration(ms);
  return typeof duration === "number" ? formatDuration(duration * 1000) : undefined;
}

function reasonOf(event: ToldEvent["event"]): string | undefined {
  return textAt(event, "reason") ?? textAt(event, "because");
}

function valueText(value: JsonValue): string | undefined {
  if (value === null) return undefined;
  const simple = simpleText(value);
  if (simple !== undefined) return simple;
  const json = JSON.stringify(value);
  return json.length > longestJson || json === "{}" ? undefined : json;
}
