import { fingerprint } from "@pipehooks/core";
import { expect, test } from "vitest";

// Stores keep destinations with these in them: another value would be another destination.
test("a secret has the same fingerprint in every version, and another one in another realm", () => {
  expect(fingerprint("hex", "hxtp_0123")).toBe("012acaee");
  expect(fingerprint("aws", "hxtp_0123")).toBe("337ab61a");
});
