import { createDueQueue, type DueQueue } from "./due-queue.ts";
import { HookError } from "./errors.ts";
import type { JsonValue } from "./json.ts";
import type {
  Acceptance,
  Accepted,
  AttemptRow,
  ClaimedDelivery,
  ClaimLane,
  DeliveryQuery,
  DeliveryRow,
  DeliveryState,
  Memory,
  Settlement,
  Store,
  StoredEvent,
} from "./store.ts";

export interface MemoryStoreOptions {
  /** Events that are unsettled or have dead letters, at most; then `accept` is refused. @default 100_000 */
  readonly maxEvents?: number | undefined;
  /**
   * Events kept after all their deliveries ended well, to be asked for; an id is known as a duplicate as long.
   * @default 1_000
   */
  readonly keepSettled?: number | undefined;
}

interface EventEntry {
  readonly seq: number;
  readonly stored: StoredEvent;
  readonly acceptedAt: number;
  readonly deliveries: Entry[];
  unsettled: number;
  dead: number;
}

interface Entry {
  readonly id: number;
  readonly hook: string;
  readonly event: EventEntry;
  readonly orderKey: string | undefined;
  state: DeliveryState;
  dueAt: number | undefined;
  attempts: number;
  owner: string | undefined;
  data: JsonValue | undefined;
  reason: string | undefined;
  settledAt: number | undefined;
  since: number;
  readonly log: AttemptRow[];
}

const settledStates: ReadonlySet<DeliveryState> = new Set([
  "delivered",
  "skipped",
  "dead",
  "cancelled",
]);

/**
 * A store that forgets at the end of the process: for tests, and for pipelines that prefer that to a file.
 * Bounded: when it is full of unsettled and dead deliveries, `accept` is refused with STORE_FULL.
 */
export function createMemoryStore({
  maxEvents = 100_000,
  keepSettled = 1000,
}: MemoryStoreOptions = {}): Store {
  const events = new Map<number, EventEntry>();
  const bySource = new Map<string, Map<string, EventEntry>>();
  // Those whose every delivery ended well make room; entries may be stale, the reader checks.
  const removable = createFifo<EventEntry>();
  const deliveries = new Map<number, Entry>();
  const dueByHook = new Map<string, DueQueue>();
  const keyed = new Map<string, Entry[]>();
  const tally = new Map<string, Map<DeliveryState, number>>();
  const memories = new Map<string, Memory>();
  let lastSeq = 0;
  let lastId = 0;
  // Events that are unsettled or have dead letters.
  let held = 0;
  let closed = false;

  const idsOf = (source: string): Map<string, EventEntry> => {
    const known = bySource.get(source);
    if (known !== undefined) return known;
    const ids = new Map<string, EventEntry>();
    bySource.set(source, ids);
    return ids;
  };
  const queueOf = ({ hook, orderKey }: Entry) => keyed.get(`${hook}\u0000${orderKey}`) ?? [];
  const count = (hook: string, state: DeliveryState, by: number) => {
    const states = tally.get(hook) ?? new Map<DeliveryState, number>();
    tally.set(hook, states.set(state, (states.get(state) ?? 0) + by));
  };
  const move = (entry: Entry, state: DeliveryState, dueAt: number | undefined) => {
    count(entry.hook, entry.state, -1);
    count(entry.hook, state, 1);
    entry.state = state;
    entry.dueAt = dueAt;
    if (dueAt === undefined) return;
    const queue = dueByHook.get(entry.hook) ?? createDueQueue();
    dueByHook.set(entry.hook, queue);
    queue.add(dueAt, entry.id);
  };

  const insert = ({ event, deliveries: wanted, at }: Acceptance): Accepted => {
    const ids = idsOf(event.source);
    const known = ids.get(event.id);
    if (known !== undefined) {
      return { duplicate: true, deliveries: known.deliveries.map(({ id }) => id) };
    }
    lastSeq += 1;
    const entry: EventEntry = {
      seq: lastSeq,
      stored: event,
      acceptedAt: at,
      deliveries: [],
      unsettled: wanted.length,
      dead: 0,
    };
    events.set(entry.seq, entry);
    ids.set(event.id, entry);
    for (const { hook, dueAt, orderKey } of wanted) {
      lastId += 1;
      const delivery: Entry = {
        id: lastId,
        hook,
        event: entry,
        orderKey,
        state: "waiting",
        dueAt: undefined,
        attempts: 0,
        owner: undefined,
        data: undefined,
        reason: undefined,
        settledAt: undefined,
        since: at,
        log: [],
      };
      entry.deliveries.push(delivery);
      deliveries.set(delivery.id, delivery);
      count(hook, "waiting", 1);
      enter(delivery, dueAt);
    }
    if (wanted.length === 0) removable.add(entry);
    else held += 1;
    return { duplicate: false, deliveries: entry.deliveries.map(({ id }) => id) };
  };

  /** Makes a delivery due, or puts it behind the unsettled ones with its order key. */
  const enter = (entry: Entry, dueAt: number) => {
    if (entry.orderKey === undefined) return move(entry, "waiting", dueAt);
    const name = `${entry.hook}\u0000${entry.orderKey}`;
    const queue = keyed.get(name) ?? [];
    keyed.set(name, queue);
    queue.push(entry);
    if (queue[0] === entry) move(entry, "waiting", dueAt);
    else move(entry, "blocked", undefined);
  };

  const end = (entry: Entry, state: DeliveryState, now: number, reason: string | undefined) => {
    move(entry, state, undefined);
    entry.owner = undefined;
    entry.data = undefined;
    entry.settledAt = now;
    entry.reason = reason;
    entry.event.unsettled -= 1;
    if (state === "dead") entry.event.dead += 1;
    if (isRemovable(entry.event)) {
      removable.add(entry.event);
      held -= 1;
    }
    if (entry.orderKey === undefined) return;
    const queue = queueOf(entry);
    const wasHead = queue[0] === entry;
    queue.splice(queue.indexOf(entry), 1);
    const next = queue.reduce<Entry | undefined>(
      (least, other) => (least === undefined || other.id < least.id ? other : least),
      undefined,
    );
    if (next === undefined) keyed.delete(`${entry.hook}\u0000${entry.orderKey}`);
    if (!wasHead || next === undefined) return;
    queue.splice(queue.indexOf(next), 1);
    queue.unshift(next);
    move(next, "waiting", now);
  };

  const remove = (event: EventEntry) => {
    if (!isRemovable(event)) held -= 1;
    events.delete(event.seq);
    idsOf(event.stored.source).delete(event.stored.id);
    for (const { id, hook, state } of event.deliveries) {
      deliveries.delete(id);
      count(hook, state, -1);
    }
  };

  const forget = () => {
    while (removable.size > keepSettled) {
      const oldest = removable.take();
      if (oldest !== undefined && isRemovable(oldest) && events.has(oldest.seq)) remove(oldest);
    }
  };

  const makeRoom = (wanted: number) => {
    forget();
    if (held + wanted <= maxEvents) return;
    throw new HookError(
      "STORE_FULL",
      `The memory store is full: ${held} events are unsettled or have dead letters (the most is ${maxEvents}). ` +
        "Raise maxEvents, let hooks catch up, replay dead letters, or use the SQLite store.",
      { retryable: true },
    );
  };

  const blockOf = (keys: readonly string[]): number =>
    Math.max(0, ...keys.map((key) => memories.get(key)?.blockedUntil ?? 0));

  /** The earliest entry that is still due as the queue says; stale ones are dropped on the way. */
  const headOf = (hook: string): Entry | undefined => {
    const queue = dueByHook.get(hook);
    for (let head = queue?.peek(); head !== undefined; head = queue?.peek()) {
      const entry = deliveries.get(head.id);
      if (entry !== undefined && entry.dueAt === head.dueAt) return entry;
      queue?.pop();
    }
    return undefined;
  };

  const claimLane = (lane: ClaimLane, owner: string, now: number, leaseMs: number) => {
    const claimed: ClaimedDelivery[] = [];
    const blockedUntil = blockOf(lane.keys);
    while (blockedUntil <= now && claimed.length < lane.limit) {
      const entry = headOf(lane.hook);
      if (entry?.dueAt === undefined || entry.dueAt > now) break;
      entry.attempts += 1;
      entry.owner = owner;
      move(entry, "running", now + leaseMs);
      claimed.push({
        id: entry.id,
        events: [entry.event.stored.body],
        attempt: entry.attempts,
        since: entry.since,
        state: entry.data,
      });
    }
    const next = headOf(lane.hook)?.dueAt;
    return {
      hook: lane.hook,
      deliveries: claimed,
      nextDueAt: next === undefined ? undefined : Math.max(next, blockedUntil),
    };
  };

  const settleOne = (settlement: Settlement): boolean => {
    const entry = deliveries.get(settlement.id);
    if (entry?.state !== "running" || entry.owner !== settlement.owner) return false;
    entry.attempts = settlement.attempts;
    if (settlement.attempt !== undefined) {
      entry.log.push({ ...settlement.attempt, deliveryId: entry.id });
    }
    const { to, now, reason } = settlement;
    if (to === "delivered" || to === "skipped" || to === "dead") {
      end(entry, to, now, reason);
    } else {
      entry.owner = undefined;
      entry.reason = reason;
      entry.data = settlement.state ?? entry.data;
      move(entry, to, settlement.dueAt ?? now);
    }
    // Also beyond the bound: a full store that refused outcomes would never be less full.
    for (const acceptance of settlement.emitted ?? []) insert(acceptance);
    forget();
    return true;
  };

  const find = (query: DeliveryQuery): Entry[] => {
    const { ids, limit = 100, oldestFirst = false, after } = query;
    const pool =
      ids === undefined ? [...deliveries.values()] : ids.flatMap((id) => deliveries.get(id) ?? []);
    const ordered = pool.sort((a, b) => (oldestFirst ? a.id - b.id : b.id - a.id));
    const wanted = ordered.filter(
      (entry) =>
        (query.eventId === undefined || entry.event.stored.id === query.eventId) &&
        (query.hook === undefined || entry.hook === query.hook) &&
        (query.states === undefined || query.states.includes(entry.state)) &&
        (query.since === undefined || entry.event.acceptedAt >= query.since) &&
        (query.until === undefined || entry.event.acceptedAt < query.until) &&
        (after === undefined || (oldestFirst ? entry.id > after : entry.id < after)),
    );
    return wanted.slice(0, limit);
  };

  const open = () => {
    if (closed) throw new HookError("CLOSED", "The memory store is closed.");
  };

  return {
    description: "memory",
    durable: false,
    async accept(batch) {
      open();
      makeRoom(batch.length);
      return batch.map(insert);
    },
    async claim({ lanes, owner, now, leaseMs }) {
      open();
      return lanes.map((lane) => claimLane(lane, owner, now, leaseMs));
    },
    async settle(settlements) {
      open();
      return settlements.map(settleOne);
    },
    async extend({ owner, ids, until }) {
      open();
      return ids.filter((id) => {
        const entry = deliveries.get(id);
        if (entry?.state !== "running" || entry.owner !== owner) return false;
        move(entry, "running", until);
        return true;
      });
    },
    async update(key, reduce) {
      open();
      const { value, blockedUntil } = reduce(memories.get(key)?.value);
      const memory: Memory = { key, value, blockedUntil };
      if (value === undefined) memories.delete(key);
      else memories.set(key, memory);
      return memory;
    },
    async read(keys) {
      open();
      return keys.flatMap((key) => memories.get(key) ?? []);
    },
    async lanes() {
      open();
      return [...dueByHook.keys()].flatMap((hook) => {
        const dueAt = headOf(hook)?.dueAt;
        return dueAt === undefined ? [] : [{ hook, dueAt }];
      });
    },
    watch: () => ({ [Symbol.dispose]() {} }),
    async events(query) {
      open();
      const { limit = 100, oldestFirst = false, after } = query;
      const ordered = oldestFirst ? [...events.values()] : [...events.values()].reverse();
      const wanted = ordered.filter(
        ({ seq, stored, acceptedAt }) =>
          (query.id === undefined || stored.id === query.id) &&
          (query.source === undefined || stored.source === query.source) &&
          (query.type === undefined || stored.type === query.type) &&
          (query.pipeline === undefined || stored.pipeline === query.pipeline) &&
          (query.since === undefined || acceptedAt >= query.since) &&
          (query.until === undefined || acceptedAt < query.until) &&
          (after === undefined || (oldestFirst ? seq > after : seq < after)),
      );
      return wanted
        .slice(0, limit)
        .map(({ seq, stored, acceptedAt }) => ({ seq, acceptedAt, body: stored.body }));
    },
    async deliveries(query) {
      open();
      return find(query).map(toRow);
    },
    async attempts(deliveryId) {
      open();
      return [...(deliveries.get(deliveryId)?.log ?? [])];
    },
    async counts() {
      open();
      return [...tally].flatMap(([hook, states]) =>
        [...states].flatMap(([state, number]) =>
          number === 0 ? [] : [{ hook, state, count: number }],
        ),
      );
    },
    async replay(query, now) {
      open();
      const again = find(query).filter(({ state }) => settledStates.has(state));
      for (const entry of again.toSorted((a, b) => a.id - b.id)) {
        if (isRemovable(entry.event)) held += 1;
        if (entry.state === "dead") entry.event.dead -= 1;
        entry.event.unsettled += 1;
        entry.attempts = 0;
        entry.reason = undefined;
        entry.settledAt = undefined;
        entry.since = now;
        enter(entry, now);
      }
      return again.map(({ id }) => id);
    },
    async cancel(query, now) {
      open();
      const ended = find(query).filter(({ state }) => !settledStates.has(state));
      for (const entry of ended) end(entry, "cancelled", now, "cancelled");
      return ended.map(({ id }) => id);
    },
    async purge({ before, deadBefore, keep = Number.POSITIVE_INFINITY, limit }) {
      open();
      const old = [...events.values()]
        .filter(({ unsettled }) => unsettled === 0)
        .filter(({ dead, acceptedAt, seq }) =>
          dead > 0 ? acceptedAt < deadBefore : acceptedAt < before || seq <= lastSeq - keep,
        )
        .slice(0, limit);
      for (const event of old) remove(event);
      return old.length;
    },
    async [Symbol.asyncDispose]() {
      closed = true;
    },
  };
}

function toRow(entry: Entry): DeliveryRow {
  const { stored, acceptedAt } = entry.event;
  return {
    id: entry.id,
    hook: entry.hook,
    state: entry.state,
    eventId: stored.id,
    eventSource: stored.source,
    eventType: stored.type,
    acceptedAt,
    attempts: entry.attempts,
    dueAt: entry.dueAt,
    settledAt: entry.settledAt,
    reason: entry.reason,
    orderKey: entry.orderKey,
  };
}

function isRemovable({ unsettled, dead }: EventEntry): boolean {
  return unsettled === 0 && dead === 0;
}

/** First in, first out; a Map would walk over all it has deleted at its front. */
function createFifo<Item>() {
  let items: Item[] = [];
  let head = 0;
  return {
    get size() {
      return items.length - head;
    },
    add: (item: Item) => void items.push(item),
    take(): Item | undefined {
      if (head >= items.length) return undefined;
      const item = items[head];
      head += 1;
      if (head > 1024 && head * 2 > items.length) {
        items = items.slice(head);
        head = 0;
      }
      return item;
    },
  };
}
