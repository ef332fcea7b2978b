import type { Clock } from "./clock.ts";
import { startDelivery } from "./delivery-attempt.ts";
import type { Finisher } from "./finisher.ts";
import { readEvents, toDelivery } from "./held-delivery.ts";
import type { Held, Lane } from "./lane.ts";
import type { Acceptance } from "./store.ts";

/** Runs an attempt at one delivery. */
export type Run = (lane: Lane, claimed: Held) => void;

export function createRunner({
  clock,
  finisher,
  ended,
}: {
  readonly clock: Clock;
  readonly finisher: Finisher;
  /** Called when an attempt has ended and its slot is free. */
  readonly ended: (lane: Lane) => void;
}): Run {
  return (lane, claimed) => {
    const readable = readEvents(claimed);
    if (readable === undefined) {
      finisher.giveUpUnreadable(lane, claimed);
      return;
    }
    const { event } = readable;
    const startedAt = clock.now();
    const own = { emitted: [] as Acceptance[], ended: false };
    const emit = finisher.emitter(lane, event, own);
    const attempt = startDelivery({
      lane,
      delivery: (signal) => toDelivery(readable, lane, { signal, emit }),
      ended(ending) {
        own.ended = true;
        lane.running.remove(entry);
        lane.destination.inFlight -= 1;
        const { emitted } = own;
        const done = { lane, claimed, event: () => event, startedAt, ending, emitted };
        const verdict = finisher.finish(done);
        finisher.conclude(lane, event.type, verdict);
        ended(lane);
      },
    });
    const entry = lane.running.add(claimed.id, attempt);
    lane.destination.inFlight += 1;
  };
}
