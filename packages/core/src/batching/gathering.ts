import type { BatchLimits, BatchRecord } from "../batch.ts";
import { HookError } from "../errors.ts";
import type { Held } from "../lane.ts";
import type { Acceptance } from "../store.ts";

/** A delivery that waits for others to go with. */
export interface Gathered {
  /** Without its events, unless somebody wants to be told of them: thousands would fill the memory. */
  readonly claimed: Held;
  readonly eventType: string;
  readonly record: BatchRecord;
  /** What the hook emitted for it; `isOver` after its call. */
  readonly own: { readonly emitted: Acceptance[]; isOver: boolean };
}

/** What goes in one call. */
export interface Batch {
  readonly items: Gathered[];
  bytes: number;
  /** Times of its oldest and its newest record. */
  oldest: number;
  newest: number;
  /** When its first record came, in milliseconds since the epoch. */
  readonly openedAt: number;
}

/** {@link BatchLimits} with nothing left out. */
export type Limits = { readonly [Key in keyof BatchLimits]-?: number };

/** What a lane has taken and not sent. */
export interface Gathering {
  readonly limits: Limits;
  /** Being filled. */
  open: Batch | undefined;
  /** Nothing more goes into these; they wait for a slot. */
  readonly full: Batch[];
  /** Ids of the deliveries in these batches. */
  readonly ids: Set<number>;
  /** What a record was, overhead included, of late. */
  usualBytes: number;
  /** Calls in flight. */
  calls: number;
  /** How often the store has had less than was asked for, since a batch was last sent. */
  shortClaims: number;
}

const defaultLingerMs = 1000;
/** Of what is asked of the store at a time: parsed and made records of in one turn, so it stays short. */
const mostAtOnce = 200;
const firstGuessBytes = 1024;
const mostShortClaims = 3;

/** @throws HookError HOOK_OPTIONS_INVALID where no record could ever go */
export function createGathering(limits: BatchLimits): Gathering {
  const { maxBytes, maxCount, recordOverhead = 0, callOverhead = 0 } = limits;
  const room = maxBytes - callOverhead - recordOverhead;
  if (!(maxCount >= 1) || !(room >= 1)) {
    throw new HookError(
      "HOOK_OPTIONS_INVALID",
      `A call of at most ${maxCount} records and ${maxBytes} bytes has room for none. Allow more.`,
    );
  }
  return {
    limits: {
      maxCount,
      maxBytes,
      recordOverhead,
      callOverhead,
      maxRecordBytes: Math.min(limits.maxRecordBytes ?? room, room),
      maxSpanMs: limits.maxSpanMs ?? Number.POSITIVE_INFINITY,
      maxAgeMs: limits.maxAgeMs ?? Number.POSITIVE_INFINITY,
      maxAheadMs: limits.maxAheadMs ?? Number.POSITIVE_INFINITY,
      lingerMs: limits.lingerMs ?? defaultLingerMs,
    },
    open: undefined,
    full: [],
    ids: new Set(),
    usualBytes: firstGuessBytes,
    calls: 0,
    shortClaims: 0,
  };
}

/** Why a record cannot go at all. */
export function refusalOf(
  { bytes, time }: BatchRecord,
  { maxRecordBytes, maxAgeMs, maxAheadMs }: Limits,
  now: number,
): HookError | undefined {
  // Records are also made without types, and a sum with one NaN in it never ends a batch.
  if (!Number.isFinite(bytes) || bytes < 0 || !Number.isFinite(time ?? 0)) {
    return new HookError(
      "HOOK_FAILED",
      `record() answered bytes ${String(bytes)} and time ${String(time)}. Give the bytes that it has, and its time in ` +
        "milliseconds since the epoch or none.",
    );
  }
  if (bytes > maxRecordBytes) {
    return new HookError(
      "REQUEST_INVALID",
      `The record has ${bytes} bytes, and the receiver takes ${maxRecordBytes}. Send less of the event.`,
    );
  }
  const age = now - (time ?? now);
  if (age > maxAgeMs) return untimely(time, `the receiver takes nothing older than ${maxAgeMs} ms`);
  if (-age > maxAheadMs)
    return untimely(time, `the receiver takes nothing more than ${maxAheadMs} ms ahead`);
  return undefined;
}

function untimely(time: number | undefined, why: string): HookError {
  const at = new Date(time ?? 0).toISOString();
  return new HookError("REQUEST_INVALID", `The event is of ${at}, and ${why}.`);
}

/** Puts a record into the open batch, or into a new one where it does not fit. */
export function gather(gathering: Gathering, item: Gathered, now: number): void {
  const { limits } = gathering;
  const bytes = item.record.bytes + limits.recordOverhead;
  gathering.usualBytes += (bytes - gathering.usualBytes) / 16;
  gathering.ids.add(item.claimed.id);
  const { time } = item.record;
  if (gathering.open !== undefined && !fits(gathering.open, bytes, time, limits)) {
    gathering.full.push(gathering.open);
    gathering.open = undefined;
  }
  gathering.open ??= emptyBatch(limits, now);
  const { open } = gathering;
  open.items.push(item);
  open.bytes += bytes;
  open.oldest = Math.min(open.oldest, time ?? open.oldest);
  open.newest = Math.max(open.newest, time ?? open.newest);
}

function fits(
  { items, bytes: before, oldest, newest }: Batch,
  bytes: number,
  time: number | undefined,
  { maxCount, maxBytes, maxSpanMs }: Limits,
): boolean {
  if (items.length >= maxCount || before + bytes > maxBytes) return false;
  return time === undefined || Math.max(newest, time) - Math.min(oldest, time) <= maxSpanMs;
}

function emptyBatch({ callOverhead }: Limits, openedAt: number): Batch {
  return {
    items: [],
    bytes: callOverhead,
    oldest: Number.POSITIVE_INFINITY,
    newest: Number.NEGATIVE_INFINITY,
    openedAt,
  };
}

/** Both halves of a batch, each a batch of its own. */
export function halve({ items, openedAt }: Batch, limits: Limits): readonly Batch[] {
  const middle = Math.ceil(items.length / 2);
  return [items.slice(0, middle), items.slice(middle)].map((half) => {
    const batch = { ...emptyBatch(limits, openedAt), items: half };
    for (const { record } of half) batch.bytes += record.bytes + limits.recordOverhead;
    return batch;
  });
}

/** How many more records may be taken: about what fills the open batch, while no full one waits. */
export function roomIn({ open, full, limits, usualBytes }: Gathering): number {
  if (full.length > 0) return 0;
  const count = limits.maxCount - (open?.items.length ?? 0);
  const bytes = limits.maxBytes - (open?.bytes ?? limits.callOverhead);
  // One more than fits closes the batch.
  return Math.min(mostAtOnce, count + 1, Math.floor(Math.max(0, bytes) / usualBytes) + 1);
}

/** When the open batch has waited long enough; infinite where there is none. */
export function ripeAt({ open, limits }: Gathering): number {
  return open === undefined ? Number.POSITIVE_INFINITY : open.openedAt + limits.lingerMs;
}

/** The next batch to send: one that is full, or the open one when it is ripe or the last. */
export function nextBatch(
  gathering: Gathering,
  {
    now,
    isLast,
    moreComing,
  }: {
    readonly now: number;
    readonly isLast: boolean;
    /** The store is being asked, or will be at once. */
    readonly moreComing: boolean;
  },
): Batch | undefined {
  const { full, open, shortClaims } = gathering;
  if (full[0] !== undefined) return full[0];
  // What waits in the store goes with it; what comes in drops cannot hold it up.
  const isRipe = ripeAt(gathering) <= now && (!moreComing || shortClaims >= mostShortClaims);
  return isLast || isRipe ? open : undefined;
}

/** Takes a batch out, to be sent. */
export function takeOut(gathering: Gathering, batch: Batch): void {
  gathering.shortClaims = 0;
  if (gathering.open === batch) gathering.open = undefined;
  else gathering.full.splice(gathering.full.indexOf(batch), 1);
  for (const { claimed } of batch.items) gathering.ids.delete(claimed.id);
}

/** Takes one delivery out: it is no longer held. */
export function letGoOf(gathering: Gathering, id: number): void {
  if (!gathering.ids.delete(id)) return;
  for (const batch of [...gathering.full, gathering.open]) {
    const index = batch?.items.findIndex(({ claimed }) => claimed.id === id) ?? -1;
    const [item] = index < 0 ? [] : (batch?.items.splice(index, 1) ?? []);
    if (batch === undefined || item === undefined) continue;
    batch.bytes -= item.record.bytes + gathering.limits.recordOverhead;
    if (batch.items.length === 0) takeOut(gathering, batch);
  }
}

/** Takes everything out. */
export function empty(gathering: Gathering): readonly Gathered[] {
  const batches = [
    ...gathering.full.splice(0),
    ...(gathering.open === undefined ? [] : [gathering.open]),
  ];
  gathering.open = undefined;
  gathering.ids.clear();
  return batches.flatMap(({ items }) => items);
}
