import { type Stop, startAttempt } from "../attempt.ts";
import type { BatchSender } from "../batch.ts";
import type { Clock } from "../clock.ts";
import { HookError, messageOf } from "../errors.ts";
import type { Finisher } from "../finisher.ts";
import { readEvents, toDelivery } from "../held-delivery.ts";
import type { Hook } from "../hook.ts";
import { type Ending, toHookError, type Verdict } from "../judge.ts";
import { freeSlots, type Held, type Lane } from "../lane.ts";
import type { Acceptance } from "../store.ts";
import { startCall } from "./call.ts";
import {
  type Batch,
  type Gathered,
  type Gathering,
  gather,
  halve,
  nextBatch,
  refusalOf,
  roomIn,
  takeOut,
} from "./gathering.ts";

/** Sends what lanes of batching hooks hold, many deliveries in a call. */
export interface Batcher {
  /**
   * Makes records of what the lane's buffer holds, and sends batches that are full or have waited long enough. `draining`:
   * the end is waited for, so none waits for company that is not there.
   */
  begin(lane: Lane, gathering: Gathering, draining: boolean): void;
}

/** Records have no time-out of their own. */
const never: Stop = { signal: new AbortController().signal, onAbort() {} };

export function createBatcher({
  clock,
  random,
  finisher,
  stopping,
  ended,
}: {
  readonly clock: Clock;
  readonly random: () => number;
  readonly finisher: Finisher;
  readonly stopping: () => boolean;
  /** Called when a call has ended, and when another reason to wait is gone. */
  readonly ended: () => void;
}): Batcher {
  const senders = new Map<Lane, BatchSender | "being made">();
  // Lanes that ask for budget.
  const asking = new Set<Lane>();

  const begin = (lane: Lane, gathering: Gathering, draining: boolean): void => {
    const sender = senders.get(lane);
    if (sender === "being made") return;
    if (sender === undefined) {
      if (lane.buffer.length > 0) make(lane);
      return;
    }
    while (lane.buffer.length > 0 && roomIn(gathering) > 0) {
      const claimed = lane.buffer.shift();
      if (claimed !== undefined) addTo(gathering, lane, claimed, sender);
    }
    const moreComing = lane.wakeAt <= clock.now() || lane.asking || lane.promised > 0;
    const isLast = draining && !moreComing && lane.buffer.length === 0;
    while (!asking.has(lane) && freeSlots(lane, clock.now()) > 0) {
      const batch = nextBatch(gathering, { now: clock.now(), isLast, moreComing });
      if (batch === undefined) break;
      if (lane.destination.windows.length === 0) send(lane, gathering, batch, sender);
      else if (lane.destination.blockedUntil() > clock.now()) break;
      else void takeBudget(lane, gathering, batch, sender);
    }
  };

  /** The live hook is made within the time-out of an attempt; where that fails, what waits for it has failed. */
  const make = (lane: Lane): void => {
    senders.set(lane, "being made");
    const startedAt = clock.now();
    startAttempt<BatchSender>({
      work: async () => senderOf(await lane.live(), lane.hook),
      returned: (sender) => ({ type: "returned", outcome: sender as BatchSender }),
      threw: (error) => ({ type: "threw", error }),
      says: () => false,
      ended(ending) {
        if (ending.type === "returned") senders.set(lane, ending.outcome);
        else {
          senders.delete(lane);
          failAll(lane, lane.buffer.splice(0), ending.error, startedAt);
        }
        ended();
      },
      name: lane.hook,
      startedAt,
      timeoutMs: lane.policy.timeoutMs,
      deadlines: lane.deadlines,
    });
  };

  /** What failed together is tried again together. */
  const endTogether = () => {
    const chance = random();
    return { endedAt: clock.now(), random: () => chance };
  };

  const failAll = (
    lane: Lane,
    held: readonly Held[],
    error: HookError,
    startedAt: number,
  ): void => {
    const together = endTogether();
    const verdicts = held.flatMap((claimed) => {
      const readable = readEvents(claimed);
      if (readable === undefined) {
        finisher.giveUpUnreadable(lane, claimed);
        return [];
      }
      const event = () => readable.event;
      const ending = { type: "threw", error } as const;
      const done = { lane, claimed, event, startedAt, ...together, ending, emitted: [] };
      return [{ type: readable.event.type, verdict: finisher.finish(done) }];
    });
    const [first] = verdicts;
    if (first !== undefined) finisher.conclude(lane, first.type, first.verdict, together.endedAt);
  };

  const addTo = (gathering: Gathering, lane: Lane, claimed: Held, sender: BatchSender): void => {
    const readable = readEvents(claimed);
    if (readable === undefined) {
      finisher.giveUpUnreadable(lane, claimed);
      return;
    }
    const { event } = readable;
    const startedAt = clock.now();
    const own = { emitted: [] as Acceptance[], isOver: false };
    const emit = finisher.emitter(lane, event, own);
    try {
      const record = sender.record(toDelivery(readable, lane, { stop: never, emit }));
      const refusal = refusalOf(record, gathering.limits, startedAt);
      if (refusal !== undefined) throw refusal;
      const events = finisher.isWatched() ? claimed.events : [];
      const slim: Held = { ...claimed, events, parsed: undefined };
      gather(gathering, { claimed: slim, eventType: event.type, record, own }, startedAt);
    } catch (thrown) {
      own.isOver = true;
      const ending = { type: "threw", error: toHookError(thrown) } as const;
      const { emitted } = own;
      const endedAt = clock.now();
      const done = { lane, claimed, event: () => event, startedAt, endedAt, ending, emitted };
      finisher.conclude(lane, event.type, finisher.finish(done), endedAt);
    }
  };

  /** A call takes one from the budget of rates, however many deliveries it has. */
  const takeBudget = async (
    lane: Lane,
    gathering: Gathering,
    batch: Batch,
    sender: BatchSender,
  ): Promise<void> => {
    asking.add(lane);
    const granted = await lane.destination.take(1, clock).catch(async (error: unknown) => {
      lane.logger.warn(`The budget of hook "${lane.hook}" could not be asked: ${messageOf(error)}`);
      await new Promise<void>((resolve) => void clock.timer(1000, resolve));
      return 0;
    });
    asking.delete(lane);
    const isHere = gathering.open === batch || gathering.full.includes(batch);
    if (granted > 0 && isHere && !stopping()) send(lane, gathering, batch, sender);
    else if (granted > 0) void lane.destination.giveBack(clock.now());
    else
      lane.wakeAt = Math.min(lane.wakeAt, Math.max(lane.destination.blockedUntil(), clock.now()));
    ended();
  };

  const send = (lane: Lane, gathering: Gathering, batch: Batch, sender: BatchSender): void => {
    takeOut(gathering, batch);
    const startedAt = clock.now();
    const items = batch.items.toSorted(byTime);
    const records = items.map(({ record }) => record);
    const call = startCall({
      lane,
      sender,
      records,
      startedAt,
      ended(ending) {
        for (const entry of entries) lane.running.remove(entry);
        gathering.calls -= 1;
        lane.destination.inFlight -= 1;
        if (isDivisible(ending) && items.length > 1) {
          sendHalves(lane, gathering, { ...batch, items });
        } else {
          const endings = ending.type === "returned" ? ending.outcome : items.map(() => ending);
          conclude(lane, items, endings, startedAt);
        }
        ended();
      },
    });
    const entries = items.map(({ claimed }) => lane.running.add(claimed, call));
    gathering.calls += 1;
    lane.destination.inFlight += 1;
  };

  const sendHalves = (lane: Lane, gathering: Gathering, batch: Batch): void => {
    if (stopping()) {
      for (const { claimed } of batch.items) finisher.giveBack(lane, claimed, clock.now());
      return;
    }
    lane.logger.debug(`Hook "${lane.hook}": a call was refused and is repeated in halves.`);
    gathering.full.unshift(...halve(batch, gathering.limits));
    for (const { claimed } of batch.items) gathering.ids.add(claimed.id);
  };

  const conclude = (
    lane: Lane,
    items: readonly Gathered[],
    endings: readonly Ending[],
    startedAt: number,
  ): void => {
    const together = endTogether();
    const verdicts: Verdict[] = [];
    for (const [index, { claimed, own }] of items.entries()) {
      const ending = endings[index];
      if (ending === undefined) continue;
      own.isOver = true;
      const { emitted } = own;
      const event = () => readEvents(claimed)?.event;
      const done = { lane, claimed, event, startedAt, ...together, ending, emitted };
      verdicts.push(finisher.finish(done));
    }
    const verdict = judgeTogether(verdicts);
    const [first] = items;
    if (verdict === undefined || first === undefined) return;
    finisher.conclude(lane, first.eventType, verdict, together.endedAt);
  };

  return { begin };
}

function senderOf(hook: Hook, name: string): BatchSender {
  if (hook.batch !== undefined) return hook.batch;
  throw new HookError(
    "HOOK_FAILED",
    `${name}: its kind has "batch", and the hook that it makes has none. Make it with createBatchHook().`,
  );
}

function byTime(a: Gathered, b: Gathered): number {
  return (a.record.time ?? 0) - (b.record.time ?? 0);
}

function isDivisible(ending: { readonly type: string; readonly error?: HookError }): boolean {
  return ending.type === "threw" && ending.error?.divisible === true;
}

/** What a call says of hook and destination: good news of one record is good news of both. */
function judgeTogether(verdicts: readonly Verdict[]): Verdict | undefined {
  const best =
    verdicts.find(({ destinationHealth }) => destinationHealth === "good") ??
    verdicts.find(({ destinationHealth }) => destinationHealth === "bad") ??
    verdicts[0];
  if (best === undefined) return undefined;
  const pauses = verdicts.flatMap(({ pauseUntil }) => pauseUntil ?? []);
  return { ...best, pauseUntil: pauses.length === 0 ? undefined : Math.max(...pauses) };
}
