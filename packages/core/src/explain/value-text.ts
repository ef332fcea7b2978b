import type { JsonValue } from "../json.ts";

const longest = 100;

/** A value for people, as JSON, cut where it is long. */
export function valueText(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

/** The same without quotes where it is a word that can be taken for nothing else. */
export function wordText(value: JsonValue): string {
  const isWord =
    typeof value === "string" && value.length <= longest && /^[A-Za-z_][\w./:-]*$/.test(value);
  return isWord && !["true", "false", "null"].includes(value) ? value : valueText(value);
}

/** A time for people and machines: ISO 8601, to the second where it is one. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}
