import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
// What gates share among themselves is not exported by the package.
import { nextTime, previousTime } from "../../src/gates/schedule.ts";

const paris = (cron: string) => ({ cron, timeZone: "Europe/Paris" });
const at = (text: string) => Date.parse(text);
const iso = (ms: number) => new Date(ms).toISOString();

function nextOf(cron: string, after: string, count: number, timeZone = "Europe/Paris"): string[] {
  const times: string[] = [];
  let time = at(after);
  for (let n = 0; n < count; n++) {
    time = nextTime({ cron, timeZone }, time);
    times.push(iso(time));
  }
  return times;
}

describe("a schedule", () => {
  test("keeps its local time when daylight saving begins and ends", () => {
    expect(nextOf("0 6 * * *", "2026-03-28T00:00:00Z", 3)).toEqual([
      "2026-03-28T05:00:00.000Z",
      "2026-03-29T04:00:00.000Z",
      "2026-03-30T04:00:00.000Z",
    ]);
    expect(nextOf("0 6 * * *", "2026-10-24T00:00:00Z", 3)).toEqual([
      "2026-10-24T04:00:00.000Z",
      "2026-10-25T05:00:00.000Z",
      "2026-10-26T05:00:00.000Z",
    ]);
  });

  test("has the first moment after the gap for a local time that does not exist", () => {
    expect(nextOf("30 2 * * *", "2026-03-28T12:00:00Z", 2)).toEqual([
      "2026-03-29T01:00:00.000Z",
      "2026-03-30T00:30:00.000Z",
    ]);
    expect(nextOf("30 2,14 * * *", "2026-03-29T00:00:00Z", 2)).toEqual([
      "2026-03-29T01:00:00.000Z",
      "2026-03-29T12:30:00.000Z",
    ]);
  });

  test("has the first of the two moments of a local time that exists twice", () => {
    expect(nextOf("30 2 * * *", "2026-10-24T12:00:00Z", 2)).toEqual([
      "2026-10-25T00:30:00.000Z",
      "2026-10-26T01:30:00.000Z",
    ]);
  });

  test("with a step or every hour goes on evenly", () => {
    expect(nextOf("30 * * * *", "2026-03-29T00:00:00Z", 3)).toEqual([
      "2026-03-29T00:30:00.000Z",
      "2026-03-29T01:30:00.000Z",
      "2026-03-29T02:30:00.000Z",
    ]);
    expect(nextOf("*/30 * * * *", "2026-10-25T00:00:00Z", 4)).toEqual([
      "2026-10-25T00:30:00.000Z",
      "2026-10-25T01:00:00.000Z",
      "2026-10-25T01:30:00.000Z",
      "2026-10-25T02:00:00.000Z",
    ]);
  });

  test("leaves out months without its day, and finds the last day of each", () => {
    expect(nextOf("0 6 31 * *", "2026-01-31T12:00:00Z", 2, "UTC")).toEqual([
      "2026-03-31T06:00:00.000Z",
      "2026-05-31T06:00:00.000Z",
    ]);
    expect(nextOf("0 6 L * *", "2026-01-31T12:00:00Z", 2, "UTC")).toEqual([
      "2026-02-28T06:00:00.000Z",
      "2026-03-31T06:00:00.000Z",
    ]);
    expect(nextOf("0 0 29 2 *", "2026-01-31T12:00:00Z", 1, "UTC")).toEqual([
      "2028-02-29T00:00:00.000Z",
    ]);
  });

  test("its next time is later and its previous time is not, to the millisecond", () => {
    const six = at("2026-06-01T04:00:00Z");
    const day = 86_400_000;
    const daily = paris("0 6 * * *");

    expect(nextTime(daily, six - 1)).toBe(six);
    expect(nextTime(daily, six)).toBe(six + day);
    expect(nextTime(daily, six + 1)).toBe(six + day);
    expect(previousTime(daily, six - 1)).toBe(six - day);
    expect(previousTime(daily, six)).toBe(six);
    expect(previousTime(daily, six + 1)).toBe(six);
  });

  test("is walked backwards by the same times, across both changes of the clock", () => {
    const moments = fc.integer({ min: at("2026-01-01"), max: at("2027-01-01") });
    const nearChanges = fc
      .tuple(
        fc.constantFrom(at("2026-03-29T01:00Z"), at("2026-10-25T01:00Z")),
        fc.integer({ min: -10_800_000, max: 10_800_000 }),
      )
      .map(([change, by]) => change + by);
    const crons = fc.constantFrom("30 2 * * *", "*/20 * * * *", "0 2-3 * * *", "0 6 31 * *");
    const property = fc.property(crons, fc.oneof(moments, nearChanges), (cron, moment) => {
      const previous = previousTime(paris(cron), moment);
      const next = nextTime(paris(cron), moment);

      expect(previous).toBeLessThanOrEqual(moment);
      expect(next).toBeGreaterThan(moment);
      expect(nextTime(paris(cron), previous)).toBe(next);
      expect(previousTime(paris(cron), next)).toBe(next);
      expect(previousTime(paris(cron), next - 1)).toBe(previous);
    });

    fc.assert(property, { numRuns: 200 });
  });

  test("answers the same for a moment asked about again after others", () => {
    const hourly = paris("0 * * * *");
    const moments = ["2026-05-01T10:30Z", "2026-05-01T10:45Z", "2026-05-01T09:59Z"].map(at);

    const [first, second, third] = moments.map((moment) => iso(nextTime(hourly, moment)));

    expect(first).toBe("2026-05-01T11:00:00.000Z");
    expect(second).toBe(first);
    expect(third).toBe("2026-05-01T10:00:00.000Z");
  });

  test("more schedules than are kept compiled are answered right", () => {
    const hours = Array.from({ length: 120 }, (_, n) => n);

    for (const n of [...hours, ...hours]) {
      const cron = { cron: `${n % 60} ${n % 24} * * *`, timeZone: "UTC" };
      const midnight = at("2026-05-01T00:00Z") - 1;
      expect(nextTime(cron, midnight) - midnight - 1).toBe(((n % 24) * 60 + (n % 60)) * 60_000);
    }
  });

  test("loads its library when the first one is used, not with the gates", () => {
    const program = `
      import { createRequire } from "node:module";
      import { latestWake } from "@pipehooks/core/gates";
      const { cache } = createRequire(import.meta.url);
      const isLoaded = () => Object.keys(cache).some((file) => file.includes("croner"));
      const digest = (every) => latestWake({ kind: "digest", every }, 0);
      const loaded = [isLoaded()];
      digest(1000);
      loaded.push(isLoaded());
      digest({ cron: "0 6 * * *", timeZone: "UTC" });
      loaded.push(isLoaded());
      console.log(loaded.join(" "));`;

    const output = execFileSync(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: import.meta.dirname,
      encoding: "utf8",
    });

    expect(output.trim()).toBe("false false true");
  });

  test.for([
    ["0 6", "Europe/Paris", 'Schedule "0 6" in time zone "Europe/Paris" cannot be read'],
    ["0 0 6 * * *", "UTC", 'Schedule "0 0 6 * * *" in time zone "UTC" cannot be read'],
    ["0 6 * * *", "Mars/Base", 'Schedule "0 6 * * *" in time zone "Mars/Base" cannot be read'],
    ["0 0 30 2 *", "UTC", 'Schedule "0 0 30 2 *" in time zone "UTC" never comes'],
  ] as const)("%s in %s is refused with its reason", ([cron, timeZone, message]) => {
    for (const ask of [nextTime, previousTime]) {
      const asked = () => ask({ cron, timeZone }, 0);

      expect(asked).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
      expect(asked).toThrow(message);
    }
  });
});
