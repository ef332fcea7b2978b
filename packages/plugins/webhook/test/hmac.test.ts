import { createHmac, createSecretKey, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { createHmacSha256 } from "../src/hmac.ts";

test("whatever key and content: the same as Node's own HMAC, again and again with one key", () => {
  for (let length = 1; length <= 64; length += 1) {
    const key = createSecretKey(randomBytes(length));
    const hmac = createHmacSha256(key);
    for (const [textBytes, bodyBytes] of [
      [0, 0],
      [length, 0],
      [0, 55 + length],
      [40, length * 40],
      // Longer than the memory that is kept, and short again after it.
      [10, 64 * 1024 + length],
      [10, length],
    ] as const) {
      const text = randomBytes(textBytes).toString("hex");
      const body = randomBytes(bodyBytes);

      const own = hmac(text, body);

      expect(own).toBe(createHmac("sha256", key).update(text).update(body).digest("base64"));
    }
  }
});
