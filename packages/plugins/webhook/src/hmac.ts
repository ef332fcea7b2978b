import { hash, type KeyObject } from "node:crypto";

/** HMAC-SHA256 with one key, of an ASCII text followed by bytes, as base64. */
export type Hmac = (text: string, bytes: Uint8Array) => string;

const blockBytes = 64;
const digestBytes = 32;

/** Longer texts than this get memory of their own. */
const mostScratch = 64 * 1024;

/**
 * RFC 2104, for keys of at most 64 bytes, over Node's hash of one call: what `createHmac` makes for each text lies outside
 * of the heap, takes twice as long and has to be cleared away. The text is put together in the same memory each time,
 * which is then near.
 */
export function createHmacSha256(key: KeyObject): Hmac {
  const outer = padKey(key, 0x5c, blockBytes + digestBytes);
  let scratch = padKey(key, 0x36, 2048);

  const roomFor = (length: number): Buffer => {
    if (length <= scratch.length) return scratch;
    const larger = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(length)));
    scratch.copy(larger, 0, 0, blockBytes);
    if (larger.length <= mostScratch) scratch = larger;
    return larger;
  };

  return (text, bytes) => {
    const end = blockBytes + text.length + bytes.length;
    const inner = roomFor(end);
    inner.write(text, blockBytes, "latin1");
    inner.set(bytes, blockBytes + text.length);
    outer.write(hash("sha256", inner.subarray(0, end), "binary"), blockBytes, "latin1");
    return hash("sha256", outer, "base64");
  };
}

function padKey(key: KeyObject, filler: number, length: number): Buffer {
  const padded = Buffer.alloc(length, filler);
  for (const [at, byte] of key.export().entries()) padded[at] = byte ^ filler;
  return padded;
}
