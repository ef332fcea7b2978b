import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from "node:crypto";

/** DER around a raw Ed25519 seed and a raw public key (RFC 8410). */
const seedHeader = Buffer.from("302e020100300506032b657004220420", "hex");
const publicHeader = Buffer.from("302a300506032b6570032100", "hex");

/** A key text that cannot be used; the message never has the text. */
class KeyTextError extends Error {
  override readonly name = "KeyTextError";
}

/**
 * The HMAC key of `whsec_` + base64, or of the base64 alone.
 * @throws KeyTextError
 */
export function parseSecret(text: string): KeyObject {
  const bytes = decode(text, "whsec_");
  if (bytes.length < 24 || bytes.length > 64) {
    throw new KeyTextError(`decodes to ${bytes.length} bytes; 24 to 64 are needed`);
  }
  return createSecretKey(bytes);
}

/**
 * The HMAC key of a receiver, who has to live with keys of any length.
 * @throws KeyTextError
 */
export function parseReceiverSecret(text: string): KeyObject {
  return createSecretKey(decode(text, "whsec_"));
}

/**
 * The Ed25519 key of `whsk_` + base64 of the seed, or of seed and public key.
 * @throws KeyTextError
 */
export function parsePrivateKey(text: string): KeyObject {
  const bytes = decode(text, "whsk_");
  if (bytes.length !== 32 && bytes.length !== 64) {
    throw new KeyTextError(
      `decodes to ${bytes.length} bytes; 32 (seed) or 64 (seed and public key) are needed`,
    );
  }
  const key = createPrivateKey({
    key: Buffer.concat([seedHeader, bytes.subarray(0, 32)]),
    format: "der",
    type: "pkcs8",
  });
  const publicBytes = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
  if (bytes.length === 64 && !bytes.subarray(32).equals(publicBytes)) {
    throw new KeyTextError("has a public half that does not belong to its seed");
  }
  return key;
}

/**
 * The Ed25519 key of `whpk_` + base64 of 32 bytes.
 * @throws KeyTextError
 */
export function parsePublicKey(text: string): KeyObject {
  const bytes = decode(text, "whpk_");
  if (bytes.length !== 32) {
    throw new KeyTextError(`decodes to ${bytes.length} bytes; 32 are needed`);
  }
  return createPublicKey({
    key: Buffer.concat([publicHeader, bytes]),
    format: "der",
    type: "spki",
  });
}

function decode(text: string, prefix: string): Buffer {
  const base64 = text.startsWith(prefix) ? text.slice(prefix.length) : text;
  const digits = base64.replace(/={0,2}$/, "");
  // Buffer.from skips what is not base64, which would turn a typing error into another key.
  if (!/^[A-Za-z0-9+/]+$/.test(digits) || digits.length % 4 === 1) {
    throw new KeyTextError(`is not "${prefix}" followed by standard base64`);
  }
  return Buffer.from(digits, "base64");
}
