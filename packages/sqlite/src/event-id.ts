/** Where in the canonical form of a UUID its bytes stand. */
const byteAt = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const;
const dashAt = [8, 13, 18, 23] as const;
/** What the lower-case hexadecimal digits are worth, by their character code; 16 and more for all that are none. */
const worth = new Uint8Array(256).fill(16);
for (const [value, digit] of [..."0123456789abcdef"].entries()) {
  worth[digit.charCodeAt(0)] = value;
}

/** What is stored for an event id: 16 bytes for a UUID in its canonical form, the text for any other. */
export function packId(id: string): Uint8Array | string {
  if (id.length !== 36 || dashAt.some((at) => id[at] !== "-")) return id;
  // Digit by digit: a regular expression and a conversion of the text take five times as long, for each event.
  const bytes = new Uint8Array(16);
  for (let n = 0; n < 16; n += 1) {
    const at = byteAt[n] as number;
    const high = worth[id.charCodeAt(at)] ?? 16;
    const low = worth[id.charCodeAt(at + 1)] ?? 16;
    if ((high | low) > 15) return id;
    bytes[n] = (high << 4) | low;
  }
  return bytes;
}

export function unpackId(stored: unknown): string {
  if (!(stored instanceof Uint8Array)) return String(stored);
  const hex = Buffer.from(stored).toString("hex");
  return [0, 8, 12, 16, 20].map((start, at) => hex.slice(start, [8, 12, 16, 20, 32][at])).join("-");
}
