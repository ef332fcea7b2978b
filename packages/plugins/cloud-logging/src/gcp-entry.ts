import { hash } from "node:crypto";
import type { JsonObject, JsonValue } from "@pipehooks/core";

/** A LogEntry as the client takes it (google/logging/v2/log_entry.proto), its payload still as JSON. */
export interface GcpEntry {
  readonly severity: string;
  readonly insertId: string;
  readonly timestamp: { readonly seconds: number; readonly nanos: number };
  readonly labels: Readonly<Record<string, string>>;
  readonly trace?: string;
  readonly spanId?: string;
  readonly traceSampled?: boolean;
  readonly payload: string | JsonObject;
}

/** Deeper than this, values become JSON texts: readers of protocol buffers give up at a depth of 100 messages. */
const deepest = 20;

/**
 * What entries of one time are told apart by. An event's id does so among those of its source; it comes first, for queries
 * sort by it.
 */
export function toInsertId(id: string, source: string): string {
  return `${id}.${hash("sha256", source, "hex").slice(0, 12)}`;
}

/** Seconds and nanoseconds without the noise of a division: entries are told apart by them. */
export function toTimestamp(ms: number): GcpEntry["timestamp"] {
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanos: (ms - seconds * 1000) * 1_000_000 };
}

/** The entry with its payload as a Struct or a text. */
export function toLogEntry({ payload, ...entry }: GcpEntry): object {
  return typeof payload === "string"
    ? { ...entry, textPayload: payload }
    : { ...entry, jsonPayload: toStruct(payload, 0) };
}

/** Exact bytes of the entry on the wire. */
export function entryBytes({ payload, labels, timestamp, ...entry }: GcpEntry): number {
  const { insertId, trace = "", spanId = "", traceSampled } = entry;
  let bytes =
    typeof payload === "string" ? field(textBytes(payload)) : field(structBytes(payload, 0));
  bytes += field(textBytes(insertId)) + 3;
  bytes += field(1 + varintBytes(timestamp.seconds) + 1 + varintBytes(timestamp.nanos));
  for (const [key, value] of Object.entries(labels)) {
    bytes += field(field(textBytes(key)) + field(textBytes(value)));
  }
  // These have tags of two bytes.
  if (trace !== "") bytes += 1 + field(textBytes(trace));
  if (spanId !== "") bytes += 1 + field(textBytes(spanId));
  return traceSampled === true ? bytes + 3 : bytes;
}

function toStruct(object: JsonObject, depth: number): object {
  const fields: Record<string, object> = {};
  for (const [key, value] of Object.entries(object)) {
    Object.defineProperty(fields, key, { value: toValue(value, depth), enumerable: true });
  }
  return { fields };
}

function toValue(value: JsonValue, depth: number): object {
  switch (typeof value) {
    case "string":
      return { stringValue: value };
    case "number":
      return { numberValue: value };
    case "boolean":
      return { boolValue: value };
    default:
      if (value === null) return { nullValue: 0 };
      if (depth >= deepest) return { stringValue: JSON.stringify(value) };
      return isList(value)
        ? { listValue: { values: value.map((item) => toValue(item, depth + 1)) } }
        : { structValue: toStruct(value, depth + 1) };
  }
}

function structBytes(object: JsonObject, depth: number): number {
  let bytes = 0;
  for (const [key, value] of Object.entries(object)) {
    bytes += field(field(textBytes(key)) + field(valueBytes(value, depth)));
  }
  return bytes;
}

function valueBytes(value: JsonValue, depth: number): number {
  switch (typeof value) {
    case "string":
      return field(textBytes(value));
    case "number":
      return 9;
    case "boolean":
      return 2;
    default:
      if (value === null) return 2;
      if (depth >= deepest) return field(textBytes(JSON.stringify(value)));
      return field(
        isList(value)
          ? value.reduce<number>((sum, item) => sum + field(valueBytes(item, depth + 1)), 0)
          : structBytes(value, depth + 1),
      );
  }
}

/** Tag, length and content. */
function field(length: number): number {
  return 1 + varintBytes(length) + length;
}

function textBytes(text: string): number {
  return Buffer.byteLength(text);
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}

// Array.isArray does not narrow readonly arrays.
function isList(value: JsonObject | readonly JsonValue[]): value is readonly JsonValue[] {
  return Array.isArray(value);
}
