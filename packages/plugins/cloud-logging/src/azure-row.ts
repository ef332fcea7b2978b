import type { JsonObject, JsonValue } from "@pipehooks/core";
import type { Fit } from "./cloud.ts";
import { cutText } from "./cut.ts";
import type { LogRecord } from "./record.ts";

/** What a column keeps of a value: of a longer one Azure would drop the end, whatever becomes of its JSON. */
const mostColumnBytes = 65_536;
const longestName = 80;

/** A record as a row of the stream: each value within its column, and with the time that most tables need. */
export function toRow(
  { content, time }: Pick<LogRecord, "content" | "time">,
  fit: Fit,
): JsonObject {
  const fields: JsonObject = typeof content === "string" ? { message: content } : content;
  const columns = Object.entries(fields).map(([name, value]) => [
    name,
    fit(value, {
      sizeOf: columnBytes,
      mostBytes: mostColumnBytes,
      what: `the column "${cutText(name, longestName)}"`,
    }),
  ]);
  const row = { TimeGenerated: new Date(time).toISOString(), ...Object.fromEntries(columns) };
  return fit(row, { sizeOf: rowBytes });
}

/** Bytes of a row in the body, without what stands around it. */
export function rowBytes(row: JsonObject): number {
  return Buffer.byteLength(JSON.stringify(row));
}

function columnBytes(value: JsonValue): number {
  return Buffer.byteLength(typeof value === "string" ? value : JSON.stringify(value));
}
