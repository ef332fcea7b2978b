import type { Announcements } from "./announcements.ts";
import { type Clock, holdProcess } from "./clock.ts";
import { unsettledStates } from "./delivery-state.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { checkWait } from "./duration.ts";
import { messageOf } from "./errors.ts";
import type { Intake } from "./intake.ts";
import type { Lanes } from "./lanes.ts";
import type { Logger } from "./logger.ts";
import type { Pipehooks } from "./pipehooks.ts";
import type { Store } from "./store.ts";

/** How a bus comes to rest, and to its end. */
export interface ShutDown extends Pick<Pipehooks, "drain"> {
  /** Ends what runs, and lets go of hooks and store; to be called once. */
  close(timeoutMs: number, deliverDue: boolean): Promise<void>;
}

export function createShutDown(parts: {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly intake: Intake;
  readonly announcements: Announcements;
  readonly dispatcher: Dispatcher;
  readonly retention: Disposable;
  readonly lanes: Lanes;
  /** Whether this process delivers. */
  readonly delivers: boolean;
}): ShutDown {
  const { store, clock, logger, intake, announcements, dispatcher, lanes, delivers } = parts;

  /** Everything that was emitted so far is stored, and routed on. */
  const arrived = async (): Promise<void> => {
    await intake.flushed();
    await announcements.settled();
  };

  return {
    async drain({ timeoutMs = 30_000, horizonMs = 0, signal } = {}) {
      checkWait("timeoutMs", timeoutMs);
      checkWait("horizonMs", horizonMs);
      await arrived();
      if (!delivers) return true;
      const deadline = new AbortController();
      const timer = clock.timer(timeoutMs, () => deadline.abort());
      const stop =
        signal === undefined ? deadline.signal : AbortSignal.any([deadline.signal, signal]);
      const held = holdProcess();
      try {
        return await dispatcher.idle(horizonMs, stop);
      } finally {
        timer[Symbol.dispose]();
        held[Symbol.dispose]();
      }
    },
    async close(timeoutMs, deliverDue) {
      const deadline = new AbortController();
      const timer = clock.timer(timeoutMs, () => deadline.abort());
      const held = holdProcess();
      if (timeoutMs <= 0) deadline.abort();
      if (!deliverDue) dispatcher.hold();
      await arrived();
      if (deliverDue && delivers && !deadline.signal.aborted) {
        await dispatcher.idle(0, deadline.signal).catch((error: unknown) => {
          logger.warn(`What is due was not delivered before closing: ${messageOf(error)}`);
        });
      }
      await dispatcher.stop(deadline.signal);
      await announcements[Symbol.asyncDispose]();
      timer[Symbol.dispose]();
      parts.retention[Symbol.dispose]();
      try {
        if (!store.durable) await warnOfLoss(store, logger);
      } finally {
        for (const error of await lanes.dispose()) {
          logger.warn(`A hook could not be disposed of: ${messageOf(error)}`);
        }
        try {
          await store[Symbol.asyncDispose]();
        } finally {
          held[Symbol.dispose]();
        }
      }
    },
  };
}

async function warnOfLoss(store: Store, logger: Logger): Promise<void> {
  const counts = await store.counts();
  const lost = counts
    .filter(({ state }) => unsettledStates.includes(state))
    .reduce((total, { count }) => total + count, 0);
  if (lost > 0) {
    logger.warn(
      `${lost} deliveries end with the memory store. Drain before closing (horizonMs: retries, too), or use a durable store.`,
    );
  }
}
