import { durationPattern, parseDuration } from "../duration.ts";
import { messageOf } from "../errors.ts";
import { parseDays } from "./days.ts";
import type {
  AbsenceOptions,
  AlertOptions,
  DebounceOptions,
  DigestOptions,
  GateDuration,
  JoinOptions,
} from "./options.ts";
import { nextTime } from "./schedule.ts";

/** What does not go together in the options of a gate, with the key that is to be changed. */
export type ReportGate = (key: string | readonly (string | number)[], message: string) => void;

export function checkDebounce({ wait, maxWait }: DebounceOptions, report: ReportGate): void {
  const [waitMs, mostMs] = [msOf(wait), msOf(maxWait)];
  if (waitMs !== undefined && mostMs !== undefined && mostMs < waitMs) {
    report(
      "maxWait",
      "it is shorter than wait, so it would never be quiet long enough. Make it at least as long",
    );
  }
}

export function checkDigest(options: DigestOptions, report: ReportGate): void {
  const { every, cron, timeZone } = options;
  exactlyOne({ every, cron }, "how long a period is", report);
  onlyWith({ timeZone }, { cron }, report);
  if (cron === undefined) return;
  if (!isTimeZone(timeZone)) reportTimeZone(timeZone, report);
  else {
    const problem = problemOf(() =>
      nextTime({ cron, timeZone: timeZone ?? "UTC" }, Date.UTC(2026, 0)),
    );
    if (problem !== undefined) report("cron", problem);
  }
}

export function checkJoin(options: JoinOptions, report: ReportGate): void {
  const { allOf, anyOf, atLeast, within, onDeadline, late } = options;
  exactlyOne({ allOf, anyOf }, "its inputs", report);
  onlyWith({ atLeast }, { anyOf }, report);
  for (const [key, inputs = []] of Object.entries({ allOf, anyOf })) {
    const names = new Set<string>();
    for (const [index, { name }] of inputs.entries()) {
      if (names.has(name)) {
        report(
          [key, index, "name"],
          `another input is named "${name}", too. Give each its own name`,
        );
      }
      names.add(name);
    }
  }
  if (atLeast !== undefined && anyOf !== undefined && atLeast > anyOf.length) {
    report(
      "atLeast",
      `${atLeast} are more than the ${anyOf.length} inputs. Lower it, or add inputs`,
    );
  }
  if (onDeadline !== "drop") onlyWith({ onDeadline }, { within }, report);
  if (late !== "next") onlyWith({ late }, { within }, report);
}

export function checkAbsence(options: AbsenceOptions, report: ReportGate): void {
  const { by, after, at, timeZone, days, every } = options;
  exactlyOne({ after, at, every }, "when it is expected", report);
  onlyWith({ timeZone }, { at }, report);
  onlyWith({ days }, { at }, report);
  onlyWith({ for: options.for }, { by }, report);
  if (!isTimeZone(timeZone)) reportTimeZone(timeZone, report);
  const problem = days === undefined ? undefined : problemOf(() => parseDays(days));
  if (problem !== undefined) report("days", problem);
}

export function checkAlert(
  { remind = [], maxReminders = 0 }: AlertOptions,
  report: ReportGate,
): void {
  const times = remind.map(msOf);
  for (const [index, time] of times.entries()) {
    const before = times[index - 1];
    if (time !== undefined && before !== undefined && time <= before) {
      report(
        ["remind", index],
        "it is not later than the one before. Count each from the opening, in order",
      );
    }
  }
  if (maxReminders > 0 && remind.length === 0) {
    report(
      "maxReminders",
      "there are no reminders without remind. Say when they come, such as [4h, 24h]",
    );
  }
}

/** Milliseconds of a duration as written; undefined for what is none, which is reported by itself. */
export function msOf(duration: GateDuration | undefined): number | undefined {
  if (typeof duration !== "string") return duration;
  return durationPattern.test(duration) ? parseDuration(duration) : undefined;
}

type Keys = Readonly<Record<string, unknown>>;

function exactlyOne(keys: Keys, what: string, report: ReportGate): void {
  const given = Object.keys(keys).filter((key) => keys[key] !== undefined);
  const all = Object.keys(keys).map(toFileKey).join(", ");
  if (given.length === 0) report([], `it does not say ${what}. Give one of ${all}`);
  for (const key of given.slice(1)) {
    report(key, `${toFileKey(given[0] ?? "")} says ${what} already. Give only one of ${all}`);
  }
}

function onlyWith(keys: Keys, other: Keys, report: ReportGate): void {
  const [needed = ""] = Object.keys(other);
  if (other[needed] !== undefined) return;
  for (const key of Object.keys(keys)) {
    if (keys[key] === undefined) continue;
    report(key, `it has no effect without ${toFileKey(needed)}. Add that, or take it out`);
  }
}

// In code keys are the same in camelCase.
function toFileKey(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function isTimeZone(timeZone: string | undefined): boolean {
  return (
    problemOf(() => new Intl.DateTimeFormat("en", { timeZone: timeZone ?? "UTC" })) === undefined
  );
}

function reportTimeZone(timeZone: string | undefined, report: ReportGate): void {
  report("timeZone", `"${timeZone}" is not a time zone. Write an IANA name such as "Europe/Paris"`);
}

function problemOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
