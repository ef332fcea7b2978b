import type { StandardSchemaV1 } from "@standard-schema/spec";
import { eventTypePattern, unknownMetadata } from "./catalogue.ts";
import { HookError } from "./errors.ts";
import { type EventFields, eventFields, type PipehooksEvent } from "./event.ts";
import {
  checkExtensions,
  checkTraceparent,
  describe,
  errorOf,
  invalid,
  metadataOf,
  text,
  timeText,
} from "./event-checks.ts";
import { createId } from "./id.ts";
import type { JsonSize } from "./json.ts";
import { didYouMean } from "./nearest.ts";

/** What stamps and checks events. */
export interface EventRules {
  readonly source: string;
  readonly types: Readonly<Record<string, StandardSchemaV1>>;
  readonly allowUnknownTypes: boolean;
  readonly maxEventBytes: number;
  /** Whether the JSON text is wanted with each event. */
  readonly wantsJson?: boolean;
}

/** An event, with its JSON text where it was cheaper to make that at once. */
export interface Stamped {
  readonly event: PipehooksEvent;
  readonly json: string | undefined;
}

/** What instrumentation knows about where the code runs. */
export type EventContext = Pick<
  EventFields,
  "pipeline" | "flowgroup" | "action" | "runId" | "traceparent" | "causedBy" | "hops"
>;

/** Longest chain of causes; the event behind it is refused, which ends loops. */
export const mostHops = 16;

/**
 * Stamps, checks and freezes an event.
 * @throws HookError EVENT_INVALID, EVENT_TOO_LARGE, EVENT_TYPE_UNKNOWN, EVENT_LOOP
 */
export function createEvent(
  type: string,
  fields: EventFields<unknown>,
  context: EventContext | undefined,
  rules: EventRules,
  now: number,
): PipehooksEvent {
  return stampEvent(type, fields, context, rules, now).event;
}

/** The same, for a store. */
export function stampEvent(
  type: string,
  fields: EventFields<unknown>,
  context: EventContext | undefined,
  rules: EventRules,
  now: number,
): Stamped {
  const schema = schemaOf(type, rules);
  if (typeof fields !== "object" || Array.isArray(fields)) {
    const what = Array.isArray(fields) ? "a list" : String(fields);
    throw invalid(type, `was given ${what} as its fields`, "Give an object, such as { pipeline }");
  }
  for (const name in fields) {
    if (isField(name) || !Object.hasOwn(fields, name)) continue;
    const remedy = `${didYouMean(name, eventFields)}Put own data into metadata`;
    throw invalid(type, `has an unknown field "${name}"`, remedy);
  }
  const lists: unknown[] = [];
  // What is of bounded length: id, time, traceparent, hops, names of fields.
  const size: JsonSize = { maxBytes: 400 + type.length, lists, type };
  // Empty at first, for a literal with fields may be kept too long: see docs/architecture.md.
  const event: Record<string, unknown> = {};
  event.id = fields.id === undefined ? createId(now) : text(type, "id", fields.id, size);
  event.source = text(type, "source", fields.source ?? rules.source, size);
  event.type = type;
  event.time = fields.time === undefined ? isoOf(now) : timeText(type, fields.time);
  // One by one: each is asked for under a name of its own, which costs a third of what a loop over names does.
  const subject = fields.subject ?? undefined;
  const table = fields.table ?? undefined;
  const pipeline = fields.pipeline ?? context?.pipeline;
  const flowgroup = fields.flowgroup ?? context?.flowgroup;
  const action = fields.action ?? context?.action;
  const runId = fields.runId ?? context?.runId;
  if (subject !== undefined) event.subject = text(type, "subject", subject, size);
  if (pipeline !== undefined) event.pipeline = text(type, "pipeline", pipeline, size);
  if (flowgroup !== undefined) event.flowgroup = text(type, "flowgroup", flowgroup, size);
  if (action !== undefined) event.action = text(type, "action", action, size);
  if (table !== undefined) event.table = text(type, "table", table, size);
  if (runId !== undefined) event.runId = text(type, "runId", runId, size);
  event.metadata = metadataOf(type, schema, fields.metadata, size);
  if (fields.error !== undefined) event.error = errorOf(type, fields.error, size);
  stampCause(event, type, fields, context, size);
  const traceparent = fields.traceparent ?? context?.traceparent;
  if (traceparent !== undefined) event.traceparent = checkTraceparent(type, traceparent);
  if (fields.extensions !== undefined) {
    event.extensions = checkExtensions(type, fields.extensions, size);
  }
  // V8 writes a frozen list item by item, each one the long way.
  const json = rules.wantsJson === true && lists.length > 0 ? JSON.stringify(event) : undefined;
  for (const list of lists) Object.freeze(list);
  const frozen = Object.freeze(event) as unknown as PipehooksEvent;
  if (size.maxBytes > rules.maxEventBytes) checkBytes(frozen, json, rules.maxEventBytes);
  return { event: frozen, json };
}

function isField(name: string): name is keyof EventFields {
  switch (name as keyof EventFields) {
    case "id":
    case "source":
    case "time":
    case "subject":
    case "pipeline":
    case "flowgroup":
    case "action":
    case "table":
    case "runId":
    case "metadata":
    case "error":
    case "causedBy":
    case "hops":
    case "traceparent":
    case "extensions":
      return true;
    default:
      return false;
  }
}

function schemaOf(type: string, rules: EventRules): StandardSchemaV1 {
  const schema = Object.hasOwn(rules.types, type) ? rules.types[type] : undefined;
  if (schema !== undefined) return schema;
  if (typeof type !== "string" || !eventTypePattern.test(type)) {
    throw new HookError(
      "EVENT_INVALID",
      `Event type ${JSON.stringify(type)} is not a dotted lower-case name, such as "table.created".`,
    );
  }
  if (rules.allowUnknownTypes) return unknownMetadata;
  throw new HookError(
    "EVENT_TYPE_UNKNOWN",
    `Event type "${type}" is neither built in nor defined. ${didYouMean(type, Object.keys(rules.types))}` +
      `Define it (defineEvents, event_types), or allow unknown types (allowUnknownTypes, allow_unknown_types).`,
  );
}

function stampCause(
  event: Record<string, unknown>,
  type: string,
  fields: EventFields<unknown>,
  context: EventContext | undefined,
  size: JsonSize,
): void {
  const causedBy = fields.causedBy ?? context?.causedBy;
  if (causedBy !== undefined) event.causedBy = text(type, "causedBy", causedBy, size);
  const hops = fields.hops ?? context?.hops;
  if (hops === undefined) return;
  if (!Number.isInteger(hops) || hops < 0) {
    throw invalid(type, `has ${describe(hops)} as "hops"`, "Give a whole number from 0");
  }
  if (hops > mostHops) {
    const cause = causedBy === undefined ? "" : `, caused by event ${causedBy}`;
    throw new HookError(
      "EVENT_LOOP",
      `Event "${type}" would stand behind ${hops} others in a chain of causes (the most is ${mostHops})${cause}. ` +
        "Two hooks probably cause each other: make one filter out what the other emits.",
    );
  }
  event.hops = hops;
}

function checkBytes(event: PipehooksEvent, json: string | undefined, most: number): void {
  const bytes = Buffer.byteLength(json ?? JSON.stringify(event));
  if (bytes <= most) return;
  throw new HookError(
    "EVENT_TOO_LARGE",
    `Event "${event.type}" is ${bytes} bytes as JSON, and the most is ${most}. ` +
      "Put the data where it belongs and its address into metadata, or raise maxEventBytes (max_event_size).",
  );
}

let isoMs = 0;
let isoText = new Date(0).toISOString();

// Most events of a burst share a millisecond, and toISOString is the dearest part of a stamp.
function isoOf(now: number): string {
  if (now !== isoMs) {
    isoMs = now;
    isoText = new Date(now).toISOString();
  }
  return isoText;
}
