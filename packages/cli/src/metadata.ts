import type { JsonObject, JsonValue } from "@pipehooks/core";
import { UsageError } from "./usage-error.ts";

/**
 * `rows=42` is a number, `full=true` a boolean, `table=orders` a text. Numbers that would not come back as they were
 * typed (`1.10`, `007`) stay texts; `"…"`, `[…]` and `{…}` are JSON.
 */
export function parseMetadata(pairs: readonly string[]): JsonObject {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      if (at < 1) {
        throw new UsageError(`--metadata has "${pair}". Write KEY=VALUE, such as rows=42.`);
      }
      return [pair.slice(0, at), parseValue(pair.slice(at + 1))];
    }),
  );
}

function parseValue(text: string): JsonValue {
  if (/^(?:true|false|null)$/.test(text)) return JSON.parse(text) as JsonValue;
  if (/^-?\d/.test(text)) {
    const number = Number(text);
    return Number.isFinite(number) && String(number) === text ? number : text;
  }
  if (!/^["[{]/.test(text)) return text;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}

export function parseMetadataJson(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`It is not JSON: ${error instanceof Error ? error.message : error}.`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as JsonObject;
  throw new UsageError('It is no JSON object, such as {"rows": 42}.');
}
