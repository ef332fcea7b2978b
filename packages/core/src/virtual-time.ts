import type { Clock } from "./clock.ts";

/** Time that stands still until it is advanced, and chance that repeats itself. */
export interface VirtualTime {
  /** For `createPipehooks({ clock })`. */
  readonly clock: Clock;
  /** For `createPipehooks({ random })`: the same numbers in [0, 1) for the same seed. */
  readonly random: () => number;
  /**
   * Moves time on by `ms`. Timers fire one after the other in the order of their times; before the first, after each
   * and after the last, whatever they set going comes to rest.
   * @throws Error when there is no rest: something runs in circles without letting time pass
   */
  advance(ms: number): Promise<void>;
  /** Milliseconds since the epoch. */
  now(): number;
}

export interface VirtualTimeOptions {
  /** Milliseconds since the epoch. @default 2026-01-01T00:00:00Z */
  readonly start?: number | undefined;
  /** @default 1 */
  readonly seed?: number | undefined;
  /**
   * Real milliseconds of silence that count as rest, for what answers through the outside (a server, a file, a
   * worker). @default 0: a few turns of the event loop
   */
  readonly restMs?: number | undefined;
}

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

const longestTimerMs = 2_147_483_647;
const quietTurns = 5;
const mostTurns = 200_000;

/** Makes a clock that moves only by `advance`. */
export function createVirtualTime(options: VirtualTimeOptions = {}): VirtualTime {
  const { start = Date.UTC(2026, 0, 1), seed = 1, restMs = 0 } = options;
  const timers = new Set<Timer>();
  let time = start;
  let order = 0;
  // Whoever works looks at the clock or sets timers; silence on both means rest.
  let touched = 0;
  let advancing: Promise<void> = Promise.resolve();

  const clock: Clock = {
    now() {
      touched += 1;
      return time;
    },
    timer(ms, callback) {
      touched += 1;
      order += 1;
      // As the system's timers: nothing waits less than nothing, or longer than Node can.
      const wait = Math.min(Math.max(Number.isNaN(ms) ? 0 : ms, 0), longestTimerMs);
      const timer: Timer = { at: time + wait, order, callback };
      timers.add(timer);
      return {
        [Symbol.dispose]() {
          if (timers.delete(timer)) touched += 1;
        },
      };
    },
  };

  const rest = async (): Promise<void> => {
    let quiet = 0;
    let quietSince = performance.now();
    for (let turn = 0; turn < mostTurns; turn += 1) {
      const before = touched;
      await new Promise((resolve) => setImmediate(resolve));
      if (touched !== before) {
        quiet = 0;
        quietSince = performance.now();
      } else {
        quiet += 1;
        if (quiet >= quietTurns && performance.now() - quietSince >= restMs) return;
        // Turns of an idle loop are short: while waiting for the outside they are not counted.
        if (quiet >= quietTurns) turn -= 1;
      }
    }
    throw new Error(
      `Time stands still at ${new Date(time).toISOString()}: ${mostTurns} turns of the event loop without rest.`,
    );
  };

  const nextUntil = (end: number): Timer | undefined => {
    let next: Timer | undefined;
    for (const timer of timers) {
      if (timer.at > end) continue;
      if (
        next === undefined ||
        timer.at < next.at ||
        (timer.at === next.at && timer.order < next.order)
      ) {
        next = timer;
      }
    }
    return next;
  };

  const moveTo = async (end: number): Promise<void> => {
    await rest();
    for (let next = nextUntil(end); next !== undefined; next = nextUntil(end)) {
      timers.delete(next);
      time = Math.max(time, next.at);
      next.callback();
      await rest();
    }
    time = end;
  };

  return {
    clock,
    random: createRandom(seed),
    advance(ms) {
      const moved = advancing.then(() => moveTo(time + ms));
      // One advance after the other, whatever became of the one before.
      advancing = moved.catch(() => {});
      return moved;
    },
    now: () => time,
  };
}

/** Mulberry32: small, fast, and good enough to spread waits. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
