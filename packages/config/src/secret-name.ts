import { nearest } from "@pipehooks/core";

// The key of an alert opens nothing.
const secretName =
  /token|secret|password|passwd|passphrase|(?:^|[_-])pass$|authorization|bearer|credential|cookie|ed25519|(?:api|private|routing)[_-]?key|(?<!dedup_)key$/i;

const misspelled = [
  "password",
  "passphrase",
  "secret",
  "token",
  "cookie",
  "credentials",
  "authorization",
];
/** Words of their own that are near one of those. */
const ordinary = ["authors", "broken", "secure", "socket", "taken", "takes"];

/** Whether a key names a secret, slips of the pen included: what stands behind it is not shown. */
export function isSecretName(key: string): boolean {
  return secretName.test(key) || key.split(/[_-]|(?<=[a-z])(?=[A-Z])/).some(isSlip);
}

function isSlip(word: string): boolean {
  return misspelled.includes(nearest(word, [...ordinary, ...misspelled]) ?? "");
}
