import type { Cron } from "croner";
import { loadCroner } from "../at-once.cjs";
import { HookError, messageOf } from "../errors.ts";
import type { CronSpec } from "./spec.ts";

/**
 * The first scheduled time after `after`, in milliseconds since the epoch. Where daylight saving begins, a schedule
 * that names its hour and minute has the first moment after the gap for a local time that does not exist (02:30 in
 * Paris on 2026-03-29: 03:00), so that no day is left out. Where it ends, it has the first of the two moments that a
 * local time names, so that no day counts twice. A schedule with `*` or a step in them goes on evenly instead: it leaves
 * out what does not exist and has both of what exists twice.
 * @throws HookError CONFIG_INVALID for a schedule that cannot be read or has no such time
 */
export function nextTime(cron: CronSpec, after: number): number {
  const schedule = compile(cron);
  const { from, next } = schedule;
  if (from <= after && after < next) return next;
  const found = schedule.cron.nextRun(new Date(after))?.getTime();
  if (found === undefined) throw never(cron);
  schedule.from = after;
  schedule.next = found;
  return found;
}

/**
 * The last scheduled time that is not after `at`, in milliseconds since the epoch; by the same rules as {@link nextTime}.
 * @throws HookError CONFIG_INVALID for a schedule that cannot be read or has no such time
 */
export function previousTime(cron: CronSpec, at: number): number {
  const schedule = compile(cron);
  // Schedules have whole minutes; the search wants a time behind the one that it may find.
  const behind = (Math.floor(at / 1000) + 1) * 1000;
  const found = schedule.cron.previousRuns(1, new Date(behind)).at(0)?.getTime();
  if (found === undefined) throw never(cron);
  return found;
}

interface Compiled {
  readonly cron: Cron;
  /** Nothing is scheduled between `from` and `next`: most questions are about the time that is now. */
  from: number;
  next: number;
}

const mostCompiled = 100;
const compiled = new Map<string, Compiled>();

function compile({ cron, timeZone }: CronSpec): Compiled {
  const name = `${timeZone} ${cron}`;
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const made = { cron: parse(cron, timeZone), from: 0, next: 0 };
  const oldest = compiled.size < mostCompiled ? undefined : compiled.keys().next().value;
  if (oldest !== undefined) compiled.delete(oldest);
  compiled.set(name, made);
  return made;
}

function parse(cron: string, timezone: string): Cron {
  try {
    const { Cron } = loadCroner() as typeof import("croner");
    const parsed = new Cron(cron, {
      timezone,
      mode: "5-part",
      // Otherwise "30 2,14 * * *" would leave a time out where daylight saving begins.
      fixedTimeRule: "no-wildcard",
    });
    // The time zone is looked at when a time is asked for.
    parsed.nextRun(new Date(0));
    return parsed;
  } catch (cause) {
    throw new HookError(
      "CONFIG_INVALID",
      `Schedule "${cron}" in time zone "${timezone}" cannot be read: ${messageOf(cause)} Write five fields such as "0 6 * * MON-FRI" and an IANA name such as "Europe/Paris".`,
      { cause },
    );
  }
}

function never({ cron, timeZone }: CronSpec): HookError {
  return new HookError(
    "CONFIG_INVALID",
    `Schedule "${cron}" in time zone "${timeZone}" never comes. Write a date that exists.`,
  );
}
