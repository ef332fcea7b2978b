import { HookError } from "../errors.ts";
import type { JsonValue } from "../json.ts";

const longNumber = /\d{16}/;
const integer = /^-?\d+$/;

/**
 * `JSON.parse`, but integers that a JavaScript number would round (beyond 2^53) come as text with all their digits.
 * @throws SyntaxError
 */
export function parseExactJson(text: string): JsonValue {
  return (longNumber.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text)) as JsonValue;
}

// The third argument is in Node since 21, not yet in TypeScript's types.
function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && integer.test(source) ? source : value;
}

/**
 * An integer given as text, for a JSON body: written as a JSON number with all its digits.
 * @throws HookError REQUEST_INVALID when it is no integer
 */
export function jsonInteger(text: string): JsonValue {
  if (!/^-?(?:0|[1-9]\d*)$/.test(text)) {
    throw new HookError("REQUEST_INVALID", `"${text.slice(0, 40)}" is not an integer.`);
  }
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : raw.rawJSON(text);
}

// In Node since 21, not yet in TypeScript's types. What it makes is written as it is by JSON.stringify.
const raw = JSON as unknown as { rawJSON(text: string): JsonValue };
