import { parseDuration } from "../duration.ts";
import type { RemoteRunOptions } from "./contract.ts";

/** {@link RemoteRunOptions} with every default filled in, in milliseconds. */
export interface RunSettings {
  readonly waits: boolean;
  readonly firstMs: number;
  readonly longestMs: number;
  readonly deadlineMs: number;
  readonly onDeadline: "leave" | "cancel" | "fail";
  readonly whenUnknown: "trigger_again" | "give_up";
  readonly onRunning: "queue" | "skip" | "one_follow_up" | "cancel_and_replace";
  readonly retryRun: number;
}

export function toSettings(options: RemoteRunOptions): RunSettings {
  const firstMs = parseDuration(options.poll?.first ?? "5s");
  return {
    waits: options.waitForCompletion ?? true,
    firstMs,
    longestMs: Math.max(firstMs, parseDuration(options.poll?.longest ?? "60s")),
    deadlineMs: parseDuration(options.deadline ?? "24h"),
    onDeadline: options.onDeadline ?? "leave",
    whenUnknown: options.whenUnknown ?? "give_up",
    onRunning: options.onRunning ?? "queue",
    retryRun: options.retryRun ?? 0,
  };
}

/** Milliseconds until the next look: from `first` growing by half to `longest`, and a quarter more or less of it. */
export function waitForLook(
  { firstMs, longestMs }: Pick<RunSettings, "firstMs" | "longestMs">,
  looks: number,
  random: () => number,
): number {
  const wait = Math.min(firstMs * 1.5 ** Math.min(looks, 100), longestMs);
  return Math.round(wait * (0.75 + random() * 0.5));
}
