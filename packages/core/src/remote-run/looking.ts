import { formatDuration } from "../duration.ts";
import type { HookError } from "../errors.ts";
import { type Delivery, delivered, type Outcome, pending } from "../hook.ts";
import { toHookError } from "../judge.ts";
import { namesText } from "../unknown-hook.ts";
import { hasEnded, toReport } from "./answers.ts";
import type { RunReport } from "./contract.ts";
import { runMarker } from "./marker.ts";
import type { Going, RunParts, Step } from "./parts.ts";
import { type EndedRun, emitEnd, endedBadly, textOf } from "./run-events.ts";
import { waitForLook } from "./settings.ts";
import { toStored, wait } from "./wait.ts";

/** Longest wait that a receiver may ask for between two looks. */
const longestHintMs = 3_600_000;
/** Looks that may fail at the deadline before it is acted upon without having seen the run. */
const mostLastLooks = 3;
/** How long cancelling may fail, and how long a run may take to end once it was cancelled. */
const longestCancelMs = 15 * 60_000;
/** How long one that was cancelled waits for the one that replaces it: who starts that may have died and come again. */
const longestReplacingMs = 3 * 60_000;
const longestRestMs = 10 * 60_000;

/** The phase in which a run goes on: it is looked at until it ends or its time is over. */
export function createLooking(parts: RunParts): Step<Going> {
  const { client, settings, own, random, now } = parts;
  const { what } = client;

  const deadlineOf = ({ startedAt }: Going): number => startedAt + settings.deadlineMs;

  /** Nothing that ends it: stored, and looked at again. */
  const goOn = (
    state: Going,
    after: Going,
    {
      error,
      hintMs = 0,
    }: { readonly error?: HookError | undefined; readonly hintMs?: number } = {},
  ): Outcome => {
    const next: Going = { ...after, looks: after.looks + 1 };
    const usual = Math.max(waitForLook(settings, next.looks, random), hintMs);
    const left = deadlineOf(next) - now();
    const label = next.label ?? "started";
    const odd = next.odd === undefined ? "" : ` The last look told nothing: ${next.odd}`;
    return pending({
      state: toStored(next),
      againMs: left > 0 ? Math.min(usual, left) : usual,
      reason: `${textOf(what, next.run, { label }, goesOn(next))}${odd}`,
      error,
      record:
        next.label !== state.label ||
        next.odd !== state.odd ||
        next.cancel?.asked !== state.cancel?.asked,
    });
  };

  const understood = (
    delivery: Delivery,
    state: Going,
    report: RunReport,
  ): Outcome | Promise<Outcome> => {
    if (state.odd !== undefined) {
      delivery.logger.info(`${delivery.hook}: ${what}: run ${state.run.id} is seen again`);
    }
    const { odd: _, ...rest } = state;
    const next: Going = { ...rest, oddLooks: 0, label: report.label, run: withUrl(state, report) };
    return isOverdue(state) ? atDeadline(delivery, state, next) : goOn(state, next);
  };

  /** A look that failed, or an answer that is not understood: never an end. */
  const odd = (
    delivery: Delivery,
    state: Going,
    { text, error, label }: { text: string; error?: HookError; label?: string },
  ): Outcome | Promise<Outcome> => {
    if (text !== state.odd) {
      const { hook, logger } = delivery;
      logger.warn(`${hook}: ${what}: run ${state.run.id} could not be looked at: ${text}`);
    }
    const next: Going = {
      ...state,
      oddLooks: state.oddLooks + 1,
      odd: text,
      label: label ?? state.label,
    };
    // An answer that is not understood is one; a look that failed is made again.
    const isLast = error === undefined || next.oddLooks >= mostLastLooks;
    if (isOverdue(state) && isLast) return atDeadline(delivery, state, next);
    const hintMs = Math.min(error?.retryAfterMs ?? 0, longestHintMs);
    return goOn(state, next, { error, hintMs });
  };

  const isOverdue = (state: Going): boolean => now() >= deadlineOf(state);

  const atDeadline = async (delivery: Delivery, state: Going, next: Going): Promise<Outcome> => {
    const { hook, logger } = delivery;
    const { run, label = "started" } = next;
    const late = `did not end within ${formatDuration(settings.deadlineMs)}`;
    switch (settings.onDeadline) {
      case "leave":
        logger.warn(`${hook}: ${textOf(what, run, { label }, `${late}, and is left alone`)}`);
        return delivered({ body: JSON.stringify({ run_id: run.id, url: run.url, label, late }) });
      case "fail":
        throw lost(delivery, next, late);
      case "cancel":
        return cancelLate(delivery, state, next, late);
    }
  };

  const cancelLate = async (
    delivery: Delivery,
    state: Going,
    next: Going,
    late: string,
  ): Promise<Outcome> => {
    const { hook, logger, signal } = delivery;
    const { run, label = "started", cancel } = next;
    if (cancel === undefined) {
      // Stored first: whoever sees it cancelled after a crash knows by whom.
      return pending({
        state: toStored({
          ...next,
          phase: "cancelling",
          cancel: { since: now(), asked: false },
          looks: 0,
        }),
        againMs: 0,
        reason: textOf(what, run, { label }, `${late}, and is to be cancelled`),
        record: false,
      });
    }
    const isTooLong = now() >= cancel.since + longestCancelMs;
    if (cancel.asked) {
      if (isTooLong) throw lost(delivery, next, `${late}, and not when it was cancelled`);
      return goOn(state, next);
    }
    try {
      await client.cancel(run, signal);
      logger.warn(`${hook}: ${textOf(what, run, { label }, `${late}, and is cancelled`)}`);
    } catch (thrown) {
      const error = toHookError(thrown);
      const text = `could not be cancelled: ${error.message}`;
      logger.warn(`${hook}: ${what}: run ${run.id} ${text}`);
      if (error.retryable && isTooLong) throw lost(delivery, next, `${late}, and ${text}`);
      if (error.retryable) return goOn(state, { ...next, odd: error.message }, { error });
    }
    return goOn(state, { ...next, cancel: { since: now(), asked: true }, looks: 0 });
  };

  /** The run is not waited for any more, and that is a failure. */
  const lost = (delivery: Delivery, state: Going, message: string): HookError => {
    const report: RunReport = { state: "failed", label: state.label ?? "started", message };
    emitEnd(client, delivery, "failed", toEnded(state, report));
    return endedBadly(textOf(what, state.run, report));
  };

  const toEnded = (state: Going, report: RunReport): EndedRun => {
    const { startedAt, again } = state;
    return { run: withUrl(state, report), report, startedAt, endedAt: now(), again };
  };

  const succeeded = (delivery: Delivery, state: Going, report: RunReport): Outcome => {
    emitEnd(client, delivery, "completed", toEnded(state, report));
    const { id, url } = withUrl(state, report);
    return delivered({ body: JSON.stringify({ run_id: id, url, label: report.label }) });
  };

  const failed = (delivery: Delivery, state: Going, report: RunReport): Outcome => {
    const { again, startedAt, phase } = state;
    const text = textOf(what, state.run, report);
    const mayRunAgain = phase === "running" && again < settings.retryRun;
    if (!mayRunAgain || report.worthAnotherRun !== true) {
      emitEnd(client, delivery, "failed", toEnded(state, report));
      throw endedBadly(text);
    }
    const count = `run ${again + 2} of at most ${settings.retryRun + 1}`;
    delivery.logger.warn(`${delivery.hook}: ${text} It is started again (${count}).`);
    return wait({
      state: {
        phase: "starting",
        marker: runMarker(delivery, again + 1),
        attempt: delivery.attempt,
        again: again + 1,
        since: now(),
        previous: state.run,
        failed: { startedAt, endedAt: now(), report },
      },
      againMs: Math.min(waitForLook(settings, 100, random) * 2 ** again, longestRestMs),
      reason: `${text} It is started again (${count}).`,
    });
  };

  const cancelled = async (
    delivery: Delivery,
    state: Going,
    report: RunReport,
  ): Promise<Outcome> => {
    const { id, url } = withUrl(state, report);
    const { endSeenAt = now() } = state;
    const isOurs = state.phase === "cancelling" || (await isReplaced(delivery, id));
    const mayBeOurs = settings.onRunning === "cancel_and_replace";
    if (!isOurs && mayBeOurs && now() < endSeenAt + longestReplacingMs) {
      return goOn(state, { ...state, label: report.label, endSeenAt });
    }
    emitEnd(client, delivery, "cancelled", toEnded(state, report));
    if (isOurs) {
      return delivered({ body: JSON.stringify({ run_id: id, url, label: report.label }) });
    }
    throw endedBadly(textOf(what, state.run, report, "was cancelled"));
  };

  /** Whether it made room for another one; which process did that is not known. */
  const isReplaced = async (delivery: Delivery, id: string): Promise<boolean> => {
    if (settings.onRunning !== "cancel_and_replace") return false;
    if (own.isReplaced(id)) return true;
    const others = await client.active?.(delivery).catch(() => []);
    return others?.some((other) => String(other.id) !== id) ?? false;
  };

  const reportOf = ({ hook, logger }: Delivery, { run }: Going, answer: RunReport): RunReport => {
    const { report, left } = toReport(answer);
    if (left.length > 0) {
      const names = namesText(left.map((name) => `"${name}"`));
      logger.warn(`${hook}: ${what}: run ${run.id}: no JSON can carry its detail ${names}.`);
    }
    return report;
  };

  return async (delivery, state) => {
    let report: RunReport;
    try {
      report = reportOf(delivery, state, await client.look(state.run, delivery.signal));
    } catch (thrown) {
      const error = toHookError(thrown);
      return odd(delivery, state, { text: error.message, error });
    }
    if (hasEnded(report)) own.ended(state.run.id);
    switch (report.state) {
      case "queued":
      case "running":
        return understood(delivery, state, report);
      case "unknown": {
        const { label, message } = report;
        const text = `it is "${label}", which is not known${message === undefined ? "" : `: ${message}`}`;
        return odd(delivery, state, { text, label });
      }
      case "succeeded":
        return succeeded(delivery, state, report);
      case "failed":
        return failed(delivery, state, report);
      case "cancelled":
        return cancelled(delivery, state, report);
    }
  };
}

function goesOn({ phase }: Going): string {
  return phase === "cancelling" ? "is being cancelled" : "goes on";
}

function withUrl({ run }: Going, { url }: RunReport): Going["run"] {
  return url === undefined ? run : { ...run, url };
}
