import { HookError } from "./errors.ts";

/** A value that JSON can carry. */
export type JsonValue = string | number | boolean | null | JsonObject | readonly JsonValue[];
export type JsonObject = { readonly [key: string]: JsonValue };

/** What {@link freezeJson} has seen so far. */
export interface JsonSize {
  /** An upper bound of the JSON text's size. */
  maxBytes: number;
  /** Where it is given, lists are put there instead of being frozen, for whoever makes JSON of them first: see `stampEvent`. */
  readonly lists?: unknown[];
  /** Type of the event that holds it, for messages. */
  readonly type?: string;
}

const deepest = 100;
/** In characters; of a longer path the middle is left out. */
const longestPath = 200;

/** The objects that hold a place, innermost first; a chain, because a list would be grown anew for each copy. */
interface Above {
  readonly holder: object;
  readonly depth: number;
  readonly next: Above | undefined;
}

/** What is copied: its name and how large it is so far. */
interface Whole {
  readonly name: string;
  readonly size: JsonSize;
}

type Key = string | number | undefined;

/**
 * A deep-frozen copy that holds JSON values only. Dates become RFC 3339 text, keys with `undefined` are left out.
 * @throws HookError EVENT_INVALID for anything that JSON cannot carry, naming its path
 */
export function freezeJson(value: unknown, name: string, size: JsonSize): JsonValue {
  return copy(value, undefined, undefined, { name, size });
}

function copy(value: unknown, key: Key, above: Above | undefined, whole: Whole): JsonValue {
  if (typeof value === "object" && value !== null) return copyObject(value, key, above, whole);
  if (!countScalar(value, whole.size)) throw refuse(whole, above, key, whyNot(value));
  // JSON has no negative zero.
  return value === 0 ? 0 : value;
}

/** Whether JSON can carry it; then its size is counted. */
function countScalar(value: unknown, size: JsonSize): value is string | number | boolean | null {
  switch (typeof value) {
    case "string":
      // A control character takes six bytes, a lone surrogate too.
      size.maxBytes += value.length * 6 + 3;
      return true;
    case "number":
      size.maxBytes += 26;
      return Number.isFinite(value);
    case "boolean":
      size.maxBytes += 6;
      return true;
    case "object":
      if (value !== null) return false;
      size.maxBytes += 5;
      return true;
    default:
      return false;
  }
}

function whyNot(value: unknown): string {
  if (typeof value === "number") {
    return `is ${value}, which JSON cannot carry. Give a finite number, null, or leave it out`;
  }
  if (typeof value === "bigint")
    return "is a BigInt. Write it as text, or as a number where it is small enough";
  if (value === undefined) return "is undefined. Give null, or leave it out";
  return `is a ${typeof value}. Leave it out`;
}

function copyObject(value: object, key: Key, above: Above | undefined, whole: Whole): JsonValue {
  const isList = Array.isArray(value);
  if (!isList && !isPlain(value)) return copyInstance(value, key, above, whole);
  for (let other = above; other !== undefined; other = other.next) {
    if (other.holder !== value) continue;
    throw refuse(whole, above, key, "refers to an object that contains it. Leave that out");
  }
  const depth = above === undefined ? 1 : above.depth + 1;
  if (depth > deepest) {
    const why = `is nested deeper than ${deepest} levels. Give it flatter, or as text`;
    throw refuse(whole, above, key, why);
  }
  const inside: Above = { holder: value, depth, next: above };
  whole.size.maxBytes += 3;
  if (!isList) return Object.freeze(copyRecord(value, inside, whole));
  const list = copyList(value, inside, whole);
  if (whole.size.lists === undefined) return Object.freeze(list);
  whole.size.lists.push(list);
  return list;
}

function copyInstance(value: object, key: Key, above: Above | undefined, whole: Whole): string {
  if (!(value instanceof Date)) {
    const what = value.constructor?.name ?? "class instance";
    throw refuse(whole, above, key, `is a ${what}. Give a plain object`);
  }
  if (Number.isNaN(value.getTime())) {
    throw refuse(whole, above, key, "is an invalid Date. Give one with a time, or leave it out");
  }
  whole.size.maxBytes += 29;
  return value.toISOString();
}

function copyList(value: readonly unknown[], above: Above, whole: Whole): JsonValue[] {
  // A hole becomes the `undefined` that it reads as, which is refused.
  const result = [...value] as JsonValue[];
  for (let index = 0; index < result.length; index += 1) {
    result[index] = copy(result[index], index, above, whole);
  }
  return result;
}

/** Copies all at once and changes what must be another: made key by key it would take twice as long. */
function copyRecord(value: object, above: Above, whole: Whole): JsonObject {
  const { size } = whole;
  const result = { ...value } as Record<PropertyKey, unknown>;
  for (const symbol of Object.getOwnPropertySymbols(result)) delete result[symbol];
  for (const key in result) {
    const item = result[key];
    if (item === undefined) {
      delete result[key];
      continue;
    }
    size.maxBytes += key.length * 6 + 4;
    if (item !== 0 && countScalar(item, size)) continue;
    // What somebody put into every object is none of its own.
    if (Object.hasOwn(result, key)) result[key] = copy(item, key, above, whole);
  }
  return result as JsonObject;
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

function refuse({ name, size }: Whole, above: Above | undefined, key: Key, why: string): HookError {
  const steps: string[] = [];
  let inner = key;
  for (let at = above; at !== undefined; at = at.next) {
    steps.unshift(Array.isArray(at.holder) ? `[${inner}]` : `.${inner}`);
    inner = at.next === undefined ? undefined : keyOf(at.next.holder, at.holder);
  }
  const path = `${name}${steps.join("")}`;
  const shown =
    path.length > longestPath
      ? `${path.slice(0, longestPath / 2)} … ${path.slice(-longestPath / 2)}`
      : path;
  const event = size.type === undefined ? "Event" : `Event "${size.type}"`;
  return new HookError("EVENT_INVALID", `${event}: "${shown}" ${why}.`);
}

/** Sought when it is told: to note all keys on the way would be the dearest part of a copy. */
function keyOf(holder: object, item: object): Key {
  return Object.entries(holder).find(([, other]) => other === item)?.[0];
}

/** How many bytes a JSON value has as text. */
export function jsonBytes(value: JsonValue | object): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Freezes what `JSON.parse` returned, in place. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const item of Object.values(value)) deepFreeze(item);
  return Object.freeze(value);
}
