import type { RateWindow } from "./policy.ts";

/** Counts per window: windows' names to buckets of [start in ms, taken], oldest first. */
export type LimiterMemory = Readonly<Record<string, readonly (readonly [number, number])[]>>;

export interface Take {
  readonly memory: LimiterMemory;
  readonly granted: number;
  /** When at least one more can be granted; absent while some are left. */
  readonly retryAt?: number | undefined;
}

const bucketsPerWindow = 60;
const mostAheadMs = 10_000;

/**
 * Takes up to `wanted` from a budget of several windows that all hold at once. Never grants more than a window's
 * count in any span of its length: a bucket counts as taken until its last moment has left the window.
 */
export function takeFromBudget(
  memory: LimiterMemory,
  windows: readonly RateWindow[],
  wanted: number,
  now: number,
): Take {
  const live = windows.map((window) => ({ window, ...liveBuckets(memory, window, now) }));
  const free = live.map(({ window, buckets }) => window.count - sum(buckets));
  const granted = Math.max(0, Math.min(wanted, ...free));
  const next: Record<string, readonly (readonly [number, number])[]> = {};
  let retryAt: number | undefined;
  for (const { window, buckets, at } of live) {
    const after = granted === 0 ? buckets : addTo(buckets, bucketOf(window, at), granted);
    next[nameOf(window)] = after;
    const first = after[0];
    if (sum(after) < window.count || first === undefined) continue;
    retryAt = Math.max(retryAt ?? 0, first[0] + bucketMs(window) + window.windowMs);
  }
  return { memory: next, granted, retryAt };
}

/** Gives one back that was taken lately and not used. */
export function returnToBudget(
  memory: LimiterMemory,
  windows: readonly RateWindow[],
): LimiterMemory {
  const next: Record<string, readonly (readonly [number, number])[]> = { ...memory };
  for (const window of windows) {
    const buckets = memory[nameOf(window)] ?? [];
    const last = buckets.at(-1);
    if (last === undefined) continue;
    const [start, taken] = last;
    next[nameOf(window)] =
      taken > 1 ? [...buckets.slice(0, -1), [start, taken - 1]] : buckets.slice(0, -1);
  }
  return next;
}

/** Whether what was granted at one time has to be {@link delayInBudget} where it begins at another, later one. */
export function countsLater(
  windows: readonly RateWindow[],
  { from, to }: { readonly from: number; readonly to: number },
): boolean {
  return windows.some((window) => bucketOf(window, to) > bucketOf(window, from));
}

/**
 * Counts what was granted at one time for the later one at which it begins, lest the next window follows too soon: a store
 * under load may take its time to answer.
 */
export function delayInBudget(
  memory: LimiterMemory,
  windows: readonly RateWindow[],
  granted: number,
  { from, to }: { readonly from: number; readonly to: number },
): LimiterMemory {
  const next: Record<string, readonly (readonly [number, number])[]> = { ...memory };
  for (const window of windows) {
    const buckets = memory[nameOf(window)] ?? [];
    const rest = takeOut(buckets, bucketOf(window, from), granted);
    const at = Math.max(bucketOf(window, to), rest.at(-1)?.[0] ?? 0);
    next[nameOf(window)] = addTo(rest, at, granted);
  }
  return next;
}

/** Without so many of those that were taken from a time on. */
function takeOut(
  buckets: readonly (readonly [number, number])[],
  from: number,
  count: number,
): readonly (readonly [number, number])[] {
  let left = count;
  return buckets.flatMap(([start, taken]) => {
    const out = start < from ? 0 : Math.min(left, taken);
    left -= out;
    return taken === out ? [] : [[start, taken - out] as const];
  });
}

/** Of windows with an equal length only the smallest count says something. */
export function strictest(windows: readonly RateWindow[]): readonly RateWindow[] {
  const least = new Map<number, RateWindow>();
  for (const window of windows) {
    const other = least.get(window.windowMs);
    if (other === undefined || window.count < other.count) least.set(window.windowMs, window);
  }
  return [...least.values()];
}

function liveBuckets(memory: LimiterMemory, window: RateWindow, now: number) {
  const length = bucketMs(window);
  const buckets = memory[nameOf(window)] ?? [];
  // Another process may be a little ahead of us, or we had to wait for the store; what lies further ahead comes from a
  // clock that was set back, and would block for too long.
  const latest = buckets.at(-1)?.[0] ?? 0;
  const at = latest > now && latest <= now + mostAheadMs ? latest : now;
  const live = buckets.filter(([start]) => start + length + window.windowMs > at && start <= at);
  return { buckets: live, at };
}

function addTo(
  buckets: readonly (readonly [number, number])[],
  start: number,
  taken: number,
): readonly (readonly [number, number])[] {
  const last = buckets.at(-1);
  return last !== undefined && last[0] === start
    ? [...buckets.slice(0, -1), [start, last[1] + taken]]
    : [...buckets, [start, taken]];
}

function bucketMs({ windowMs }: RateWindow): number {
  return Math.max(1, Math.ceil(windowMs / bucketsPerWindow));
}

function bucketOf(window: RateWindow, now: number): number {
  const length = bucketMs(window);
  return Math.floor(now / length) * length;
}

function nameOf({ count, windowMs }: RateWindow): string {
  return `${count}/${windowMs}ms`;
}

function sum(buckets: readonly (readonly [number, number])[]): number {
  return buckets.reduce((total, [, taken]) => total + taken, 0);
}
