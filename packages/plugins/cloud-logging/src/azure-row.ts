import type { JsonObject, JsonValue } from "@pipehooks/core";
import { cutText, cutToFit } from "./cut.ts";
import type { LogRecord } from "./record.ts";

/** What a column keeps of a value. */
const mostColumnBytes = 65_536;

/** A record as a row of the stream: each value within its column, and with the time that most tables need. */
export function toRow({ content, time }: Pick<LogRecord, "content" | "time">): JsonObject {
  const fields: JsonObject = typeof content === "string" ? { message: content } : content;
  const columns = Object.entries(fields).map(([name, value]) => [name, toColumn(value)]);
  return { TimeGenerated: new Date(time).toISOString(), ...Object.fromEntries(columns) };
}

/** Bytes of a row in the body, without what stands around it. */
export function rowBytes(row: JsonObject): number {
  return Buffer.byteLength(JSON.stringify(row));
}

function toColumn(value: JsonValue): JsonValue {
  if (typeof value === "string") return cutText(value, mostColumnBytes);
  if (typeof value !== "object" || value === null) return value;
  const text = JSON.stringify(value);
  if (Buffer.byteLength(text) <= mostColumnBytes) return value;
  // Cut by Azure it would be JSON no more.
  const cut = cutToFit({ value }, mostColumnBytes, (wrapped) => rowBytes(wrapped));
  return cut?.value ?? cutText(text, mostColumnBytes);
}
