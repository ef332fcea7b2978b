const canonicalUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** What is stored for an event id: 16 bytes for a UUID in its canonical form, the text for any other. */
export function packId(id: string): Uint8Array | string {
  return id.length === 36 && canonicalUuid.test(id)
    ? Buffer.from(id.replaceAll("-", ""), "hex")
    : id;
}

export function unpackId(stored: unknown): string {
  if (!(stored instanceof Uint8Array)) return String(stored);
  const hex = Buffer.from(stored).toString("hex");
  return [0, 8, 12, 16, 20].map((start, at) => hex.slice(start, [8, 12, 16, 20, 32][at])).join("-");
}
