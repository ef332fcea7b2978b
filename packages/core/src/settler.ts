import type { Clock } from "./clock.ts";
import { messageOf } from "./errors.ts";
import type { Lane } from "./lane.ts";
import type { Logger } from "./logger.ts";
import { nextTurn } from "./next-turn.ts";
import type { Acceptance, Settlement, Store, UnknownLeases } from "./store.ts";
import { UnderWay } from "./under-way.ts";

/** Writes what became of deliveries, many at a time, and does not let go of one before it is stored. */
export interface Settler extends Disposable {
  /** Whether the store refuses what has happened; then nothing more should be begun. */
  readonly stuck: boolean;
  add(done: {
    readonly settlement: Settlement;
    readonly emitted?: readonly Acceptance[];
    /** The lane that it is of. */
    readonly lane: Lane;
  }): void;
  /** The process ends: what is not stored is, if at all, before this returns. */
  writeNow(rest: UnknownLeases): void;
  /** Resolves when everything added so far is stored, or was refused once. */
  flushed(): Promise<void>;
  /** Tries nothing again by itself. */
  [Symbol.dispose](): void;
}

const waitAfterFailureMs = 1000;

interface Waiting {
  readonly settlement: Settlement;
  readonly lane: Lane;
}

export function createSettler(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told what was stored; settlements whose lease was lost are left out. */
  readonly settled: (settlements: readonly Settlement[]) => void;
}): Settler {
  const { store, clock, logger } = options;
  let waiting: Waiting[] = [];
  const written = new Set<readonly Waiting[]>();
  let scheduled = false;
  let stuck = false;
  let ended = false;
  let retry: Disposable | undefined;
  const underWay = new UnderWay();

  const write = async (): Promise<void> => {
    scheduled = false;
    if (waiting.length === 0) return;
    const batch = waiting;
    waiting = [];
    underWay.begin();
    written.add(batch);
    const held = await store
      .settle(batch.map(({ settlement }) => settlement))
      .catch((error: unknown) => keep(batch, error));
    if (held !== undefined) {
      stuck = false;
      // What came while the store was stuck has not been scheduled.
      if (!scheduled) void write();
      tell(batch, held);
    }
    written.delete(batch);
    underWay.end();
  };

  const keep = (batch: readonly Waiting[], error: unknown): undefined => {
    if (!stuck) logger.error(`The outcome of deliveries is not stored: ${messageOf(error)}`);
    stuck = true;
    waiting = [...batch, ...waiting];
    retry?.[Symbol.dispose]();
    if (!ended) retry = clock.timer(waitAfterFailureMs, () => void write());
  };

  const tell = (batch: readonly Waiting[], held: readonly boolean[]): void => {
    const kept = batch.filter(({ settlement }, index) => isHeld(settlement, held[index]));
    // A claim that was answered before this was stored knows only of the end of the lease. What was given back
    // untried has a time of its own, which who gave it back knows.
    for (const { settlement, lane } of kept) {
      if (settlement.attempt === undefined) continue;
      lane.wakeAt = Math.min(lane.wakeAt, settlement.dueAt ?? Number.POSITIVE_INFINITY);
    }
    options.settled(kept.map(({ settlement }) => settlement));
  };

  const isHeld = ({ id }: Settlement, held: boolean | undefined): boolean => {
    if (held === false) {
      logger.warn(`Delivery dlv_${id} was cancelled or taken over while its attempt ran.`);
    }
    return held !== false;
  };

  return {
    get stuck() {
      return stuck;
    },
    add({ settlement, emitted = [], lane }) {
      const whole = emitted.length === 0 ? settlement : { ...settlement, emitted };
      waiting.push({ settlement: whole, lane });
      if (scheduled || stuck) return;
      scheduled = true;
      // Attempts that end in one turn of the event loop are written together.
      nextTurn(() => void write());
    },
    writeNow(rest) {
      // What is under way may not get there; what did is refused the second time.
      const left = [...[...written].flat(), ...waiting];
      store.settleNow?.(
        left.map(({ settlement }) => settlement),
        rest,
      );
    },
    async flushed() {
      if (waiting.length > 0) void write();
      await underWay.ended();
    },
    [Symbol.dispose]() {
      ended = true;
      retry?.[Symbol.dispose]();
    },
  };
}
