import { HookError, isHookError } from "../errors.ts";
import { type Delivery, delivered, type Outcome, pending, skipped } from "../hook.ts";
import { toHookError } from "../judge.ts";
import { toRun } from "./answers.ts";
import type { ActiveRun, StartedRun } from "./contract.ts";
import { cancelOthers, coveringRun, findOthers } from "./other-runs.ts";
import { type RunParts, type Starting, type Step, toTrigger } from "./parts.ts";
import { emitEnd, endedBadly, textOf } from "./run-events.ts";
import { createSeeking } from "./seeking.ts";
import { waitForLook } from "./settings.ts";
import { createTurns } from "./turns.ts";
import { toStored, wait } from "./wait.ts";

const longestNoRoomMs = 86_400_000;

/** The phase before there is a run: other runs, budget, the start itself, and finding out whether it happened. */
export function createStarting(parts: RunParts): Step<Starting> {
  const { client, settings, own, random, now } = parts;
  const inTurn = createTurns();
  const giveUp: GiveUp = (delivery, state, error) => toGivenUp(parts, delivery, state, error);

  /** There is a run, which was not started before `from`. */
  const started: Started = (delivery, state, run, from) => {
    const { hook, logger } = delivery;
    const { startedAt = now(), ...kept } = run;
    const { id, url } = run;
    own.started(id, from);
    logger.info(`${hook}: ${client.what}: run ${id} goes on`, url === undefined ? {} : { url });
    const answer = { body: JSON.stringify({ run_id: id, url }) };
    if (!settings.waits) return delivered(answer);
    const going = { run: kept, startedAt, looks: 0, again: state.again, oddLooks: 0 };
    return pending({
      state: toStored({ phase: "running", ...going }),
      againMs: Math.min(waitForLook(settings, 0, random), settings.deadlineMs),
      reason: textOf(client.what, run, { label: "started" }, "goes on"),
      answer,
    });
  };

  const seeking = createSeeking({ ...parts, started, giveUp });

  /** What is to be done before a start; undefined when it may be. */
  const prepare: (delivery: Delivery, state: Starting) => Promise<Outcome | undefined> = async (
    delivery,
    state,
  ) => {
    // Where an earlier claim may have started it, what goes on is probably that.
    const others = mayExist(delivery, state) ? [] : await findOthers(parts, delivery, state);
    const covering = coveringRun(parts, others, delivery);
    if (covering !== undefined) return leaveIt(state, covering);

    const admission = await client.admit?.(toTrigger(delivery, state));
    if (admission?.skip !== undefined) {
      const why = `${client.what}: ${admission.skip}.`;
      if (state.failed !== undefined) throw endedBadly(why);
      return skipped(why);
    }
    if (admission?.againAt !== undefined) {
      const { againAt, because = `${client.what} is started no more often` } = admission;
      return wait({
        state: { ...waiting(delivery, state) },
        againMs: Math.max(0, againAt - now()),
        reason: `rate budget: ${because}, next at ${new Date(againAt).toISOString()}`,
      });
    }
    await cancelOthers(parts, others, delivery);
    return undefined;
  };

  const leaveIt = (state: Starting, { id, queued }: ActiveRun): Outcome => {
    const why = `${client.what}: run ${id} ${queued ? "is queued and will see it" : "goes on"}`;
    // The failed run is not started again, so now its failure counts.
    if (state.failed !== undefined) throw endedBadly(`${why}.`);
    return skipped(`${why} (on_running: ${settings.onRunning}).`);
  };

  const waiting = (delivery: Delivery, state: Starting): Starting => ({
    ...state,
    attempt: mayExist(delivery, state) ? state.attempt : delivery.attempt,
    // What is looked for later cannot be older than this wait.
    since: mayExist(delivery, state) ? state.since : now(),
    waitingSince: state.waitingSince ?? now(),
  });

  const failed = (delivery: Delivery, state: Starting, thrown: unknown): Outcome => {
    const error = toHookError(thrown);
    const noRoomMs = client.noRoomForMs?.(error);
    const waitingSince = state.waitingSince ?? now();
    if (noRoomMs !== undefined && now() - waitingSince < longestNoRoomMs) {
      const againMs = Math.round(noRoomMs * (1 + random() * 0.2));
      return pending({
        state: toStored(waiting(delivery, state)),
        againMs,
        reason: `no room: ${error.message} Next at ${new Date(now() + againMs).toISOString()}`,
        error,
      });
    }
    const unknown = !isHookError(thrown) || client.isUnknown(error);
    if (unknown && !client.idempotent) return seeking.begin(delivery, state, error);
    throw unknown
      ? notStarted(delivery, state, error, state.attempt)
      : notStarted(delivery, state, error);
  };

  /** The error to throw; the next attempt begins anew, unless one dies over it. */
  const notStarted = (
    delivery: Delivery,
    state: Starting,
    error: HookError,
    attempt = mayExist(delivery, state) ? state.attempt : delivery.attempt + 1,
  ): HookError =>
    error.retryable ? withState(error, { ...state, attempt }) : giveUp(delivery, state, error);

  const begin: Step<Starting> = async (delivery, state) => {
    const { signal } = delivery;
    try {
      const instead = await prepare(delivery, state);
      if (instead !== undefined) return instead;
      signal.throwIfAborted();
    } catch (thrown) {
      throw notStarted(delivery, state, toHookError(thrown));
    }
    const trigger = toTrigger(delivery, state);
    const { previous } = state;
    const from = now();
    try {
      const run =
        previous !== undefined && client.startAgain !== undefined
          ? await client.startAgain(previous, trigger)
          : await client.start(trigger);
      return started(delivery, state, toRun(run), from);
    } catch (thrown) {
      return failed(delivery, state, thrown);
    }
  };

  /** Each sees what the one before it has started. */
  const beginInTurn: Step<Starting> = async (delivery, state) => {
    let begun = false;
    const work = async (): Promise<Outcome> => {
      begun = true;
      return begin(delivery, state);
    };
    try {
      return await inTurn(work, delivery.signal);
    } catch (thrown) {
      throw begun ? thrown : notStarted(delivery, state, toHookError(thrown));
    }
  };

  return (delivery, state) => {
    if (!client.idempotent && (state.doubt !== undefined || mayExist(delivery, state))) {
      return seeking.goOn(delivery, state);
    }
    return settings.onRunning === "queue" ? begin(delivery, state) : beginInTurn(delivery, state);
  };
}

export type Started = (
  delivery: Delivery,
  state: Starting,
  run: StartedRun,
  from: number,
) => Outcome;

/** The error to throw where no run is started any more; of one that had failed before, that is told now. */
export type GiveUp = (delivery: Delivery, state: Starting, error: HookError) => HookError;

function toGivenUp(
  { client }: RunParts,
  delivery: Delivery,
  { failed, previous: run, again }: Starting,
  error: HookError,
): HookError {
  if (failed === undefined || run === undefined) return error;
  const { startedAt, endedAt, report } = failed;
  emitEnd(client, delivery, "failed", {
    ...{ run, report, startedAt, endedAt, again: again - 1 },
  });
  return endedBadly(`${textOf(client.what, run, report)} Not started again: ${error.message}`);
}

/** Whether a claim that died may have started it. */
function mayExist({ attempt }: Delivery, state: Starting): boolean {
  return attempt > state.attempt;
}

function withState(error: HookError, state: Starting): HookError {
  const { code, message, retryable, retryAfterMs, scope, answer } = error;
  return new HookError(code, message, {
    ...{ retryable, retryAfterMs, scope, answer },
    state: toStored(state),
    cause: error,
  });
}
