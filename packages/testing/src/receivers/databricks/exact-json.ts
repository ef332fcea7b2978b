/** JSON in which integers beyond 2^53 keep every digit, as bigint. */

// Node 22 has both; the types of the language do not know them yet.
const native = JSON as unknown as {
  rawJSON(text: string): unknown;
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
};

/** Every integer as bigint, so that what was written can be told from what was rounded. */
export function parseExact(text: string): unknown {
  return native.parse(text, (_key, value, { source }) =>
    typeof value === "number" && source !== undefined && /^-?\d+$/.test(source)
      ? BigInt(source)
      : value,
  );
}

export function writeExact(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === "bigint" ? native.rawJSON(String(item)) : item,
  );
}
