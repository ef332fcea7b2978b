import type { HookError } from "../errors.ts";
import { type Delivery, type Outcome, pending } from "../hook.ts";
import { toHookError } from "../judge.ts";
import { withoutStop } from "../without-stop.ts";
import { toRun } from "./answers.ts";
import type { StartedRun } from "./contract.ts";
import { type RunParts, type Starting, toTrigger } from "./parts.ts";
import { endedBadly } from "./run-events.ts";
import type { GiveUp, Started } from "./starting.ts";
import { toStored, wait } from "./wait.ts";

/** Waits before `find` is asked; lists lag behind. */
const waitsMs = [2000, 5000, 15_000, 30_000];
/** How long `find` may fail before nobody can say. */
const longestMs = 3_600_000;
const mostRestarts = 3;
const interrupted = "an earlier attempt ended in the middle of it";

/** Finds out whether a run was started. */
export interface Seeking {
  /** After a start of which it is not known. */
  begin(delivery: Delivery, state: Starting, error: HookError): Outcome;
  goOn(delivery: Delivery, state: Starting): Promise<Outcome>;
}

export function createSeeking(
  parts: RunParts & {
    readonly started: Started;
    readonly giveUp: GiveUp;
  },
): Seeking {
  const { client, settings, now, random, started, giveUp } = parts;

  const ask = (
    state: Starting,
    doubt: NonNullable<Starting["doubt"]>,
    told: { readonly error?: HookError; readonly againMs?: number; readonly record?: boolean } = {},
  ): Outcome => {
    const { againMs = waitsMs[doubt.asked] ?? 60_000, error, record } = told;
    return pending({
      state: toStored({ ...state, doubt }),
      againMs: Math.round(againMs * (1 + random() * 0.2)),
      reason: `${client.what}: looking for a run that may have been started: ${doubt.because}`,
      error,
      record,
    });
  };

  /** Nothing was found. */
  const decide = (
    delivery: Delivery,
    state: Starting,
    because: string,
    proved: boolean,
  ): Outcome => {
    const { doubt: _, restarts = 0, ...rest } = state;
    const again = proved || settings.whenUnknown === "trigger_again";
    if (again && restarts < mostRestarts) {
      const found = proved ? "no run was started" : "nobody can say whether a run was started";
      const reason = `${client.what}: ${found} (${because}), so one is started`;
      delivery.logger.warn(`${delivery.hook}: ${reason}`);
      return wait({
        // A process that dies says nothing of the receiver; only what the receiver did wears patience out.
        state: {
          ...rest,
          attempt: delivery.attempt,
          restarts: restarts + (because === interrupted ? 0 : 1),
        },
        reason,
      });
    }
    const hint = again
      ? `It was tried ${restarts + 1} times.`
      : 'Look there, and replay the delivery if there is none; "when_unknown: trigger_again" starts it again by itself.';
    const message = `${client.what}: nobody can say whether a run was started: ${withoutStop(because)}. ${hint}`;
    throw giveUp(delivery, state, endedBadly(message));
  };

  return {
    begin(delivery, state, error) {
      const doubt = { since: now(), asked: 0, because: error.message };
      delivery.logger.warn(
        `${delivery.hook}: ${client.what}: it is not known whether a run was started: ${error.message}`,
      );
      if (client.find === undefined) return decide(delivery, state, error.message, false);
      return ask(state, doubt, { error });
    },
    async goOn(delivery, state) {
      const { doubt = { since: now(), asked: 0, because: interrupted } } = state;
      if (client.find === undefined) return decide(delivery, state, doubt.because, false);
      let found: StartedRun | undefined;
      try {
        const answer = await client.find(toTrigger(delivery, state));
        found = answer && toRun(answer);
      } catch (thrown) {
        const error = toHookError(thrown);
        if (now() - doubt.since > longestMs || (!error.retryable && !delivery.signal.aborted)) {
          const because = `${withoutStop(doubt.because)}, and runs cannot be listed: ${error.message}`;
          return decide(delivery, state, because, false);
        }
        return ask(state, doubt, { error, againMs: Math.max(error.retryAfterMs ?? 0, 15_000) });
      }
      if (found) {
        delivery.logger.info(`${delivery.hook}: ${client.what}: run ${found.id} was found`);
        return started(delivery, state, found, state.since);
      }
      const asked = doubt.asked + 1;
      if (asked < waitsMs.length) return ask(state, { ...doubt, asked }, { record: false });
      return decide(delivery, state, doubt.because, client.findProves === true);
    },
  };
}
