import type { GateAction, GateEvent, GateRelease } from "../gates/gate.ts";
import { createGateEvent } from "../gates/gate-event.ts";
import type { GateSpec } from "../gates/spec.ts";
import type { DeliveryState } from "../store.ts";
import type { DeliveryShelf } from "./delivery-shelf.ts";
import type { DeliveryEntry, EventEntry, HookShelf } from "./entries.ts";
import type { EventShelf } from "./event-shelf.ts";
import { Fifo } from "./fifo.ts";

/** Does what gates say. */
export interface GateActions {
  /** Announced events that wait to be routed, by seq, oldest first. */
  readonly unrouted: Map<number, EventEntry>;
  /** Does what a gate said, in its order; answers what is gathering then. */
  act(visit: Visit, actions: readonly GateAction[], found: Found): DeliveryEntry | undefined;
  /** Gives the event a delivery of its own that is settled from the beginning. */
  endAlone(visit: Visit, state: DeliveryState, reason: string): void;
  announce(visit: Visit, event: GateEvent, release?: GateRelease): void;
  /** Makes what was gathered due. */
  letThrough(entry: DeliveryEntry, release: GateRelease, at: number): void;
}

/** One key of a gate with what comes to it. */
export interface Visit {
  readonly hook: HookShelf;
  readonly spec: GateSpec;
  readonly key: string;
  readonly at: number;
  readonly event?: EventEntry | undefined;
  readonly orderKey?: string | undefined;
}

/** What was there before the gate was asked. */
export interface Found {
  readonly gathering: DeliveryEntry | undefined;
  /** The event that a gate names by its number. */
  readonly eventOf: (ref: number) => EventEntry | undefined;
}

export function createGateActions(events: EventShelf, deliveries: DeliveryShelf): GateActions {
  const unrouted = new Map<number, EventEntry>();

  const add = (
    { hook, key, at }: Pick<Visit, "hook" | "key" | "at">,
    [event, ...others]: readonly [EventEntry, ...EventEntry[]],
    orderKey: string | undefined,
  ): DeliveryEntry => {
    const gated = { key, events: new Fifo<EventEntry>(), release: undefined };
    gated.events.add(event);
    const made = deliveries.add({ hook, event, orderKey, gated, since: at });
    for (const other of others) deliveries.join(made, other);
    return made;
  };

  const letThrough: GateActions["letThrough"] = (entry, release, at) => {
    if (entry.gated !== undefined) entry.gated.release = release;
    entry.since = at;
    deliveries.enter(entry, at);
  };

  const announce: GateActions["announce"] = ({ hook, spec, key, at }, event, release) => {
    // What it is held by is its missing route.
    const entry = events.add(createGateEvent(spec, key, event, at), at);
    unrouted.set(entry.seq, entry);
    if (release === undefined) return;
    const made = add({ hook, key, at }, [entry], undefined);
    letThrough(made, release, at);
  };

  const endAlone: GateActions["endAlone"] = (visit, state, reason) => {
    if (visit.event === undefined) return;
    deliveries.end(add(visit, [visit.event], visit.orderKey), state, visit.at, reason);
  };

  const expire = (
    visit: Visit,
    gathering: DeliveryEntry,
    { through, reason }: Extract<GateAction, { type: "expire" }>,
  ): DeliveryEntry | undefined => {
    const gathered = gathering.gated?.events.slice() ?? [];
    const [first, ...others] = gathered.filter(({ seq }) => seq <= through);
    if (first === undefined) return gathering;
    const left = add(visit, [first, ...others], gathering.orderKey);
    for (const event of [first, ...others]) deliveries.leave(gathering, event);
    deliveries.end(left, "skipped", visit.at, reason);
    return others.length + 1 === gathered.length ? undefined : gathering;
  };

  const act: GateActions["act"] = (visit, actions, found) => {
    const { hook, event, orderKey, at } = visit;
    let { gathering } = found;
    for (const action of actions) {
      switch (action.type) {
        case "hold":
          if (event === undefined) break;
          if (gathering === undefined) gathering = add(visit, [event], orderKey);
          else deliveries.join(gathering, event);
          break;
        case "skip":
          endAlone(visit, "skipped", action.reason);
          break;
        case "dead":
          endAlone(visit, "dead", action.reason);
          break;
        case "release":
          if (gathering !== undefined) letThrough(gathering, action.release, at);
          gathering = undefined;
          break;
        case "drop":
          if (gathering !== undefined) deliveries.end(gathering, "skipped", at, action.reason);
          gathering = undefined;
          break;
        case "expire":
          if (gathering !== undefined) gathering = expire(visit, gathering, action);
          break;
        case "again": {
          const kept = found.eventOf(action.ref);
          if (kept === undefined) break;
          const first = kept.deliveries?.find((other) => other.hook === hook);
          letThrough(add(visit, [kept], first?.orderKey), action.release, at);
          break;
        }
        case "announce":
          announce(visit, action.event, action.release);
          break;
      }
    }
    return gathering;
  };

  return { unrouted, act, letThrough, endAlone, announce };
}
