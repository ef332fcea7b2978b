import type { StandardSchemaV1 } from "@standard-schema/spec";
import { z } from "zod";
import { eventTypePattern, unknownMetadata } from "./catalogue.ts";
import { HookError, messageOf } from "./errors.ts";
import { type EventFields, eventFields, type PipehooksEvent } from "./event.ts";
import { toEventError } from "./event-error.ts";
import { createId } from "./id.ts";
import { issuesText } from "./issues-text.ts";
import { freezeJson, isPlain, type JsonObject, type JsonSize } from "./json.ts";
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

const traceparentPattern = /^[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;
// The profile of RFC 3339 that CloudEvents asks for: date, time, zone, all of it.
const timePattern = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;
const extensionPattern = /^[a-z\d]{1,40}$/;
const emptyMetadata: JsonObject = Object.freeze({});

const errorSchema = z.strictObject({
  message: z.string(),
  class: z.string().optional(),
  code: z.string().optional(),
  severity: z.enum(["INFO", "WARNING", "ERROR", "CRITICAL"]).optional(),
  stack: z.string().optional(),
  causes: z.array(z.strictObject({ class: z.string().optional(), message: z.string() })).optional(),
});

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
  const size: JsonSize = { maxBytes: 400 + type.length, lists };
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

function text(type: string, name: string, value: unknown, size: JsonSize): string {
  if (typeof value !== "string" || value === "") {
    throw invalid(type, `has ${describe(value)} as "${name}"`, "Give a text that is not empty");
  }
  size.maxBytes += value.length * 6 + name.length + 6;
  return value;
}

function timeText(type: string, value: unknown): string {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  if (typeof value === "string" && timePattern.test(value)) {
    const ms = Date.parse(value);
    if (!Number.isNaN(ms)) return new Date(ms).toISOString();
  }
  throw invalid(
    type,
    `has ${describe(value)} as "time"`,
    'Give a Date or RFC 3339 text with a zone, such as "2026-03-29T01:00:00Z"',
  );
}

function metadataOf(type: string, schema: StandardSchemaV1, value: unknown, size: JsonSize) {
  const given = value ?? emptyMetadata;
  if (typeof given === "object" && !isPlain(given)) {
    throw invalid(type, `has a ${given.constructor?.name} as "metadata"`, "Give a plain object");
  }
  const result = schema["~standard"].validate(given);
  if (result instanceof Promise) {
    // Nobody waits for its verdict.
    result.catch(() => {});
    throw invalid(type, "has an asynchronous schema", "Use one that validates synchronously");
  }
  if (result.issues !== undefined) {
    throw invalid(
      type,
      `does not fit its schema: ${issuesText(result.issues)}`,
      "Mend the metadata",
    );
  }
  if (typeof result.value !== "object" || result.value === null || Array.isArray(result.value)) {
    throw invalid(type, `has ${describe(result.value)} as "metadata"`, "Give an object");
  }
  return result.value === emptyMetadata
    ? emptyMetadata
    : freezeJson(result.value, "metadata", size);
}

function errorOf(type: string, error: unknown, size: JsonSize) {
  const plain = error instanceof Error ? toEventError(error) : error;
  const checked = errorSchema.safeParse(plain);
  if (!checked.success) {
    throw invalid(
      type,
      `has an "error" that does not fit: ${issuesText(checked.error.issues)}`,
      "Give an Error, or an object with message and optionally class, code, severity, stack, causes",
    );
  }
  return freezeJson(plain, "error", size);
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
    throw new HookError(
      "EVENT_LOOP",
      `Event "${type}" would be the ${hops}th in a chain of causes (the most is ${mostHops}), caused by ` +
        `event ${causedBy}. Two hooks probably cause each other: make one filter out what the other emits.`,
    );
  }
  event.hops = hops;
}

/** Whether it is a `traceparent` of W3C Trace Context; version `ff` is none. */
export function isTraceparent(value: unknown): value is string {
  return typeof value === "string" && traceparentPattern.test(value) && !value.startsWith("ff");
}

function checkTraceparent(type: string, value: unknown): string {
  if (isTraceparent(value)) return value;
  throw invalid(type, `has ${describe(value)} as "traceparent"`, "Give 00-<trace>-<span>-<flags>");
}

function checkExtensions(type: string, value: unknown, size: JsonSize) {
  if (typeof value !== "object" || value === null || !isPlain(value)) {
    throw invalid(type, `has ${describe(value)} as "extensions"`, "Give an object");
  }
  for (const [name, item] of Object.entries(value)) {
    if (!extensionPattern.test(name)) {
      throw invalid(type, `has an extension "${name}"`, "Names are lower-case letters and digits");
    }
    if (!["string", "number", "boolean"].includes(typeof item)) {
      throw invalid(type, `has ${describe(item)} as extension "${name}"`, "Give a simple value");
    }
  }
  return freezeJson(value, "extensions", size);
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

function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  const shown = typeof value === "string" ? JSON.stringify(value) : messageOf(value);
  return shown.length > 80 ? `${shown.slice(0, 80)}…` : shown;
}

function invalid(type: string, what: string, remedy: string): HookError {
  return new HookError("EVENT_INVALID", `Event "${type}" ${what}. ${remedy}.`);
}
