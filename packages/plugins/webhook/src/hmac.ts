import { hash, type KeyObject } from "node:crypto";

/** HMAC-SHA256 with one key, of an ASCII text followed by bytes, as base64. */
export type Hmac = (text: string, bytes: Uint8Array) => string;

const blockBytes = 64;
const digestBytes = 32;

/**
 * RFC 2104, for keys of at most 64 bytes, over Node's hash of one call: what `createHmac` makes for each text lies outside
 * of the heap, takes twice as long and has to be cleared away.
 */
export function createHmacSha256(key: KeyObject): Hmac {
  const innerPad = padKey(key, 0x36, blockBytes);
  const outer = padKey(key, 0x5c, blockBytes + digestBytes);
  return (text, bytes) => {
    const inner = Buffer.allocUnsafe(blockBytes + text.length + bytes.length);
    inner.set(innerPad);
    inner.write(text, blockBytes, "latin1");
    inner.set(bytes, blockBytes + text.length);
    outer.write(hash("sha256", inner, "binary"), blockBytes, "latin1");
    return hash("sha256", outer, "base64");
  };
}

function padKey(key: KeyObject, filler: number, length: number): Buffer {
  const padded = Buffer.alloc(length, filler);
  for (const [at, byte] of key.export().entries()) padded[at] = byte ^ filler;
  return padded;
}
