import type { Clock } from "./clock.ts";
import { parseDuration } from "./duration.ts";
import { messageOf } from "./errors.ts";
import type { Logger } from "./logger.ts";
import type { Store } from "./store.ts";

/** How long settled events stay to be asked for. Unsettled ones always stay. */
export interface RetentionInput {
  /** @default "30d" */
  readonly maxAge?: string | undefined;
  /** For events with dead letters. @default "90d" */
  readonly deadMaxAge?: string | undefined;
  /** Beyond this many events the oldest settled ones go; dead letters stay. @default 1_000_000 */
  readonly maxEvents?: number | undefined;
}

const everyMs = 60_000;
const stepSize = 500;

/** Removes what is past its retention, in steps that hold nothing up. */
export interface Retention extends Disposable {
  start(): void;
  /** Removes all that is due for removal; answers how many events went. */
  run(): Promise<number>;
}

export function createRetention(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly input: RetentionInput | undefined;
}): Retention {
  const { store, clock, logger, input = {} } = options;
  const maxAgeMs = parseDuration(input.maxAge ?? "30d");
  const deadMaxAgeMs = parseDuration(input.deadMaxAge ?? "90d");
  const keep = input.maxEvents ?? 1_000_000;
  let timer: Disposable | undefined;
  let ended = false;

  const run = async (): Promise<number> => {
    let removed = 0;
    for (;;) {
      const now = clock.now();
      const step = ended
        ? 0
        : await store.purge({
            before: now - maxAgeMs,
            deadBefore: now - deadMaxAgeMs,
            keep,
            limit: stepSize,
          });
      removed += step;
      if (step < stepSize) return removed;
    }
  };

  const tick = (): void => {
    timer = clock.timer(everyMs, () => {
      run()
        .catch((error: unknown) => logger.warn(`Old events were not removed: ${messageOf(error)}`))
        .finally(() => {
          if (!ended) tick();
        });
    });
  };

  return {
    start: tick,
    run,
    [Symbol.dispose]() {
      ended = true;
      timer?.[Symbol.dispose]();
    },
  };
}
