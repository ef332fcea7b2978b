import { HookError } from "./errors.ts";

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const unitBytes = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

export const durationPattern: RegExp = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
export const ratePattern: RegExp = /^(\d+)\/(\d*(?:\.\d+)?)(ms|s|m|h|d)$/;
const sizePattern: RegExp = /^(\d+)(B|KiB|MiB|GiB)$/;

/**
 * Milliseconds of a duration such as `500ms 10s 5m 2h 7d`.
 * @throws HookError CONFIG_INVALID
 */
export function parseDuration(text: string): number {
  const [, amount, unit] = durationPattern.exec(text) ?? [];
  if (amount === undefined) {
    throw new HookError(
      "CONFIG_INVALID",
      `"${text}" is not a duration. Write a number with ms, s, m, h or d, such as "30s".`,
    );
  }
  return Math.round(Number(amount) * unitMs[unit as keyof typeof unitMs]);
}

/**
 * Bytes of a size such as `64KiB`.
 * @throws HookError CONFIG_INVALID
 */
export function parseSize(text: string): number {
  const [, amount, unit] = sizePattern.exec(text) ?? [];
  if (amount === undefined) {
    throw new HookError(
      "CONFIG_INVALID",
      `"${text}" is not a size. Write a whole number with B, KiB, MiB or GiB, such as "64KiB".`,
    );
  }
  return Number(amount) * unitBytes[unit as keyof typeof unitBytes];
}

/**
 * A rate such as `20/1m` (or `20/m`): at most so many in any window of that length.
 * @throws HookError CONFIG_INVALID
 */
export function parseRate(text: string): { readonly count: number; readonly windowMs: number } {
  const [, count, amount, unit] = ratePattern.exec(text) ?? [];
  const windowMs = unit === undefined ? 0 : parseDuration(`${amount || 1}${unit}`);
  if (Number(count) < 1 || windowMs < 1) {
    throw new HookError(
      "CONFIG_INVALID",
      `"${text}" is not a rate. Write COUNT/DURATION, such as "20/1m".`,
    );
  }
  return { count: Number(count), windowMs };
}

/** Text of a duration for people: `350 ms`, `2.5 s`, `12 m`, `3 h 20 m`. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${Number((ms / 1000).toFixed(1))} s`;
  // Rounded to the smaller unit first, or 60 of it could remain.
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return twoUnits(seconds, 60, "m", "s");
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1440) return twoUnits(minutes, 60, "h", "m");
  return twoUnits(Math.round(ms / 3_600_000), 24, "d", "h");
}

function twoUnits(amount: number, perLarge: number, largeName: string, smallName: string): string {
  const [large, small] = [Math.floor(amount / perLarge), amount % perLarge];
  return small === 0 ? `${large} ${largeName}` : `${large} ${largeName} ${small} ${smallName}`;
}

/**
 * JavaScript takes any text for a time, and Node waits a millisecond then.
 * @throws HookError CONFIG_INVALID
 */
export function checkWait(name: string, ms: unknown): void {
  if (typeof ms === "number" && !Number.isNaN(ms)) return;
  const given = typeof ms === "string" ? JSON.stringify(ms) : String(ms);
  const message = `"${name}" is ${given}. Give milliseconds as a number, such as 10_000.`;
  throw new HookError("CONFIG_INVALID", message);
}
