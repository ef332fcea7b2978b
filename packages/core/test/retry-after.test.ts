import { parseRetryAfter } from "@pipehooks/core";
import { expect, test, vi } from "vitest";

const now = Date.UTC(1994, 10, 6, 8, 49, 0);

test.for([
  ["120", 120_000],
  ["0", 0],
  [" 7\t", 7_000],
  ["Sun, 06 Nov 1994 08:49:37 GMT", 37_000],
  ["Sunday, 06-Nov-94 08:49:37 GMT", 37_000],
  ["Sun Nov  6 08:49:37 1994", 37_000],
  ["Wed, 16 Nov 1994 08:49:00 GMT", 10 * 86_400_000],
] as const)("%j is waited for %i ms", ([value, ms]) => {
  expect(parseRetryAfter(value, now)).toBe(ms);
});

test("the third date form is read as UTC, whatever the zone of this machine", () => {
  vi.stubEnv("TZ", "Asia/Tokyo");

  expect(new Date(0).getHours()).toBe(9);
  expect(parseRetryAfter("Sun Nov  6 08:49:37 1994", now)).toBe(37_000);
});

test.for(["Sun, 06 Nov 1994 08:48:00 GMT", "Thu, 01 Jan 0050 00:00:00 GMT"])(
  "a date that has passed is no wait: %s",
  (value) => {
    expect(parseRetryAfter(value, now)).toBe(0);
  },
);

test("a two-digit year more than 50 years ahead means the past century", () => {
  expect(parseRetryAfter("Sunday, 06-Nov-45 08:49:37 GMT", now)).toBe(0);
  expect(parseRetryAfter("Sunday, 06-Nov-44 08:49:37 GMT", now)).toBe(
    Date.UTC(2044, 10, 6, 8, 49, 37) - now,
  );
  expect(parseRetryAfter("Friday, 01-Jan-27 00:00:00 GMT", Date.UTC(2026, 11, 31, 23))).toBe(
    3_600_000,
  );
});

test.for([
  ...["", " ", "-1", "+1", "1.5", "1e3", "0x10", "120, 120", "12 0", "soon"],
  ...["1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37", "Sun, 6 Nov 1994 08:49:37 GMT"],
  ...[
    "Sun, 31 Feb 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:00 GMT",
  ],
  "Sun, 06 nov 1994 08:49:37 GMT",
])("%j is ignored", (value) => {
  expect(parseRetryAfter(value, now)).toBeUndefined();
});

test("a missing or a repeated header is ignored", () => {
  expect(parseRetryAfter(undefined, now)).toBeUndefined();
  expect(parseRetryAfter(["1", "1"], now)).toBeUndefined();
  expect(parseRetryAfter(["9"], now)).toBe(9_000);
});

test("a number of seconds beyond any date stays a number", () => {
  expect(parseRetryAfter("9".repeat(400), now)).toBe(Number.MAX_SAFE_INTEGER);
});
