import type { JsonValue } from "@pipehooks/core";

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

/**
 * The value with what is largest in it cut until it fits: texts at their ends, lists and objects by their last items, each
 * with a mark that says how much there was. What is small stays whole. Where even that is too large, as small as it gets.
 */
export function cutToFit<Value extends JsonValue>(
  value: Value,
  mostBytes: number,
  sizeOf: (value: Value) => number,
): Value {
  const cutTo = createCut();
  let cut = value;
  let size = sizeOf(cut);
  let room = mostBytes;
  while (size > mostBytes && room >= fewestBytes.whole) {
    cut = cutTo(value, room);
    size = sizeOf(cut);
    // What is around the value counts, too, and texts may be longer when they are written.
    room = Math.floor(room * Math.min(0.95, mostBytes / size));
  }
  return cut;
}

type Container = readonly JsonValue[] | { readonly [key: string]: JsonValue };

interface Item {
  readonly key: string;
  readonly value: JsonValue;
  /** In JSON, the value alone. */
  readonly bytes: number;
  /** The key and what stands around both. */
  readonly around: number;
  /** What is left to it before it is dropped. */
  readonly least: number;
}

/**
 * Of less nothing would be left. Fields differ, so each may keep little; items of a list are alike, so rather a few of them
 * stay whole.
 */
const fewestBytes = { whole: 128, field: 64, item: 1024 } as const;
/** More than any mark has. */
const markBytes = 64;

/** Cuts values to a number of bytes in JSON, by and large: characters that JSON escapes count as one. */
function createCut() {
  const bytesOf = createBytesOf();

  const itemsOf = (container: Container, inList: boolean): readonly Item[] =>
    Object.entries(container).map(([key, value]) => {
      const bytes = bytesOf(value);
      const fewest = inList ? fewestBytes.item : fewestBytes.field;
      const least = isCuttable(value) ? Math.min(bytes, fewest) : bytes;
      return { key, value, bytes, around: inList ? 1 : bytesOf(key) + 2, least };
    });

  const cutContainer = (container: Container, mostBytes: number): Container => {
    if (bytesOf(container) <= mostBytes) return container;
    const inList = isList(container);
    const items = itemsOf(container, inList);
    let room = mostBytes - markBytes;
    const kept: Item[] = [];
    for (const item of items) {
      const left = room - item.around - item.least;
      // A list has no gaps.
      if (left < 0 && inList) break;
      if (left < 0) continue;
      room = left;
      kept.push(item);
    }
    const cuttable = kept.filter(({ value }) => isCuttable(value));
    const share = fairShare(
      cuttable.map(({ bytes }) => bytes),
      cuttable.reduce((sum, { least }) => sum + least, room),
    );
    const cut = kept.map(({ key, value, bytes }): [string, JsonValue] => {
      if (bytes <= share) return [key, value];
      // Two bytes of a text are its quotes.
      return [key, cutTo(value, typeof value === "string" ? share - 2 : share)];
    });
    return withMark(cut, items.length, inList);
  };

  function cutTo<Value extends JsonValue>(value: Value, mostBytes: number): Value;
  function cutTo(value: JsonValue, mostBytes: number): JsonValue {
    if (typeof value === "string") return cutText(value, mostBytes);
    return isCuttable(value) ? cutContainer(value, mostBytes) : value;
  }
  return cutTo;
}

function withMark(
  kept: readonly (readonly [string, JsonValue])[],
  count: number,
  inList: boolean,
): Container {
  const isWhole = kept.length === count;
  if (inList) {
    const values = kept.map(([, value]) => value);
    return isWhole ? values : [...values, `… [cut, ${count} items in all]`];
  }
  return Object.fromEntries(isWhole ? kept : [...kept, ["…", `[cut, ${count} fields in all]`]]);
}

/** The most that each may have so that all together keep to the room: what some do not need is the others'. */
function fairShare(sizes: readonly number[], room: number): number {
  const ascending = sizes.toSorted((a, b) => a - b);
  let left = room;
  for (const [index, size] of ascending.entries()) {
    const share = left / (ascending.length - index);
    if (size > share) return Math.floor(share);
    left -= size;
  }
  return Number.POSITIVE_INFINITY;
}

/** Bytes of values in JSON; each list and object is looked at once. */
function createBytesOf(): (value: JsonValue) => number {
  const known = new Map<Container, number>();
  const bytesOf = (value: JsonValue): number => {
    if (typeof value !== "object" || value === null) return jsonBytes(value);
    const before = known.get(value);
    if (before !== undefined) return before;
    const keys = isList(value) ? [] : Object.keys(value).map((key) => jsonBytes(key) + 1);
    const bytes = Object.values<JsonValue>(value).reduce<number>(
      (sum, item) => sum + bytesOf(item) + 1,
      keys.reduce((sum, each) => sum + each, 2),
    );
    known.set(value, bytes);
    return bytes;
  };
  return bytesOf;
}

function jsonBytes(value: string | number | boolean | null): number {
  return typeof value === "string"
    ? Buffer.byteLength(JSON.stringify(value))
    : String(value).length;
}

function isCuttable(value: JsonValue): value is string | Container {
  return typeof value === "string" || (typeof value === "object" && value !== null);
}

// Array.isArray does not narrow readonly arrays.
function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
