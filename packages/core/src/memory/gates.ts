import { commonKey, type GateInput, type GateMemory, passGate, takenOut } from "../gates/gate.ts";
import { latestWake } from "../gates/latest-wake.ts";
import type { GateSpec } from "../gates/spec.ts";
import type { GateEntry, GatePlace } from "../store.ts";
import type { DeliveryShelf } from "./delivery-shelf.ts";
import type { DeliveryEntry, EventEntry, GateKey, HookShelf } from "./entries.ts";
import type { EventShelf } from "./event-shelf.ts";
import { createGateActions, type Visit } from "./gate-actions.ts";

/** The gates of all hooks: asks them, and does what they say. */
export interface Gates {
  /** Announced events that wait to be routed, by seq, oldest first. */
  readonly unrouted: Map<number, EventEntry>;
  /** Brings an event to a gate; answers where it is then, and whether something was announced. */
  pass(event: EventEntry, entry: GateEntry, at: number): Passed;
  /** Seeds keys, and asks the gates of a hook that want to be asked by now. */
  ask(hook: HookShelf, asked: AskedGate, now: number): Asked;
  /** Lets through what was gathered for a hook that has no gate any more, and forgets its keys. */
  takeOut(hook: HookShelf, now: number): Asked;
  /** What was gathering was cancelled. */
  forget(gathering: DeliveryEntry): void;
}

export interface Passed {
  readonly place: GatePlace;
  readonly announced: boolean;
}

export interface Asked {
  readonly announced: boolean;
  readonly nextGateAt: number | undefined;
}

interface AskedGate {
  readonly gate: GateSpec;
  readonly seeds?: readonly string[] | undefined;
}

/** Keys asked in one claim. */
const mostAsked = 500;

export function createGates(events: EventShelf, deliveries: DeliveryShelf): Gates {
  const { unrouted, act, letThrough, endAlone, announce } = createGateActions(events, deliveries);

  const remember = (
    { hook, key }: Visit,
    {
      value,
      wakeAt,
      keep,
      gathering,
    }: Omit<GateMemory, "keep" | "gathered"> & {
      readonly keep: EventEntry | undefined;
      readonly gathering: DeliveryEntry | undefined;
    },
  ): void => {
    let known = hook.gates.get(key);
    if (known === undefined) {
      known = { place: -1, hook, key, value, wakeAt: undefined, keep: undefined, gathering };
      hook.gates.set(key, known);
    }
    known.value = value;
    known.gathering = gathering;
    known.wakeAt = wakeAt;
    if (wakeAt === undefined) {
      if (known.place >= 0) hook.timers.remove(known);
    } else if (known.place < 0) hook.timers.add(known);
    else hook.timers.move(known);
    const before = known.keep;
    known.keep = keep;
    if (keep !== undefined) events.hold(keep);
    if (before !== undefined) events.letGo(before);
  };

  const forget = (known: GateKey): void => {
    const { hook, key, keep } = known;
    hook.gates.delete(key);
    if (known.place >= 0) hook.timers.remove(known);
    if (keep !== undefined) events.letGo(keep);
  };

  /** An event of one key too many; a full gate is announced once, until it had room again. */
  const refuse = (visit: Visit): boolean => {
    const { hook, spec, key } = visit;
    endAlone(visit, "dead", fullReason(visit));
    if (hook.full) return false;
    hook.full = true;
    const metadata = {
      hook: hook.name,
      key: key === commonKey ? null : key,
      max_keys: spec.maxKeys,
    };
    announce(visit, { type: "pipehooks.gate.full", metadata });
    return true;
  };

  /** Takes one key a step on; answers whether something was announced. */
  const visitGate = (visit: Visit, input: GateInput): boolean => {
    const { hook, spec, key, event, at } = visit;
    const known = hook.gates.get(key);
    const step = passGate(spec, key, known && toMemory(known), input, at);
    hook.askedAt = Math.max(hook.askedAt, at);
    const { value, wakeAt } = step;
    if (known === undefined && value !== undefined && event !== undefined) {
      if (hook.gates.size >= spec.maxKeys) return refuse(visit);
      hook.full = false;
    }
    const before = known?.gathering;
    const kept = known?.keep;
    const eventOf = (ref: number): EventEntry | undefined => {
      if (event?.seq === ref) return event;
      if (kept?.seq === ref) return kept;
      return before?.gated?.events.slice().find(({ seq }) => seq === ref);
    };
    const keep = step.keep === undefined ? undefined : eventOf(step.keep);
    const gathering = act(visit, step.actions, { gathering: before, eventOf });
    if (value !== undefined) remember(visit, { value, wakeAt, keep, gathering });
    else if (known !== undefined) forget(known);
    return step.actions.some(({ type }) => type === "announce");
  };

  return {
    unrouted,
    pass(event, { hook: name, spec, key, facts, orderKey }, at) {
      const hook = deliveries.hook(name);
      const input: GateInput = { type: "event", ref: event.seq, facts };
      const announced = visitGate({ hook, spec, key, at, event, orderKey }, input);
      const place = event.deliveries?.findLast((entry) => entry.hook === hook);
      return { place: { delivery: place?.id ?? 0, state: place?.state ?? "skipped" }, announced };
    },
    ask(hook, { gate: spec, seeds = [] }, now) {
      let announced = false;
      let left = mostAsked;
      const ask = (key: string, input: GateInput): void => {
        left -= 1;
        if (visitGate({ hook, spec, key, at: now }, input)) announced = true;
      };
      for (const key of seeds) if (!hook.gates.has(key)) ask(key, { type: "seed" });
      if (now < hook.askedAt || hook.asked !== spec) {
        const latest = latestWake(spec, now);
        const farOff = [...hook.gates.values()].filter(({ wakeAt }) => (wakeAt ?? 0) > latest);
        for (const { key } of farOff.slice(0, mostAsked)) ask(key, { type: "timer" });
        if (farOff.length > mostAsked) return { announced, nextGateAt: now };
        hook.askedAt = now;
        hook.asked = spec;
      }
      let next = hook.timers.peek();
      for (
        ;
        next?.wakeAt !== undefined && next.wakeAt <= now && left > 0;
        next = hook.timers.peek()
      )
        ask(next.key, { type: "timer" });
      return { announced, nextGateAt: next?.wakeAt };
    },
    takeOut(hook, now) {
      let left = mostAsked;
      for (const known of hook.gates.values()) {
        if (left === 0) return { announced: false, nextGateAt: now };
        left -= 1;
        if (known.gathering !== undefined) letThrough(known.gathering, takenOut, now);
        forget(known);
      }
      return { announced: false, nextGateAt: undefined };
    },
    forget(gathering) {
      const known = gathering.hook.gates.get(gathering.gated?.key ?? commonKey);
      if (known?.gathering === gathering) forget(known);
    },
  };
}

function toMemory({ value, wakeAt, keep, gathering }: GateKey): GateMemory {
  return { value, wakeAt, keep: keep?.seq, gathered: gathering?.gated?.events.size ?? 0 };
}

function fullReason({ hook, spec: { maxKeys }, key }: Visit): string {
  const named = key === commonKey ? "the common key" : `key "${key}"`;
  return (
    `The gate of hook "${hook.name}" remembers ${maxKeys} keys, the most that max_keys allows, and ${named} is not ` +
    'among them. Raise "max_keys", or group "by" something with fewer values; replay delivers this event past the gate.'
  );
}
