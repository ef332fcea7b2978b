import { sign } from "node:crypto";
import { createHmacSha256 } from "./hmac.ts";
import { parsePrivateKey, parseSecret } from "./keys.ts";

/** Keys as written in options, current one first. */
export interface SigningKeys {
  readonly secrets: readonly string[];
  readonly ed25519: readonly string[];
}

/** The value of `webhook-signature` over exactly the bytes that go on the wire. */
export type Sign = (id: string, timestamp: number, body: Uint8Array) => string;

/**
 * Signs as Standard Webhooks 1.0.0 says: one entry per key, `v1` (HMAC-SHA256) and `v1a` (Ed25519). Keys are
 * decoded once.
 */
export function createSign(keys: SigningKeys): Sign {
  const symmetric = keys.secrets.map((secret) => createHmacSha256(parseSecret(secret)));
  const asymmetric = keys.ed25519.map(parsePrivateKey);
  return (id, timestamp, body) => {
    const prefix = `${id}.${timestamp}.`;
    const entries = symmetric.map((hmac) => `v1,${hmac(prefix, body)}`);
    if (asymmetric.length > 0) {
      const content = Buffer.concat([Buffer.from(prefix), body]);
      for (const key of asymmetric) {
        entries.push(`v1a,${sign(null, content, key).toString("base64")}`);
      }
    }
    return entries.join(" ");
  };
}
