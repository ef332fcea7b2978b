import type { DeliveryState } from "../store.ts";
import type { DeliveryEntry, EventEntry, Gated, GateKey, HookShelf } from "./entries.ts";
import type { EventShelf } from "./event-shelf.ts";
import { createHeap } from "./heap.ts";

/** The deliveries, their states and their turns. */
export interface DeliveryShelf {
  readonly hooks: ReadonlyMap<string, HookShelf>;
  /** By id, in the order of their ids. */
  readonly all: ReadonlyMap<number, DeliveryEntry>;
  hook(name: string): HookShelf;
  /** Makes a delivery that is not due yet: `gathering` until it enters or ends. */
  add(made: NewEntry): DeliveryEntry;
  /** Makes it due, or puts it behind the unsettled one with its order key that has the turn. */
  enter(entry: DeliveryEntry, dueAt: number): void;
  /** Changes the state of one that is due or leased. */
  move(entry: DeliveryEntry, state: DeliveryState, dueAt: number): void;
  end(entry: DeliveryEntry, state: DeliveryState, now: number, reason: string | undefined): void;
  /** Begins a settled one anew. */
  replay(entry: DeliveryEntry, now: number): void;
  /** Adds an event to one that is gathering. */
  join(entry: DeliveryEntry, event: EventEntry): void;
  /** Takes an event out of one that is gathering. */
  leave(entry: DeliveryEntry, event: EventEntry): void;
  /** Follows the removal of an event; a delivery goes with its last one. */
  removed(entry: DeliveryEntry, event: EventEntry): void;
}

export interface NewEntry {
  readonly hook: HookShelf;
  readonly event: EventEntry;
  readonly orderKey: string | undefined;
  readonly gated: Gated | undefined;
  readonly since: number;
}

export function createDeliveryShelf(events: EventShelf): DeliveryShelf {
  const hooks = new Map<string, HookShelf>();
  const all = new Map<number, DeliveryEntry>();
  let lastId = 0;

  const become = (entry: DeliveryEntry, state: DeliveryState, dueAt: number | undefined): void => {
    const { counts, due } = entry.hook;
    counts[entry.state] -= 1;
    counts[state] += 1;
    entry.state = state;
    const before = entry.dueAt;
    entry.dueAt = dueAt;
    if (dueAt === undefined) {
      if (before !== undefined) due.remove(entry);
    } else if (before === undefined) due.add(entry);
    else due.move(entry);
  };

  const enter = (entry: DeliveryEntry, dueAt: number): void => {
    const { hook, orderKey } = entry;
    const turn = orderKey === undefined ? undefined : hook.turns.get(orderKey);
    if (turn !== undefined) {
      become(entry, "blocked", undefined);
      turn.waiting.add(entry);
      return;
    }
    if (orderKey !== undefined) {
      hook.turns.set(orderKey, { holder: entry, waiting: createHeap(isEarlier) });
    }
    become(entry, "waiting", dueAt);
  };

  const passTurn = (entry: DeliveryEntry, now: number): void => {
    const { hook, orderKey } = entry;
    const turn = orderKey === undefined ? undefined : hook.turns.get(orderKey);
    if (orderKey === undefined || turn?.holder !== entry) return;
    const next = turn.waiting.peek();
    if (next === undefined) {
      hook.turns.delete(orderKey);
      return;
    }
    turn.waiting.remove(next);
    turn.holder = next;
    become(next, "waiting", now);
  };

  const belong = (event: EventEntry, entry: DeliveryEntry): void => {
    if (event.deliveries === undefined) event.deliveries = [entry];
    else event.deliveries.push(entry);
    events.hold(event);
  };

  const removed = (entry: DeliveryEntry, event: EventEntry): void => {
    entry.gated?.events.remove(event);
    const first = entry.gated?.events.first;
    if (first !== undefined) {
      entry.event = first;
      return;
    }
    all.delete(entry.id);
    entry.hook.counts[entry.state] -= 1;
  };

  return {
    hooks,
    all,
    hook(name) {
      const known = hooks.get(name);
      if (known !== undefined) return known;
      const made = createHookShelf(name);
      hooks.set(name, made);
      return made;
    },
    add({ hook, event, orderKey, gated, since }) {
      lastId += 1;
      const entry: DeliveryEntry = {
        place: -1,
        id: lastId,
        hook,
        event,
        orderKey,
        gated,
        state: "gathering",
        dueAt: undefined,
        attempts: 0,
        owner: undefined,
        losses: 0,
        data: undefined,
        reason: undefined,
        settledAt: undefined,
        since,
        log: undefined,
      };
      hook.counts.gathering += 1;
      all.set(lastId, entry);
      belong(event, entry);
      return entry;
    },
    enter,
    move: become,
    end(entry, state, now, reason) {
      if (entry.state === "blocked" && entry.orderKey !== undefined) {
        entry.hook.turns.get(entry.orderKey)?.waiting.remove(entry);
      }
      become(entry, state, undefined);
      entry.owner = undefined;
      entry.data = undefined;
      entry.settledAt = now;
      entry.reason = reason;
      const dead = state === "dead" ? 1 : 0;
      if (entry.gated === undefined) {
        entry.event.dead += dead;
        events.letGo(entry.event);
      } else {
        for (const event of entry.gated.events.slice()) {
          event.dead += dead;
          events.letGo(event);
        }
      }
      passTurn(entry, now);
    },
    replay(entry, now) {
      for (const event of eventsOf(entry)) {
        events.hold(event);
        if (entry.state === "dead") event.dead -= 1;
      }
      entry.attempts = 0;
      entry.losses = 0;
      entry.reason = undefined;
      entry.settledAt = undefined;
      entry.since = now;
      if (entry.gated !== undefined) entry.gated.release ??= { reason: "replayed past the gate" };
      enter(entry, now);
    },
    join(entry, event) {
      entry.gated?.events.add(event);
      belong(event, entry);
    },
    leave(entry, event) {
      removed(entry, event);
      event.deliveries = event.deliveries?.filter((other) => other !== entry);
      events.letGo(event);
    },
    removed,
  };
}

function eventsOf({ event, gated }: DeliveryEntry): readonly EventEntry[] {
  return gated === undefined ? [event] : gated.events.slice();
}

function createHookShelf(name: string): HookShelf {
  return {
    name,
    due: createHeap(isDueBefore),
    turns: new Map(),
    counts: {
      gathering: 0,
      waiting: 0,
      blocked: 0,
      running: 0,
      retrying: 0,
      pending: 0,
      delivered: 0,
      skipped: 0,
      dead: 0,
      cancelled: 0,
    },
    gates: new Map(),
    timers: createHeap(wakesBefore),
    full: false,
    askedAt: 0,
    asked: undefined,
  };
}

function isEarlier(a: DeliveryEntry, b: DeliveryEntry): boolean {
  return a.id < b.id;
}

function isDueBefore(a: DeliveryEntry, b: DeliveryEntry): boolean {
  const x = a.dueAt ?? 0;
  const y = b.dueAt ?? 0;
  return x < y || (x === y && a.id < b.id);
}

function wakesBefore(a: GateKey, b: GateKey): boolean {
  return (a.wakeAt ?? 0) < (b.wakeAt ?? 0);
}
