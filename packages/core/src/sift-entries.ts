import type { JsonObject, JsonValue } from "./json.ts";

/** The entries of an object that pass a check, and the names of those for which it throws, or that cannot be read. */
export function siftEntries(
  from: object,
  check: (entry: JsonObject) => unknown,
): { readonly kept: JsonObject; readonly left: readonly string[] } {
  const kept: [string, JsonValue][] = [];
  const left: string[] = [];
  for (const key of Object.keys(from)) {
    try {
      const value: JsonValue = Reflect.get(from, key);
      check({ [key]: value });
      kept.push([key, value]);
    } catch {
      left.push(key);
    }
  }
  return { kept: Object.fromEntries(kept), left };
}
