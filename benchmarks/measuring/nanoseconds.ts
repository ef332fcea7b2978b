import { settings } from "./settings.ts";

/** Kept where the compiler cannot see that nobody reads it. */
export const kept: { value: unknown } = { value: undefined };

/** Nanoseconds of one call, over as many as the round has time for. */
export function nanoseconds(call: () => unknown): number {
  const deadline = performance.now() + settings.roundMs;
  const startedAt = performance.now();
  let calls = 0;
  let step = 1;
  let now = startedAt;
  while (now < deadline) {
    for (let at = 0; at < step; at += 1) kept.value = call();
    calls += step;
    // The clock is looked at seldom enough to cost nothing beside a call of two nanoseconds.
    if (step < 10_000) step *= 2;
    now = performance.now();
  }
  return ((now - startedAt) * 1e6) / calls;
}

/** The same of calls that answer with a promise, so many of them awaited together. */
export async function nanosecondsAsync(
  call: () => Promise<unknown>,
  together: number,
): Promise<number> {
  const startedAt = performance.now();
  let calls = 0;
  let now = startedAt;
  while (now - startedAt < settings.roundMs) {
    for (let repeat = 0; repeat < 100; repeat += together) {
      if (together === 1) kept.value = await call();
      else await Promise.all(Array.from({ length: together }, call));
    }
    calls += 100;
    now = performance.now();
  }
  return ((now - startedAt) * 1e6) / calls;
}
