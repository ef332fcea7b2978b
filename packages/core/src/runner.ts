import { type AftermathParts, createAftermath } from "./aftermath.ts";
import { startAttempt } from "./attempt.ts";
import type { DeliveryEventType } from "./catalogue.ts";
import type { Clock } from "./clock.ts";
import { idempotencyKeyOf, toDeliveryId } from "./delivery-id.ts";
import { type Answer, messageOf } from "./errors.ts";
import type { EventFields, PipehooksEvent } from "./event.ts";
import { commonKey } from "./gates/gate.ts";
import type { Delivery } from "./hook.ts";
import { deepFreeze, type JsonObject, type JsonValue } from "./json.ts";
import { type Ending, judge, type Verdict } from "./judge.ts";
import type { Held, Lane } from "./lane.ts";
import { noticeDetail, outcomeNotices } from "./notice.ts";
import type { Redact } from "./redact.ts";
import type { Settler } from "./settler.ts";
import type { Acceptance, Settlement } from "./store.ts";

export interface RunnerParts extends AftermathParts {
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

/** Runs attempts and hands what became of them to the settler. */
export interface Runner {
  run(lane: Lane, claimed: Held): void;
  /** Lets go of a claim that was not tried. */
  giveBack(lane: Lane, claimed: Held, dueAt: number): void;
}

export function createRunner(
  options: RunnerParts & {
    readonly owner: string;
    readonly settler: Settler;
    /** Called when an attempt has ended and its slot is free. */
    readonly ended: (lane: Lane) => void;
  },
): Runner {
  const { owner, settler, clock, redact, logger } = options;
  const aftermath = createAftermath(options);
  const clean: Redact = (text) => {
    const redacted = redact(text);
    return redacted.length <= longestText ? redacted : `${redacted.slice(0, longestText)}…`;
  };

  const giveBack = (lane: Lane, { id, attempt, state }: Held, dueAt: number): void => {
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
      },
    });
  };

  const run = (lane: Lane, claimed: Held): void => {
    const startedAt = clock.now();
    const emitted: Acceptance[] = [];
    let ended = false;
    const events = claimed.parsed ?? parseEvents(claimed.events);
    const event = events?.at(-1);
    if (events === undefined || event === undefined) {
      giveUpUnreadable(lane, claimed);
      return;
    }
    const attempt = startAttempt({
      hook: lane.live,
      name: lane.hook,
      timeoutMs: lane.policy.timeoutMs,
      clock,
      delivery: (signal): Delivery => ({
        id: toDeliveryId(claimed.id),
        hook: lane.hook,
        event,
        events,
        eventTexts: claimed.events,
        ...gatedFields(claimed, events),
        attempt: claimed.attempt,
        idempotencyKey: idempotencyKeyOf(events[0] ?? event, lane.hook, claimed.gate),
        since: claimed.since,
        state: claimed.state,
        signal,
        logger: lane.logger,
        emit(type, fields = {}) {
          const acceptance = options.emission(type, fields, event);
          if (!ended) emitted.push(acceptance);
          else logger.error(`Hook "${lane.hook}" emitted "${type}" after its attempt: it is lost.`);
        },
      }),
    });
    lane.running.set(claimed.id, attempt);
    lane.destination.inFlight += 1;
    void attempt.ending.then((ending) => {
      ended = true;
      lane.running.delete(claimed.id);
      lane.destination.inFlight -= 1;
      finish({ lane, claimed, event, startedAt, ending, emitted });
      options.ended(lane);
    });
  };

  const finish = (done: {
    readonly lane: Lane;
    readonly claimed: Held;
    readonly event: PipehooksEvent;
    readonly startedAt: number;
    readonly ending: Ending;
    readonly emitted: readonly Acceptance[];
  }): void => {
    const { lane, claimed, event, startedAt, ending, emitted } = done;
    const now = clock.now();
    lane.pace.count(now);
    const verdict = judge(ending, {
      attempt: claimed.attempt,
      state: claimed.state,
      since: claimed.since,
      now,
      retry: lane.policy.retry,
      random: options.random,
    });
    const durationMs = now - startedAt;
    const reason = verdict.reason === undefined ? undefined : clean(verdict.reason);
    const noticed = (["pipehooks.delivery.attempted", outcomeNotices[verdict.outcome]] as const)
      .filter(options.wants)
      .flatMap((type) => {
        const detail = noticeDetail({
          hook: lane.hook,
          claimed,
          event,
          verdict,
          reason,
          durationMs,
        });
        return options.notify({ type, hook: lane.hook, event, detail }) ?? [];
      });
    settler.add({
      lane,
      settlement: toSettlement({ claimed, verdict, reason, startedAt, durationMs, now }),
      // A failed attempt's events stay: they say what the hook learned.
      emitted: [...emitted, ...noticed],
    });
    lane.wakeAt = Math.min(lane.wakeAt, verdict.dueAt ?? Number.POSITIVE_INFINITY);
    aftermath.record(lane, event, verdict, now);
    if (verdict.unspent === true) returnBudget(lane, now);
  };

  const returnBudget = (lane: Lane, now: number): void => {
    lane.destination.giveBack(now)?.then(
      () => {
        lane.wakeAt = Math.min(lane.wakeAt, clock.now());
        options.ended(lane);
      },
      (error: unknown) => logger.debug(`Budget was not returned: ${messageOf(error)}`),
    );
  };

  const toSettlement = (done: {
    readonly claimed: Held;
    readonly verdict: Verdict;
    readonly reason: string | undefined;
    readonly startedAt: number;
    readonly durationMs: number;
    readonly now: number;
  }): Settlement => {
    const { claimed, verdict, reason, startedAt, durationMs, now } = done;
    return {
      id: claimed.id,
      owner,
      now,
      to: verdict.to,
      dueAt: verdict.dueAt,
      attempts: verdict.attempts,
      state: verdict.state,
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
              answer: cleanAnswer(verdict.answer, clean),
            },
    };
  };

  const giveUpUnreadable = (lane: Lane, claimed: Held): void => {
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
  };

  return { run, giveBack };
}

/** What a hook is told of its gate. */
function gatedFields(
  { gate }: Held,
  events: readonly PipehooksEvent[],
): Pick<Delivery, "count" | "key" | "gate" | "alert"> {
  if (gate === undefined) return { count: events.length, key: null };
  const { alert, tag: _tag, ...release } = gate.release;
  return {
    count: gate.count,
    key: gate.key === commonKey ? null : gate.key,
    gate: { ...release, restIds: gate.restIds },
    ...(alert !== undefined && { alert }),
  };
}

function parseEvents(bodies: readonly string[]): readonly PipehooksEvent[] | undefined {
  try {
    return bodies.map((body) => deepFreeze(JSON.parse(body) as PipehooksEvent));
  } catch {
    return undefined;
  }
}

function cleanAnswer(answer: Answer | undefined, clean: Redact): JsonValue | undefined {
  if (answer === undefined) return undefined;
  return {
    ...(answer.status !== undefined && { status: answer.status }),
    ...(answer.body !== undefined && { body: clean(answer.body) }),
    ...(answer.timing !== undefined && { timing: answer.timing }),
  };
}
