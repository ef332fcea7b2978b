import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { packId, unpackId } from "../src/event-id.ts";

test("a UUID in its canonical form takes 16 bytes, and comes back as it was", () => {
  for (let n = 0; n < 100; n += 1) {
    const id = randomUUID();
    const packed = packId(id);

    expect(packed).toEqual(new Uint8Array(Buffer.from(id.replaceAll("-", ""), "hex")));
    expect(unpackId(packed)).toBe(id);
  }
});

test.for([
  "019A9F40-7c2e-7000-8000-000000000001",
  "019a9f40-7c2e-7000-8000-00000000000g",
  "019a9f407-c2e-7000-8000-000000000001",
  "019a9f40-7c2e-7000-8000_000000000001",
  "019a9f40-7c2e-7000-8000-00000000000",
  "019a9f40-7c2e-7000-8000-0000000000\u01611",
  "019a9f40-7c2e-7000-8000-00000000:/`@",
  "order-17",
  "",
])("any other id stays the text that it is: %j", (id) => {
  expect(packId(id)).toBe(id);
  expect(unpackId(id)).toBe(id);
});
