import type { Batcher } from "./batching/batcher.ts";
import { empty, type Gathering } from "./batching/gathering.ts";
import type { Clock } from "./clock.ts";
import type { Finisher } from "./finisher.ts";
import { freeSlots, isIdle, type Lane } from "./lane.ts";
import type { Run } from "./runner.ts";

/** What happens to the deliveries that a lane holds: they begin where there is a slot, or go back. */
export interface Beginning {
  begin(lane: Lane): void;
  /** Lets go of all that waits for a slot. */
  giveBackHeld(lane: Lane): void;
  /** What hooks share is offered to them in the order of `active`: who got something goes to the end. */
  yieldTurn(lane: Lane): void;
}

export function createBeginning(parts: {
  readonly clock: Clock;
  readonly finisher: Finisher;
  readonly run: Run;
  readonly batcher: Batcher;
  /** The order in which lanes are asked. */
  readonly active: Set<Lane>;
  readonly stopping: () => boolean;
  /** Whether batches go that are not full. */
  readonly draining: () => boolean;
}): Beginning {
  const { clock, finisher, run, batcher, active, stopping, draining } = parts;

  const giveBackHeld = (lane: Lane): void => {
    const gathered = lane.gathering === undefined ? [] : empty(lane.gathering);
    const held = [...gathered.map(({ claimed }) => claimed), ...lane.buffer.splice(0)];
    for (const claimed of held) finisher.giveBack(lane, claimed, clock.now());
  };

  const yieldTurn = (lane: Lane): void => {
    const { concurrency, windows } = lane.destination;
    if (concurrency === Number.POSITIVE_INFINITY && windows.length === 0) return;
    if (active.delete(lane)) active.add(lane);
  };

  const beginCalls = (lane: Lane, gathering: Gathering): void => {
    if (lane.switch.off !== undefined) {
      giveBackHeld(lane);
      return;
    }
    batcher.begin(lane, gathering, draining());
    yieldTurn(lane);
    // A batch is kept over a pause: to give back and claim thousands would cost more than to hold them.
    const blockedUntil = lane.destination.blockedUntil();
    if (blockedUntil > clock.now() && !isIdle(lane)) {
      lane.wakeAt = Math.min(lane.wakeAt, blockedUntil);
    }
  };

  return {
    begin(lane) {
      if (stopping()) return;
      if (lane.gathering !== undefined) {
        beginCalls(lane, lane.gathering);
        return;
      }
      if (lane.buffer.length === 0) return;
      const now = clock.now();
      // What cannot be read takes no slot.
      for (
        let slots = freeSlots(lane, now);
        slots > 0 && lane.buffer.length > 0;
        slots = freeSlots(lane, now)
      ) {
        for (const claimed of lane.buffer.splice(0, slots)) run(lane, claimed);
        yieldTurn(lane);
      }
      const closedUntil = lane.destination.closedUntil();
      if (lane.buffer.length > 0 && (closedUntil > now || lane.switch.off !== undefined)) {
        giveBackHeld(lane);
        lane.wakeAt = Math.min(lane.wakeAt, Math.max(closedUntil, now));
      }
    },
    giveBackHeld,
    yieldTurn,
  };
}
