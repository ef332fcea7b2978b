import { type Delivery, formatDuration, parseDuration } from "@pipehooks/core";
import type { HexClient } from "./client.ts";
import type { HexSettings } from "./options.ts";

/** One answer serves a burst: the results do not get older by being asked for. */
const keptMs = 10_000;

/** Tells why the published results need no run, if they need none. */
export function createFreshness(parts: {
  readonly settings: HexSettings;
  readonly client: HexClient;
  readonly now: () => number;
}): (trigger: {
  readonly delivery: Delivery;
  readonly signal: AbortSignal;
}) => Promise<string | undefined> {
  const { client, now } = parts;
  const { project, skipIfFresh } = parts.settings;
  if (skipIfFresh === false) return async () => undefined;
  const longestMs = skipIfFresh === true ? undefined : parseDuration(skipIfFresh);
  let known: { readonly askedAt: number; readonly updatedAt: number | undefined } | undefined;

  return async ({ delivery: { event }, signal }) => {
    if (known === undefined || known.askedAt + keptMs < now()) {
      const askedAt = now();
      const { analytics } = await client.project(project, signal);
      const text = analytics?.publishedResultsUpdatedAt ?? undefined;
      known = { askedAt, updatedAt: text === undefined ? undefined : Date.parse(text) };
    }
    const { updatedAt } = known;
    if (updatedAt === undefined) return undefined;
    const when = new Date(updatedAt).toISOString();
    if (longestMs === undefined) {
      return updatedAt > Date.parse(event.time)
        ? `the published results of ${when} are newer than the event`
        : undefined;
    }
    const age = now() - updatedAt;
    return age < longestMs
      ? `the published results of ${when} are fresh: ${formatDuration(Math.max(0, age))} old`
      : undefined;
  };
}
