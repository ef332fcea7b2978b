import { HookError } from "./errors.ts";

/** A value that JSON can carry. */
export type JsonValue = string | number | boolean | null | JsonObject | readonly JsonValue[];
export type JsonObject = { readonly [key: string]: JsonValue };

/** What {@link freezeJson} has seen so far; `maxBytes` is an upper bound of the JSON text's size. */
export interface JsonSize {
  maxBytes: number;
}

const deepest = 100;

/**
 * A deep-frozen copy that holds JSON values only. Dates become RFC 3339 text, keys with `undefined` are left out.
 * @throws HookError EVENT_INVALID for anything that JSON cannot carry, naming its path
 */
export function freezeJson(value: unknown, path: string, size: JsonSize): JsonValue {
  return copy(value, path, size, []);
}

function copy(value: unknown, path: string, size: JsonSize, ancestors: object[]): JsonValue {
  return typeof value === "object" && value !== null
    ? copyObject(value, path, size, ancestors)
    : checkScalar(value, size, path);
}

/** Of what stands under a key its path is made only when it is told. */
function checkScalar(value: unknown, size: JsonSize, path: string, key?: string): JsonValue {
  switch (typeof value) {
    case "string":
      // A control character takes six bytes, a lone surrogate too.
      size.maxBytes += value.length * 6 + 3;
      return value;
    case "number":
      if (!Number.isFinite(value)) break;
      size.maxBytes += 26;
      // JSON has no negative zero.
      return value === 0 ? 0 : value;
    case "boolean":
      size.maxBytes += 6;
      return value;
    case "object":
      size.maxBytes += 5;
      return null;
    default:
      break;
  }
  throw refuse(key === undefined ? path : `${path}.${key}`, whyNot(value));
}

function whyNot(value: unknown): string {
  if (typeof value === "number") return `is ${value}, which JSON cannot carry`;
  if (typeof value === "bigint")
    return "is a BigInt. Write it as text, or as a number where it is small enough";
  return `is ${value === undefined ? "undefined" : `a ${typeof value}`}`;
}

function copyObject(value: object, path: string, size: JsonSize, ancestors: object[]): JsonValue {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw refuse(path, "is an invalid Date");
    size.maxBytes += 29;
    return value.toISOString();
  }
  if (ancestors.includes(value)) throw refuse(path, "refers to an object that contains it");
  if (ancestors.length >= deepest) throw refuse(path, `is nested deeper than ${deepest} levels`);
  ancestors.push(value);
  size.maxBytes += 3;
  const result = Array.isArray(value)
    ? copyList(value, path, size, ancestors)
    : copyRecord(value, path, size, ancestors);
  ancestors.pop();
  return Object.freeze(result);
}

function copyList(
  value: readonly unknown[],
  path: string,
  size: JsonSize,
  ancestors: object[],
): JsonValue[] {
  const result: JsonValue[] = [];
  for (let index = 0; index < value.length; index += 1) {
    const item = value[index];
    // What cannot be refused needs no path.
    const at = typeof item === "string" ? path : `${path}[${index}]`;
    result.push(copy(item, at, size, ancestors));
  }
  return result;
}

function copyRecord(value: object, path: string, size: JsonSize, ancestors: object[]): JsonObject {
  if (!isPlain(value)) {
    throw refuse(path, `is a ${value.constructor?.name ?? "class instance"}. Give a plain object`);
  }
  const result: Record<string, JsonValue> = {};
  for (const key of Object.keys(value)) {
    const item: unknown = (value as Record<string, unknown>)[key];
    if (item === undefined) continue;
    size.maxBytes += key.length * 6 + 4;
    const frozen =
      typeof item === "object" && item !== null
        ? copyObject(item, `${path}.${key}`, size, ancestors)
        : checkScalar(item, size, path, key);
    if (key === "__proto__") {
      Object.defineProperty(result, key, { value: frozen, enumerable: true });
    } else {
      result[key] = frozen;
    }
  }
  return result;
}

/** Whether it is a plain `{ … }`: no array, no instance of a class. */
export function isPlain(value: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(value);
  // The second test takes plain objects of another realm (a vm, a test runner).
  return (
    prototype === null ||
    prototype === Object.prototype ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "hasOwnProperty"))
  );
}

function refuse(path: string, why: string): HookError {
  return new HookError("EVENT_INVALID", `Event: "${path}" ${why}.`);
}

/** Freezes what `JSON.parse` returned, in place. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const item of Object.values(value)) deepFreeze(item);
  return Object.freeze(value);
}
