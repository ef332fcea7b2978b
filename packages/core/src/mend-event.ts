import { createEvent, type EventContext, type EventRules } from "./create-event.ts";
import { isHookError } from "./errors.ts";
import type { EventFields } from "./event.ts";
import { describe } from "./event-checks.ts";
import { shortenError } from "./event-error.ts";
import { isPlain, type JsonObject, jsonBytes } from "./json.ts";
import { siftEntries } from "./sift-entries.ts";
import { namesText } from "./unknown-hook.ts";

/** What is to be told of instrumented code, and where that stands. */
export interface Told {
  readonly type: string;
  readonly fields: EventFields<object>;
  readonly context: EventContext | undefined;
}

export interface Mended {
  readonly fields: EventFields<object>;
  /** What they go without now, for people. */
  readonly without: string;
}

/**
 * The fields of an event that was refused, without the metadata that no event can carry, or cut to the size that is
 * allowed. `undefined` where neither is what was wrong.
 */
export function mendFields(told: Told, refusal: unknown, rules: EventRules): Mended | undefined {
  if (!isHookError(refusal)) return undefined;
  if (refusal.code === "EVENT_INVALID") return withoutBad(told, rules);
  if (refusal.code === "EVENT_TOO_LARGE") return cutToFit(told, rules);
  return undefined;
}

function withoutBad({ type, fields }: Told, rules: EventRules): Mended | undefined {
  const metadata = fields.metadata ?? {};
  if (!isPlain(metadata)) return { fields: { ...fields, metadata: {} }, without: "its metadata" };
  const { kept, left } = siftEntries(metadata, (entry) =>
    createEvent(type, { id: "probe", metadata: entry }, undefined, ofAnySize(rules), 0),
  );
  if (left.length === 0) return undefined;
  return { fields: { ...fields, metadata: kept }, without: metadataText(left) };
}

/** The error is cut to half of the room, then the largest metadata is left out. */
function cutToFit({ type, fields, context }: Told, rules: EventRules): Mended | undefined {
  const { maxEventBytes } = rules;
  const event = createEvent(type, fields, context, ofAnySize(rules), 0);
  const error = event.error && shortenError(event.error, maxEventBytes / 2);
  const isCut = error !== event.error;
  let excess = jsonBytes({ ...event, error }) - maxEventBytes;
  const left = new Set<string>();
  for (const [key, bytes] of largestFirst(event.metadata)) {
    if (excess <= 0) break;
    left.add(key);
    excess -= bytes;
  }
  if (left.size === 0 && !isCut) return undefined;
  const kept = Object.entries(event.metadata).filter(([key]) => !left.has(key));
  const without = [
    ...(isCut ? ["the end of its error's texts"] : []),
    ...(left.size > 0 ? [metadataText([...left])] : []),
  ];
  return {
    fields: { ...fields, metadata: Object.fromEntries(kept), error },
    without: without.join(" and "),
  };
}

function largestFirst(metadata: JsonObject): [string, number][] {
  return Object.entries(metadata)
    .map(([key, value]): [string, number] => [key, jsonBytes({ [key]: value }) - 2])
    .sort(([, a], [, b]) => b - a);
}

function ofAnySize(rules: EventRules): EventRules {
  return { ...rules, maxEventBytes: Number.POSITIVE_INFINITY };
}

function metadataText(names: readonly string[]): string {
  return `metadata ${namesText(names.map(describe))}`;
}
