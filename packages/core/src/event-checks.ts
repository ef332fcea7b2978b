import type { StandardSchemaV1 } from "@standard-schema/spec";
import { z } from "zod";
import { HookError, messageOf } from "./errors.ts";
import { toEventError } from "./event-error.ts";
import { issuesText } from "./issues-text.ts";
import { freezeJson, isPlain, type JsonObject, type JsonSize } from "./json.ts";
import { parseRfc3339 } from "./rfc3339.ts";

// What each field of an event may be; who calls stamps and freezes them.

const traceparentPattern = /^[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;
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

export function text(type: string, name: string, value: unknown, size: JsonSize): string {
  if (typeof value !== "string" || value === "") {
    throw invalid(type, `has ${describe(value)} as "${name}"`, "Give a text that is not empty");
  }
  size.maxBytes += value.length * 6 + name.length + 6;
  return value;
}

export function timeText(type: string, value: unknown): string {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  const ms = typeof value === "string" ? parseRfc3339(value) : Number.NaN;
  if (!Number.isNaN(ms)) return new Date(ms).toISOString();
  throw invalid(
    type,
    `has ${describe(value)} as "time"`,
    'Give a Date or RFC 3339 text with a zone, such as "2026-03-29T01:00:00Z"',
  );
}

export function metadataOf(type: string, schema: StandardSchemaV1, value: unknown, size: JsonSize) {
  const given = value ?? emptyMetadata;
  if (typeof given === "object" && !isPlain(given)) {
    throw invalid(type, `has a ${given.constructor?.name} as "metadata"`, "Give a plain object");
  }
  const result = validate(type, schema, given);
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

function validate(type: string, schema: StandardSchemaV1, metadata: unknown) {
  let result: ReturnType<StandardSchemaV1["~standard"]["validate"]>;
  try {
    result = schema["~standard"].validate(metadata);
  } catch (error) {
    const why = `has metadata that its schema could not judge: ${messageOf(error)}`;
    throw invalid(type, why, "Mend the schema, or what throws while it is read", error);
  }
  if (!(result instanceof Promise)) return result;
  // Nobody waits for its verdict. zod makes a promise of what is thrown, too.
  result.catch(() => {});
  throw invalid(
    type,
    "has metadata that its schema did not judge at once: it is asynchronous, or something threw",
    "Use one that validates synchronously, and metadata that can be read",
  );
}

export function errorOf(type: string, error: unknown, size: JsonSize) {
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

/** Whether it is a `traceparent` of W3C Trace Context; version `ff` is none. */
export function isTraceparent(value: unknown): value is string {
  return typeof value === "string" && traceparentPattern.test(value) && !value.startsWith("ff");
}

export function checkTraceparent(type: string, value: unknown): string {
  if (isTraceparent(value)) return value;
  throw invalid(type, `has ${describe(value)} as "traceparent"`, "Give 00-<trace>-<span>-<flags>");
}

export function checkExtensions(type: string, value: unknown, size: JsonSize) {
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

export function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  const shown = typeof value === "string" ? JSON.stringify(value) : messageOf(value);
  return shown.length > 80 ? `${shown.slice(0, 80)}…` : shown;
}

export function invalid(type: string, what: string, remedy: string, cause?: unknown): HookError {
  return new HookError("EVENT_INVALID", `Event "${type}" ${what}. ${remedy}.`, { cause });
}
