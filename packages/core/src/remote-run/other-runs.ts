import type { Delivery } from "../hook.ts";
import { toHookError } from "../judge.ts";
import { toRun } from "./answers.ts";
import type { ActiveRun } from "./contract.ts";
import type { RunParts, Starting } from "./parts.ts";

/** Runs of the same job that go on, as far as `onRunning` asks for them. */
export async function findOthers(
  { client, settings, own }: RunParts,
  delivery: Delivery,
  { previous }: Starting,
): Promise<readonly ActiveRun[]> {
  if (settings.onRunning === "queue" || client.active === undefined) return [];
  const listed = (await client.active(delivery)).map(toRun);
  const known = new Set([...listed.map(({ id }) => id), previous?.id]);
  const unlisted = own
    .youngest()
    .filter((id) => !known.has(id) && !own.isReplaced(id))
    .filter((id) => client.counts?.(id, delivery) !== false);
  return [...listed, ...unlisted.map((id) => ({ id, queued: false }))];
}

/** The run that does what another one would do. */
export function coveringRun(
  { settings, own, now }: RunParts,
  others: readonly ActiveRun[],
  { since = now() }: Delivery,
): ActiveRun | undefined {
  switch (settings.onRunning) {
    case "skip":
      return others.at(-1);
    case "one_follow_up":
      // What we started after the event came sees what the event tells of, queued or not.
      return others.find(({ id, queued }) => queued || (own.startedAt(id) ?? -1) >= since);
    case "queue":
    case "cancel_and_replace":
      return undefined;
  }
}

/** Asks for the end of runs that are to be replaced; one that cannot be cancelled has probably ended by itself. */
export async function cancelOthers(
  { client, settings, own }: RunParts,
  others: readonly ActiveRun[],
  { hook, logger, signal }: Delivery,
): Promise<void> {
  if (settings.onRunning !== "cancel_and_replace") return;
  for (const run of others) {
    own.replaced(run.id);
    try {
      await client.cancel(run, signal);
      logger.info(`${hook}: ${client.what}: run ${run.id} is cancelled, another one replaces it`);
    } catch (thrown) {
      const error = toHookError(thrown);
      if (error.retryable) throw error;
      logger.warn(`${hook}: ${client.what}: run ${run.id} was not cancelled: ${error.message}`);
    }
  }
}
