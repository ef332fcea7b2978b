import { type AftermathParts, createAftermath } from "./aftermath.ts";
import { toStored } from "./answer.ts";
import type { DeliveryEventType } from "./catalogue.ts";
import type { Clock } from "./clock.ts";
import { HookError, messageOf } from "./errors.ts";
import type { EventFields, PipehooksEvent } from "./event.ts";
import { readEvents } from "./held-delivery.ts";
import type { Delivery } from "./hook.ts";
import type { JsonObject } from "./json.ts";
import { type Ending, judge, type Verdict } from "./judge.ts";
import type { Held, Lane } from "./lane.ts";
import { judgeLost } from "./losses.ts";
import { attemptNotices, noticeDetail } from "./notice.ts";
import type { Redact } from "./redact.ts";
import type { RunningEntry } from "./running.ts";
import type { Settler } from "./settler.ts";
import type { Acceptance, Settlement } from "./store.ts";

export interface FinisherParts extends AftermathParts {
  readonly clock: Clock;
  readonly random: () => number;
  /** Makes an event that a hook emits ready to be stored. */
  readonly emission: (
    type: string,
    fields: EventFields<JsonObject>,
    cause: PipehooksEvent,
  ) => Acceptance;
  /** Whether listeners or hooks take notices of this type. */
  readonly wants: (type: DeliveryEventType) => boolean;
}

/** What is kept of a reason or an answer, in characters. */
const longestText = 4096;

/** An attempt that has ended. */
export interface Ended {
  readonly lane: Lane;
  readonly claimed: Held;
  /** For notices: absent where none are wanted. */
  readonly event: () => PipehooksEvent | undefined;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly ending: Ending;
  readonly emitted: readonly Acceptance[];
  /** Chance for the wait; deliveries that are given the same one stay together. @default a new one */
  readonly random?: () => number;
}

/** An attempt with what follows from it. */
interface Judged extends Pick<Ended, "lane" | "claimed" | "event" | "startedAt" | "emitted"> {
  readonly now: number;
  readonly verdict: Verdict;
}

/** What follows from attempts: settlements, notices, the health of hook and destination. */
export interface Finisher {
  /** Hands the outcome to the settler. */
  finish(done: Ended): Verdict;
  /** Takes down what an attempt (or a call with many deliveries) says of its hook and its destination. */
  conclude(lane: Lane, eventType: string, verdict: Verdict, now: number): void;
  /** Whether anybody wants to be told of attempts. */
  isWatched(): boolean;
  /** Takes down that an attempt was lost: the lease ran out of what was claimed now. */
  lose(lane: Lane, claimed: Held): void;
  /** Takes down that the process exits while a delivery is being tried. */
  breakOff(lane: Lane, running: RunningEntry, now: number): void;
  /** Lets go of a claim that was not tried. */
  giveBack(lane: Lane, claimed: Held, dueAt: number): void;
  /** Ends a delivery whose stored events cannot be read. */
  giveUpUnreadable(lane: Lane, claimed: Held): void;
  /** `Delivery.emit` of one attempt: what is emitted goes to `emitted` until it is over. */
  emitter(
    lane: Lane,
    event: PipehooksEvent,
    attempt: { readonly emitted: Acceptance[]; readonly isOver: boolean },
  ): Delivery["emit"];
}

export function createFinisher(
  options: FinisherParts & {
    readonly owner: string;
    readonly settler: Settler;
    /** Called when a budget was returned, which may let another attempt begin. */
    readonly freed: () => void;
  },
): Finisher {
  const { owner, settler, clock, redact, logger } = options;
  const aftermath = createAftermath(options);
  const clean: Redact = (text) => {
    const redacted = redact(text);
    return redacted.length <= longestText ? redacted : `${redacted.slice(0, longestText)}…`;
  };

  const finish = (done: Ended): Verdict => {
    const { lane, claimed, startedAt, endedAt: now, ending, emitted } = done;
    lane.pace.count({ startedAt, endedAt: now });
    const verdict = judge(ending, {
      attempt: claimed.attempt,
      state: claimed.state,
      keepState: lane.keepState,
      since: claimed.since,
      now,
      retry: lane.policy.retry,
      random: done.random ?? options.random,
    });
    write({ lane, claimed, event: done.event, startedAt, now, verdict, emitted });
    return verdict;
  };

  const write = (done: Judged): void => {
    const { lane, claimed, startedAt, now, verdict, emitted } = done;
    const durationMs = now - startedAt;
    const reason = verdict.reason === undefined ? undefined : clean(verdict.reason);
    const told: Acceptance[] = [];
    for (const type of attemptNotices[verdict.outcome]) {
      const event = options.wants(type) ? done.event() : undefined;
      if (event === undefined) continue;
      const detail = noticeDetail({ hook: lane.hook, claimed, event, verdict, reason, durationMs });
      const acceptance = options.notify({ type, hook: lane.hook, event, detail });
      if (acceptance !== undefined) told.push(acceptance);
    }
    settler.add({
      lane,
      settlement: toSettlement({ claimed, verdict, reason, startedAt, durationMs, now }),
      // A failed attempt's events stay: they say what the hook learned.
      emitted: told.length === 0 ? emitted : [...emitted, ...told],
    });
    lane.wakeAt = Math.min(lane.wakeAt, verdict.dueAt ?? Number.POSITIVE_INFINITY);
  };

  const toSettlement = (
    done: Pick<Judged, "claimed" | "verdict" | "startedAt" | "now"> & {
      readonly reason: string | undefined;
      readonly durationMs: number;
    },
  ): Settlement => {
    const { claimed, verdict, reason, startedAt, durationMs, now } = done;
    return {
      id: claimed.id,
      owner,
      now,
      to: verdict.to,
      dueAt: verdict.dueAt,
      attempts: verdict.attempts,
      state: verdict.state,
      losses: verdict.losses,
      reason,
      attempt:
        verdict.unrecorded === true
          ? undefined
          : {
              number: claimed.attempt,
              startedAt,
              durationMs,
              outcome: verdict.outcome,
              code: verdict.error?.code,
              message: verdict.error === undefined ? undefined : clean(verdict.error.message),
              answer: toStored(verdict.answer, clean),
            },
    };
  };

  return {
    finish,
    isWatched: () => Object.values(attemptNotices).flat().some(options.wants),
    conclude(lane, eventType, verdict, now) {
      aftermath.record(lane, eventType, verdict, now);
      if (verdict.unspent !== true) return;
      lane.destination.giveBack(now)?.then(
        () => {
          lane.wakeAt = Math.min(lane.wakeAt, clock.now());
          options.freed();
        },
        (error: unknown) => logger.debug(`Budget was not returned: ${messageOf(error)}`),
      );
    },
    lose(lane, held) {
      // The one that was lost, not the one that this claim begins.
      const claimed = { ...held, attempt: held.attempt - 1 };
      const now = clock.now();
      const verdict = judgeLost(lane, claimed, { now, random: options.random });
      const event = () => readEvents(claimed)?.event;
      write({ lane, claimed, event, startedAt: now, now, verdict, emitted: [] });
    },
    breakOff(lane, { held, attempt: { startedAt } }, endedAt) {
      const event = () => readEvents(held)?.event;
      const ending = { type: "broken off", error: exiting(lane.hook) } as const;
      finish({ lane, claimed: held, event, startedAt, endedAt, ending, emitted: [] });
    },
    giveBack(lane, { id, attempt, state, losses }, dueAt) {
      lane.left += 1;
      settler.add({
        lane,
        settlement: {
          id,
          owner,
          now: clock.now(),
          to: state !== undefined ? "pending" : attempt > 1 ? "retrying" : "waiting",
          dueAt,
          attempts: attempt - 1,
          state,
          losses,
        },
      });
    },
    giveUpUnreadable(lane, claimed) {
      settler.add({
        lane,
        settlement: {
          id: claimed.id,
          owner,
          now: clock.now(),
          to: "dead",
          attempts: claimed.attempt,
          reason: "The stored event cannot be read: the store's data is damaged.",
        },
      });
    },
    emitter:
      (lane, event, attempt) =>
      (type, fields = {}) => {
        const acceptance = options.emission(type, fields, event);
        if (!attempt.isOver) attempt.emitted.push(acceptance);
        else logger.error(`Hook "${lane.hook}" emitted "${type}" after its attempt: it is lost.`);
      },
  };
}

function exiting(hook: string): HookError {
  return new HookError("ABORTED", `${hook}: the process exited while the attempt ran.`, {
    retryable: true,
  });
}
