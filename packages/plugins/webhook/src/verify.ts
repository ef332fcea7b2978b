import { createHmac, type KeyObject, timingSafeEqual, verify } from "node:crypto";
import { HookError, messageOf } from "@pipehooks/core";
import { parsePublicKey, parseReceiverSecret } from "./keys.ts";

export interface VerifyWebhookInput {
  /** As received; names in any case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The raw body, before any parser touched it. */
  readonly body: string | Uint8Array;
  /** Secrets that are accepted, `whsec_…`; several while keys change. */
  readonly secrets?: readonly string[] | undefined;
  /** Ed25519 public keys that are accepted, `whpk_…`. */
  readonly publicKeys?: readonly string[] | undefined;
  /** Milliseconds since the epoch. @default Date.now() */
  readonly now?: number | undefined;
  /** How far the timestamp may be from now, in milliseconds. @default 300_000 */
  readonly toleranceMs?: number | undefined;
}

export interface VerifiedWebhook {
  /** Dedupe on it: the same on every attempt. */
  readonly id: string;
  /** When the attempt was made, milliseconds since the epoch. */
  readonly timestamp: number;
}

/** More keys or entries than this are never worked through. */
const mostChecked = 8;

/**
 * For receivers: checks a webhook by Standard Webhooks 1.0.0 and answers its id, or `undefined` for every
 * failure alike (answer 401). Only id, timestamp and body are covered, no other header.
 * @throws HookError HOOK_OPTIONS_INVALID for keys, a time or a tolerance that cannot be used
 * @example
 * const webhook = verifyWebhook({ headers: request.headers, body, secrets: [secret] });
 * if (webhook === undefined) return response.writeHead(401).end();
 */
export function verifyWebhook(input: VerifyWebhookInput): VerifiedWebhook | undefined {
  const symmetric = keysOf("secrets", input.secrets, parseReceiverSecret);
  const asymmetric = keysOf("publicKeys", input.publicKeys, parsePublicKey);
  const count = symmetric.length + asymmetric.length;
  if (count === 0 || count > mostChecked) {
    throw refuse(
      `${count} keys were given in "secrets" and "publicKeys"; give 1 to ${mostChecked}`,
    );
  }
  const { now = Date.now(), toleranceMs = 300_000 } = input;
  // Against what is no number every timestamp would hold.
  if (!Number.isFinite(now)) throw refuse('"now" is no finite number; give milliseconds');
  if (!Number.isFinite(toleranceMs) || toleranceMs < 0) {
    throw refuse('"toleranceMs" is no finite number from 0 on; give milliseconds');
  }
  const id = headerOf(input.headers, "webhook-id");
  const seconds = headerOf(input.headers, "webhook-timestamp");
  const signatures = headerOf(input.headers, "webhook-signature");
  if (id === undefined || seconds === undefined || signatures === undefined) return undefined;
  // A dot in the id would let one signature stand for another id, timestamp and body.
  if (id.includes(".") || !/^\d{1,15}$/.test(seconds)) return undefined;
  const timestamp = Number(seconds) * 1000;
  if (Math.abs(now - timestamp) > toleranceMs) return undefined;

  const body = typeof input.body === "string" ? Buffer.from(input.body) : input.body;
  const content = Buffer.concat([Buffer.from(`${id}.${seconds}.`), body]);
  const expected = symmetric.map((key) => createHmac("sha256", key).update(content).digest());
  const matches = signatures.split(" ", mostChecked).some((entry) => {
    const comma = entry.indexOf(",");
    const given = Buffer.from(entry.slice(comma + 1), "base64");
    switch (entry.slice(0, Math.max(comma, 0))) {
      case "v1":
        return expected.some((mac) => mac.length === given.length && timingSafeEqual(mac, given));
      case "v1a":
        return asymmetric.some((key) => given.length === 64 && verify(null, content, key, given));
      default:
        return false;
    }
  });
  return matches ? { id, timestamp } : undefined;
}

function headerOf(headers: VerifyWebhookInput["headers"], name: string): string | undefined {
  const found = Object.entries(headers).filter(([key]) => key.toLowerCase() === name);
  const values = found.flatMap(([, value]) => value ?? []);
  return values.length === 1 && values[0] !== "" ? values[0] : undefined;
}

function keysOf(
  option: string,
  texts: readonly string[] | undefined,
  parse: (text: string) => KeyObject,
): KeyObject[] {
  return (texts ?? []).map((text, index) => {
    try {
      return parse(text);
    } catch (error) {
      throw refuse(`"${option}.${index}" ${messageOf(error)}`);
    }
  });
}

function refuse(why: string): HookError {
  return new HookError("HOOK_OPTIONS_INVALID", `verifyWebhook: ${why}.`);
}
