import {
  type GateAction,
  type GateEvent,
  type GateFacts,
  type GateInput,
  type GateMemory,
  type GateRelease,
  type GateSpec,
  latestWake,
  passGate,
} from "@pipehooks/core/gates";
import { expect } from "vitest";

/** What became of events at a gate. */
export interface ModelDelivery {
  readonly key: string;
  /** Events in order of acceptance; none when the gate's own event is delivered. */
  refs: number[];
  state: "gathering" | "released" | "skipped" | "dead";
  reason?: string;
  release?: GateRelease;
  /** When it left the state `gathering`. */
  at?: number;
  /** It repeats an event that another delivery has. */
  again?: true;
  /** It delivers this event of the gate itself. */
  announced?: GateEvent;
}

export interface ModelEvent {
  readonly facts?: GateFacts;
  /** @default "" */
  readonly key?: string;
  /** A second event with the same id is a duplicate, which never comes to the gate. */
  readonly id?: string;
}

/** A store reduced to what a gate sees of it. Each step goes through JSON, as if the process had been restarted. */
export interface GateModel {
  readonly now: number;
  readonly deliveries: readonly ModelDelivery[];
  readonly announced: readonly { readonly key: string; readonly at: number; event: GateEvent }[];
  /** The greatest size of the memory of one key so far, in characters of JSON. */
  readonly greatestMemory: number;
  /** Accepts an event; answers its ref, or undefined for a duplicate. */
  emit(event?: ModelEvent): number | undefined;
  seed(key: string): void;
  /** Lets time pass and looks at each timer when its time has come. */
  wait(ms: number): void;
  /** Moves the clock, back as well as forward, and looks at nothing. */
  jump(ms: number): void;
  /** Asks the gates whose time has come or lies further off than it can, as a claim does. */
  look(): void;
  /** Asks the gate though it may be too early. */
  ask(key?: string): void;
  memory(key?: string): GateMemory | undefined;
  /** In order of their release. */
  released(key?: string): readonly ModelDelivery[];
  skipped(key?: string): readonly ModelDelivery[];
  gathering(key?: string): readonly number[];
  /** Refs of all events of a key, in order. */
  refs(key?: string): readonly number[];
}

export const modelStart: number = Date.UTC(2026, 0, 15, 12);

/** @param maxMemory the most that the gate may remember of a key, in characters of JSON */
export function createGateModel(
  spec: GateSpec,
  { start = modelStart, maxMemory = 4096 }: { start?: number; maxMemory?: number } = {},
): GateModel {
  const memories = new Map<string, string>();
  const deliveries: ModelDelivery[] = [];
  const released: ModelDelivery[] = [];
  const announced: { key: string; at: number; event: GateEvent }[] = [];
  const keyOf = new Map<number, string>();
  const seen = new Set<string>();
  const identities = new Set<string>();
  let now = start;
  let greatestMemory = 0;

  const gathering = (key: string) =>
    deliveries.find((delivery) => delivery.key === key && delivery.state === "gathering");

  function memory(key: string): GateMemory | undefined {
    const text = memories.get(key);
    return text === undefined ? undefined : (JSON.parse(text) as GateMemory);
  }

  function step(key: string, input: GateInput): void {
    const before = memory(key);
    const after = passGate(spec, key, before, input, now);
    const own = after.actions.filter(({ type }) => ["hold", "skip", "dead"].includes(type));
    expect(own.length, `places for an input of type ${input.type}`).toBe(
      input.type === "event" ? 1 : 0,
    );
    const ref = input.type === "event" ? input.ref : -1;
    for (const action of after.actions) take(key, action, ref, before?.keep);
    const gathered = gathering(key)?.refs.length ?? 0;
    if (after.value === undefined) {
      expect(gathered, "events left behind by a forgotten key").toBe(0);
      memories.delete(key);
      return;
    }
    const { value, wakeAt, keep } = after;
    const text = JSON.stringify({ value, wakeAt, keep, gathered });
    expect(JSON.parse(text).value, "memory after a restart").toEqual(value);
    greatestMemory = Math.max(greatestMemory, text.length);
    expect(text.length, `size of the memory ${text}`).toBeLessThanOrEqual(maxMemory);
    if (wakeAt !== undefined) {
      expect(Number.isFinite(wakeAt), "the timer is a time").toBe(true);
      expect(wakeAt, "a timer that is set again").toBeGreaterThan(now);
      expect(wakeAt, "a timer beyond latestWake").toBeLessThanOrEqual(latestWake(spec, now));
    }
    if (keep !== undefined) expect(keyOf.get(keep), "the event kept").toBe(key);
    memories.set(key, text);
  }

  function take(key: string, action: GateAction, ref: number, keep: number | undefined): void {
    const open = gathering(key);
    switch (action.type) {
      case "hold":
        if (open === undefined) deliveries.push({ key, refs: [ref], state: "gathering" });
        else open.refs.push(ref);
        return;
      case "skip":
      case "dead": {
        const state = action.type === "skip" ? "skipped" : "dead";
        deliveries.push({ key, refs: [ref], state, reason: action.reason, at: now });
        return;
      }
      case "release":
        expect(open, "something gathered to release").toBeDefined();
        if (open !== undefined) letGo(open, action.release);
        return;
      case "drop":
        if (open !== undefined) {
          Object.assign(open, { state: "skipped", reason: action.reason, at: now });
        }
        return;
      case "expire": {
        const left = open?.refs.filter((each) => each <= action.through) ?? [];
        expect(left.length, "something to expire").toBeGreaterThan(0);
        if (open === undefined) return;
        open.refs = open.refs.filter((each) => each > action.through);
        if (open.refs.length === 0) deliveries.splice(deliveries.indexOf(open), 1);
        const { reason } = action;
        deliveries.push({ key, refs: left, state: "skipped", reason, at: now });
        return;
      }
      case "again": {
        expect(action.ref, "the repeated event").toBe(keep);
        const delivery: ModelDelivery = {
          key,
          refs: [action.ref],
          state: "gathering",
          again: true,
        };
        deliveries.push(delivery);
        letGo(delivery, action.release);
        return;
      }
      case "announce": {
        announced.push({ key, at: now, event: action.event });
        if (action.release === undefined) return;
        const delivery: ModelDelivery = { key, refs: [], state: "gathering" };
        delivery.announced = action.event;
        deliveries.push(delivery);
        letGo(delivery, action.release);
      }
    }
  }

  function letGo(delivery: ModelDelivery, release: GateRelease): void {
    expect(JSON.parse(JSON.stringify(release)), "a release as data").toEqual(release);
    Object.assign(delivery, { state: "released", release, reason: release.reason, at: now });
    released.push(delivery);
    for (const end of new Set([delivery.refs.at(0), delivery.refs.at(-1)])) {
      if (end === undefined) continue;
      const identity = JSON.stringify([end, release.tag]);
      expect(identities.has(identity), `two deliveries with the identity ${identity}`).toBe(false);
      identities.add(identity);
    }
  }

  function checkPlaces(): void {
    const places = new Map<number, number>();
    for (const { refs, again, key } of deliveries) {
      expect(refs, "refs in order").toEqual([...refs].sort((a, b) => a - b));
      for (const ref of refs) {
        expect(keyOf.get(ref), `key of event ${ref}`).toBe(key);
        if (again !== true) places.set(ref, (places.get(ref) ?? 0) + 1);
      }
    }
    for (const ref of keyOf.keys()) {
      expect(places.get(ref) ?? 0, `deliveries that have event ${ref}`).toBe(1);
    }
  }

  function look(): void {
    for (const key of [...memories.keys()]) {
      const wakeAt = memory(key)?.wakeAt;
      if (wakeAt === undefined) continue;
      if (wakeAt <= now || wakeAt > latestWake(spec, now)) step(key, { type: "timer" });
    }
    checkPlaces();
  }

  const of = (list: readonly ModelDelivery[], key: string | undefined) =>
    key === undefined ? list : list.filter((delivery) => delivery.key === key);

  return {
    get now() {
      return now;
    },
    get greatestMemory() {
      return greatestMemory;
    },
    deliveries,
    announced,
    emit({ facts = {}, key = "", id } = {}) {
      if (id !== undefined && seen.has(id)) return undefined;
      if (id !== undefined) seen.add(id);
      const ref = keyOf.size + 1;
      keyOf.set(ref, key);
      step(key, { type: "event", ref, facts });
      checkPlaces();
      return ref;
    },
    seed(key) {
      if (!memories.has(key)) step(key, { type: "seed" });
    },
    wait(ms) {
      const until = now + ms;
      for (;;) {
        look();
        const times = [...memories.keys()].map((key) => memory(key)?.wakeAt ?? Infinity);
        const next = Math.min(...times, until);
        if (now === until && next === until) return;
        now = next;
      }
    },
    jump(ms) {
      now += ms;
    },
    look,
    ask(key = "") {
      if (memories.has(key)) step(key, { type: "timer" });
      checkPlaces();
    },
    memory: (key = "") => memory(key),
    released: (key) => of(released, key),
    skipped: (key) =>
      of(deliveries, key).filter(({ state }) => state === "skipped" || state === "dead"),
    gathering: (key = "") => gathering(key)?.refs ?? [],
    refs: (key) =>
      [...keyOf].filter(([, its]) => key === undefined || its === key).map(([ref]) => ref),
  };
}

/** What every gate needs besides what is its own. */
export const commonSpec = {
  hook: "test",
  source: "/test",
  maxKeys: 1000,
  maxEvents: 1000,
} as const;
