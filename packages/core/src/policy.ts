import { z } from "zod";
import { durationPattern, parseDuration, parseRate, ratePattern } from "./duration.ts";

/** What a user may say about when and how a hook is delivered, whatever its kind. */
export interface PolicyInput {
  /** One attempt, everything included, such as `"30s"`. @default "30s" */
  readonly timeout?: string | undefined;
  /** The same in milliseconds; wins over `timeout`. */
  readonly timeoutMs?: number | undefined;
  readonly retry?: RetryInput | undefined;
  /** Attempts at a time. @default 10 */
  readonly concurrency?: number | undefined;
  /** Path in the event: deliveries with an equal value go one after the other. */
  readonly orderBy?: string | undefined;
  /** Windows that all hold at once, such as `["20/1m", "60/1h"]`; shared over the destination. */
  readonly rateLimit?: readonly string[] | undefined;
  readonly breaker?: BreakerInput | undefined;
  /** `false` keeps the hook in the file but lets nothing reach it. @default true */
  readonly enabled?: boolean | undefined;
}

export interface RetryInput {
  /** Tries in all, the first included. @default 12 */
  readonly attempts?: number | undefined;
  /** Longest wait before the second attempt. @default "1s" */
  readonly base?: string | undefined;
  readonly baseMs?: number | undefined;
  /** What the wait grows by at each attempt. @default 3 */
  readonly factor?: number | undefined;
  /** Longest wait between two attempts. @default "1h" */
  readonly cap?: string | undefined;
  readonly capMs?: number | undefined;
  /** `full`: uniform from 0 to the delay; `equal`: from half of it; `none`. @default "full" */
  readonly jitter?: "full" | "equal" | "none" | undefined;
  /** Age of the event at which it is given up. @default "24h" */
  readonly maxAge?: string | undefined;
  readonly maxAgeMs?: number | undefined;
}

export interface BreakerInput {
  /** Failures in a row that open it. @default 5 */
  readonly failures?: number | undefined;
  /** How long it stays open before one trial. @default "1m" */
  readonly reset?: string | undefined;
  readonly resetMs?: number | undefined;
  /** Failures in a row that switch the hook off until it is enabled again. @default never */
  readonly disableAfter?: number | undefined;
}

/** A policy with every default filled in, in milliseconds. */
export interface Policy {
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  readonly concurrency: number;
  readonly orderBy: string | undefined;
  readonly rateLimit: readonly RateWindow[];
  readonly breaker: BreakerPolicy;
  readonly enabled: boolean;
}

export interface RetryPolicy {
  readonly attempts: number;
  readonly baseMs: number;
  readonly factor: number;
  readonly capMs: number;
  readonly jitter: "full" | "equal" | "none";
  readonly maxAgeMs: number;
}

/** At most `count` in any window of `windowMs`. */
export interface RateWindow {
  readonly count: number;
  readonly windowMs: number;
}

export interface BreakerPolicy {
  readonly failures: number;
  readonly resetMs: number;
  readonly disableAfter: number | undefined;
}

const longestMs = 365 * 86_400_000;
/** A duration as text, up to 365 days. */
export const durationText: z.ZodType<string, string> = z
  .string()
  .regex(durationPattern, 'a duration is a number with ms, s, m, h or d, such as "30s"')
  .refine((text) => !durationPattern.test(text) || parseDuration(text) <= longestMs, {
    error: "a duration is at most 365d",
  })
  .describe("A duration: a number with ms, s, m, h or d");
const someTime = durationText.refine(
  (text) => !durationPattern.test(text) || parseDuration(text) >= 1,
  { error: "this duration must be at least 1ms" },
);
const milliseconds = z.int().nonnegative().max(longestMs);
/** A rate as text. */
export const rateText: z.ZodType<string, string> = z
  .string()
  .regex(ratePattern, 'a rate is COUNT/DURATION, such as "20/1m"')
  .refine((text) => !ratePattern.test(text) || isRate(text), {
    error: "a rate is at least 1 in at least 1ms",
  })
  .describe("COUNT/DURATION, such as 20/1m");

/** Shape of the breaker policy. */
export const breakerShape = {
  failures: z.int().min(1).optional().describe("Failures in a row that open it. Default 5"),
  reset: someTime.optional().describe("How long it stays open. Default 1m"),
  resetMs: milliseconds.min(1).optional(),
  disableAfter: z.int().min(1).optional().describe("Failures that switch the hook off"),
};

/** Shapes of the policies, one schema a key; configuration files are checked by the same ones. */
export const policyShape = {
  timeout: someTime.optional().describe("One attempt, everything included. Default 30s"),
  timeoutMs: milliseconds.min(1).optional(),
  retry: z
    .strictObject({
      attempts: z.int().min(1).max(1000).optional().describe("Tries in all. Default 12"),
      base: durationText.optional().describe("Longest wait before the second attempt. Default 1s"),
      baseMs: milliseconds.optional(),
      factor: z.number().min(1).max(100).optional().describe("Growth of the wait. Default 3"),
      cap: durationText.optional().describe("Longest wait between two attempts. Default 1h"),
      capMs: milliseconds.optional(),
      jitter: z.enum(["full", "equal", "none"]).optional().describe("Default full"),
      maxAge: someTime.optional().describe("Age at which an event is given up. Default 24h"),
      maxAgeMs: milliseconds.min(1).optional(),
    })
    .optional()
    .describe("When a failed attempt is repeated: with waits that grow, and how often"),
  concurrency: z.int().min(1).max(10_000).optional().describe("Attempts at a time. Default 10"),
  orderBy: z.string().min(1).optional().describe("Path in the event; equal values go in order"),
  rateLimit: z
    .array(rateText)
    .min(1)
    .optional()
    .describe('Windows that all hold at once, such as ["20/1m", "60/1h"]'),
  breaker: z
    .strictObject(breakerShape)
    .optional()
    .describe("Stops trying for a while when a receiver fails all the time"),
  enabled: z.boolean().optional().describe("Default true"),
};

/** Checks a {@link PolicyInput}. */
export const policySchema: z.ZodType<PolicyInput, PolicyInput> = z.strictObject(policyShape);

/** Fills in the defaults; later inputs win over earlier ones, key by key, also inside `retry` and `breaker`. */
export function toPolicy(...inputs: readonly (PolicyInput | undefined)[]): Policy {
  const timeoutMs = lastOf(inputs, (i) => ms(i.timeoutMs, i.timeout));
  const retry = inputs.map((i) => i?.retry);
  const breaker = inputs.map((i) => i?.breaker);
  return {
    timeoutMs: timeoutMs ?? 30_000,
    retry: {
      attempts: lastOf(retry, (r) => r.attempts) ?? 12,
      baseMs: lastOf(retry, (r) => ms(r.baseMs, r.base)) ?? 1000,
      factor: lastOf(retry, (r) => r.factor) ?? 3,
      capMs: lastOf(retry, (r) => ms(r.capMs, r.cap)) ?? 3_600_000,
      jitter: lastOf(retry, (r) => r.jitter) ?? "full",
      maxAgeMs: lastOf(retry, (r) => ms(r.maxAgeMs, r.maxAge)) ?? 86_400_000,
    },
    concurrency: lastOf(inputs, (i) => i.concurrency) ?? 10,
    orderBy: lastOf(inputs, (i) => i.orderBy),
    rateLimit: (lastOf(inputs, (i) => i.rateLimit) ?? []).map(parseRate),
    breaker: {
      failures: lastOf(breaker, (b) => b.failures) ?? 5,
      resetMs: lastOf(breaker, (b) => ms(b.resetMs, b.reset)) ?? 60_000,
      disableAfter: lastOf(breaker, (b) => b.disableAfter),
    },
    enabled: lastOf(inputs, (i) => i.enabled) ?? true,
  };
}

function isRate(text: string): boolean {
  try {
    return parseRate(text).windowMs <= longestMs;
  } catch {
    return false;
  }
}

function ms(exact: number | undefined, text: string | undefined): number | undefined {
  return exact ?? (text === undefined ? undefined : parseDuration(text));
}

function lastOf<T, V>(
  inputs: readonly (T | undefined)[],
  pick: (input: T) => V | undefined,
): V | undefined {
  return inputs.reduce<V | undefined>(
    (found, input) => (input === undefined ? found : (pick(input) ?? found)),
    undefined,
  );
}
