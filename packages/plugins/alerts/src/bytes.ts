import type { JsonValue } from "@pipehooks/core";

/** Bytes of a value as it is sent: JSON in UTF-8. */
export function bytesOf(value: JsonValue): number {
  return Buffer.byteLength(JSON.stringify(value));
}
