import { isOwnType } from "./catalogue.ts";
import { messageOf } from "./errors.ts";
import type { Verdict } from "./judge.ts";
import type { Lane } from "./lane.ts";
import type { Logger } from "./logger.ts";
import type { Notice } from "./notice.ts";
import type { Redact } from "./redact.ts";
import type { Acceptance, Store } from "./store.ts";

export interface AftermathParts {
  readonly store: Store;
  readonly logger: Logger;
  readonly redact: Redact;
  /** Tells listeners; answers the event to store when hooks take notices of this type. */
  readonly notify: (notice: Notice) => Acceptance | undefined;
  /** Called after emitted events were stored. */
  readonly stored: (acceptances: readonly Acceptance[]) => void;
}

/** What an attempt says of its hook and its destination: breaker, pause, switch. */
export interface Aftermath {
  record(lane: Lane, eventType: string, verdict: Verdict, now: number): void;
}

export function createAftermath({
  store,
  logger,
  redact,
  notify,
  stored,
}: AftermathParts): Aftermath {
  const record = (lane: Lane, eventType: string, verdict: Verdict, now: number): void => {
    const before = lane.destination.blockedUntil();
    const message = verdict.error === undefined ? undefined : redact(verdict.error.message);
    const destination = lane.destination.record({
      health: verdict.destinationHealth,
      pauseUntil: verdict.pauseUntil,
      because: message,
      now,
      breaker: lane.policy.breaker,
    });
    const hook = lane.switch.record({
      health: verdict.hookHealth,
      now,
      disableAfter: lane.policy.breaker.disableAfter,
      message,
    });
    if (destination === undefined && hook === undefined) return;
    const until = lane.destination.blockedUntil();
    // A hook that is told of pauses would cause the next one's notice by its own.
    if (until > now && until > before && !isOwnType(eventType)) {
      tell({
        type: "pipehooks.destination.paused",
        hook: lane.hook,
        detail: {
          destination: lane.destination.name,
          until: new Date(until).toISOString(),
          because: lane.destination.describe(now).because ?? "",
        },
      });
    }
    void Promise.all([destination, hook])
      .then(([, because]) => {
        if (because === undefined) return;
        logger.error(`Hook "${lane.hook}" is disabled: ${because}. Enable it when that is mended.`);
        tell({ type: "pipehooks.hook.disabled", hook: lane.hook, detail: { because } });
      })
      .catch((error: unknown) => {
        logger.warn(`The health of hook "${lane.hook}" was not stored: ${messageOf(error)}`);
      });
  };

  /** A notice that belongs to no settlement is stored by itself. */
  const tell = (notice: Notice): void => {
    const acceptance = notify(notice);
    if (acceptance === undefined) return;
    store.accept([acceptance]).then(
      () => stored([acceptance]),
      (error: unknown) => logger.warn(`Event ${notice.type} was not stored: ${messageOf(error)}`),
    );
  };

  return { record };
}
