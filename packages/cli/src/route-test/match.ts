/** One thing that is other than expected. */
export interface Difference {
  /** What of the delivery, such as `rendered.cause`. */
  readonly what: string;
  readonly expected: string;
  readonly actual: string;
}

/**
 * Compares a part of a value: keys that are not expected may be there, lists have the same length.
 * Answers each difference by its path.
 */
export function compareSubset(expected: unknown, actual: unknown, path: string): Difference[] {
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return [differ(path, expected, actual)];
    if (actual.length !== expected.length) {
      const sizes = { expected: entries(expected.length), actual: entries(actual.length) };
      return [{ what: path, ...sizes }, differ(path, expected, actual)];
    }
    return expected.flatMap((item, index) =>
      compareSubset(item, actual[index], `${path}[${index}]`),
    );
  }
  if (isRecord(expected)) {
    if (!isRecord(actual)) return [differ(path, expected, actual)];
    return Object.entries(expected).flatMap(([key, item]) =>
      compareSubset(item, Object.hasOwn(actual, key) ? actual[key] : undefined, join(path, key)),
    );
  }
  return Object.is(expected, actual) ? [] : [differ(path, expected, actual)];
}

export function isSubset(expected: unknown, actual: unknown): boolean {
  return compareSubset(expected, actual, "").length === 0;
}

/** Whether a text fits one in which `*` stands for anything. */
export function fitsText(pattern: string, text: string): boolean {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[\\^$.+?()[\]{}|/-]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(text);
}

/** A value as it is shown in a difference. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  const line = JSON.stringify(value);
  return line.length <= 120 ? line : JSON.stringify(value, null, 2);
}

function differ(what: string, expected: unknown, actual: unknown): Difference {
  return { what, expected: show(expected), actual: show(actual) };
}

function entries(count: number): string {
  return `${count} ${count === 1 ? "entry" : "entries"}`;
}

function join(path: string, key: string): string {
  return /^[\w-]+$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
