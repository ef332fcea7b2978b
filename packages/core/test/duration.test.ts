import { formatDuration, parseDuration, parseRate, parseSize } from "@pipehooks/core";
import { describe, expect, test } from "vitest";

describe("durations, rates and sizes", () => {
  test.for([
    ["500ms", 500],
    ["10s", 10_000],
    ["1.5s", 1500],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["7d", 604_800_000],
    ["0s", 0],
  ] as const)("%s is %d ms", ([text, ms]) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.for(["", "10", "10 s", "-1s", "1w", "1S", "s", "1e3s"])("%j is no duration", (text) => {
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  test.for([
    ["20/1m", { count: 20, windowMs: 60_000 }],
    ["20/m", { count: 20, windowMs: 60_000 }],
    ["1/500ms", { count: 1, windowMs: 500 }],
    ["60/1.5h", { count: 60, windowMs: 5_400_000 }],
  ] as const)("%s is a rate", ([text, rate]) => {
    expect(parseRate(text)).toEqual(rate);
  });

  test.for(["0/1m", "1/0s", "20", "20/", "/1m", "1.5/m", "-1/m", "20 per minute"])(
    "%j is no rate",
    (text) => {
      expect(() => parseRate(text)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    },
  );

  test.for([
    ["10B", 10],
    ["64KiB", 65_536],
    ["2MiB", 2_097_152],
    ["1GiB", 1_073_741_824],
  ] as const)("%s is %d bytes", ([text, bytes]) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.for(["64", "64KB", "1.5MiB", "-1B", ""])("%j is no size", (text) => {
    expect(() => parseSize(text)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  test.for([
    [350, "350 ms"],
    [2500, "2.5 s"],
    [59_990, "1 m"],
    [720_000, "12 m"],
    [719_999, "12 m"],
    [12_000_000, "3 h 20 m"],
    [3_599_900, "1 h"],
    [86_400_000, "1 d"],
    [100_000_000, "1 d 4 h"],
  ] as const)("%d ms reads %s", ([ms, text]) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
