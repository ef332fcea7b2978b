import { type AttemptRun, type Stop, startAttempt } from "./attempt.ts";
import type { Clock } from "./clock.ts";
import type { Deadlines } from "./deadlines.ts";
import { endingOf, leavesState, threwEnding } from "./delivery-ending.ts";
import type { HookError } from "./errors.ts";
import type { Finisher } from "./finisher.ts";
import { type Readable, readEvents, toDelivery } from "./held-delivery.ts";
import type { Hook, Outcome } from "./hook.ts";
import type { Ending } from "./judge.ts";
import type { Held, Lane } from "./lane.ts";
import type { RunningEntry } from "./running.ts";
import type { Acceptance } from "./store.ts";

/** Begins an attempt at one delivery. */
export type Run = (lane: Lane, claimed: Held) => void;

interface RunnerParts {
  readonly clock: Clock;
  readonly finisher: Finisher;
  /** Called when an attempt has ended and its slot is free. */
  readonly ended: () => void;
}

export function createRunner(parts: RunnerParts): Run {
  return (lane, claimed) => {
    const readable = readEvents(claimed);
    if (readable === undefined) parts.finisher.giveUpUnreadable(lane, claimed);
    else new DeliveryRun(lane, readable, parts).begin();
  };
}

/** One attempt at one delivery. A class, because one is made for each, and each closure of one would be made anew. */
class DeliveryRun implements AttemptRun<Outcome> {
  readonly name: string;
  readonly startedAt: number;
  readonly timeoutMs: number;
  readonly deadlines: Deadlines;
  readonly emitted: Acceptance[] = [];
  isOver = false;
  readonly #lane: Lane;
  readonly #readable: Readable;
  readonly #parts: RunnerParts;
  #entry: RunningEntry | undefined;

  constructor(lane: Lane, readable: Readable, parts: RunnerParts) {
    this.name = lane.hook;
    this.startedAt = parts.clock.now();
    this.timeoutMs = lane.policy.timeoutMs;
    this.deadlines = lane.deadlines;
    this.#lane = lane;
    this.#readable = readable;
    this.#parts = parts;
  }

  begin(): void {
    const attempt = startAttempt(this);
    this.#entry = this.#lane.running.add(this.#readable.claimed, attempt);
    this.#lane.destination.inFlight += 1;
  }

  work(stop: Stop): unknown {
    const live = this.#lane.live();
    return live instanceof Promise ? this.#deliverBy(live, stop) : this.#deliver(live, stop);
  }

  async #deliverBy(making: Promise<Hook>, stop: Stop): Promise<unknown> {
    const live = await making;
    // Making the hook may have outlasted the attempt.
    stop.signal.throwIfAborted();
    return this.#deliver(live, stop);
  }

  #deliver(hook: Hook, stop: Stop): unknown {
    const emit = this.#parts.finisher.emitter(this.#lane, this.#readable.event, this);
    return hook.deliver(toDelivery(this.#readable, this.#lane, { stop, emit }));
  }

  returned(value: unknown): Ending {
    return endingOf(this.name, value);
  }

  threw(error: HookError): Ending {
    return threwEnding(this.name, error);
  }

  says(ending: Ending): boolean {
    return leavesState(ending);
  }

  ended(ending: Ending): void {
    this.isOver = true;
    const lane = this.#lane;
    const { claimed, event } = this.#readable;
    const { clock, finisher, ended } = this.#parts;
    const endedAt = clock.now();
    if (this.#entry !== undefined) lane.running.remove(this.#entry);
    lane.destination.inFlight -= 1;
    const verdict = finisher.finish({
      lane,
      claimed,
      event: () => event,
      startedAt: this.startedAt,
      endedAt,
      ending,
      emitted: this.emitted,
    });
    finisher.conclude(lane, event.type, verdict, endedAt);
    ended();
  }
}
