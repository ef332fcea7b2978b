import type { JsonObject, JsonValue } from "@pipehooks/core";

/** Shorter than this no text is cut: nothing would be left of it. */
const fewestBytes = 64;

/** A text within so many bytes of UTF-8; of a longer one its beginning, with a mark that says what is missing. */
export function cutText(text: string, mostBytes: number): string {
  if (text.length * 3 <= mostBytes) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= mostBytes) return text;
  const mark = `… [cut, ${bytes.length} bytes in all]`;
  let end = Math.max(0, mostBytes - Buffer.byteLength(mark));
  // Not in the middle of a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end) + mark;
}

/** The same value with no text in it longer than so many bytes. */
function cutTexts<Value extends JsonValue>(value: Value, mostBytes: number): Value;
function cutTexts(value: JsonValue, mostBytes: number): JsonValue {
  if (typeof value === "string") return cutText(value, mostBytes);
  if (typeof value !== "object" || value === null) return value;
  if (isList(value)) return value.map((item) => cutTexts(item, mostBytes));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, cutTexts(item, mostBytes)]),
  );
}

/**
 * The value with its longest texts cut until it fits; undefined where it is too large without them. Texts that are
 * short stay whole.
 */
export function cutToFit<Value extends JsonObject | string>(
  value: Value,
  mostBytes: number,
  sizeOf: (value: Value) => number,
): Value | undefined {
  if (sizeOf(value) <= mostBytes) return value;
  for (let most = mostBytes; most >= fewestBytes; most = Math.floor(most * 0.75)) {
    const cut = cutTexts(value, most);
    if (sizeOf(cut) <= mostBytes) return cut;
  }
  return undefined;
}

// Array.isArray does not narrow readonly arrays.
function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
