import type { LoadedConfig } from "@pipehooks/config";
import {
  type DeliveryRow,
  type EventFields,
  type JsonObject,
  messageOf,
  type PipehooksEvent,
  type Store,
  silentLogger,
  toDeliveryId,
} from "@pipehooks/core";
import { allDeliveries, allEvents } from "../ids.ts";
import { answerWith } from "./answers.ts";
import { openRehearsal, type Rehearsal } from "./rehearsal.ts";
import type { Sent } from "./rehearsed-hooks.ts";

/** What stored events would have done under a configuration, and what they did. */
export interface DryRun {
  /** How many events were run through it. */
  readonly events: number;
  /** Events that the configuration does not take. */
  readonly refused: readonly {
    readonly id: string;
    readonly type: string;
    readonly reason: string;
  }[];
  /** In the order of the configuration; then those that are not configured any more. */
  readonly hooks: readonly HookComparison[];
}

export interface HookComparison {
  readonly hook: string;
  /** Deliveries as they were and as they would be. */
  readonly was: number;
  readonly would: number;
  /** Ids of events that reach the hook as before, newly, and no more. */
  readonly same: readonly string[];
  readonly new: readonly string[];
  readonly gone: readonly string[];
  /** Ids of events that a gate still gathers at the end: whether they would reach it is open. */
  readonly gathering: readonly string[];
}

/** What a hook has delivered: how often, and which events. */
interface Reached {
  readonly deliveries: Set<number | string>;
  readonly events: Set<string>;
}

type Reach = Map<string, Reached>;

/** Runs the events that a store holds of a time through a configuration. Writes nothing and sends nothing. */
export async function runDry(options: {
  readonly loaded: LoadedConfig;
  readonly store: Store;
  /** By time of acceptance, in milliseconds since the epoch. */
  readonly since: number;
  readonly until: number;
  /** Only this hook. @default all */
  readonly hook?: string | undefined;
}): Promise<DryRun> {
  const { loaded, store, since, until, hook } = options;
  const labels = new Map<string, string>();
  const was = await readReach(options, labels);
  const would: Reach = new Map();
  // By delivery, what a gate holds.
  const held = new Map<string, string[]>();
  const record = ({ delivery }: Sent) => {
    const ids = delivery.events.map((event) => labelOf(event) ?? event.id);
    const reached = reachedOf(would, delivery.hook);
    reached.deliveries.add(delivery.id);
    for (const id of [...ids, ...(delivery.gate?.restIds ?? [])]) reached.events.add(id);
  };
  await using rehearsal = await openRehearsal({
    loaded,
    start: since,
    seed: 1,
    keepSettled: 1000,
    sent: (sent) => {
      held.delete(sent.delivery.id);
      if (!isAboutDelivery(sent.delivery.event.type)) record(sent);
    },
    answer: (delivery, live, now) => answerWith(200, delivery, { hook: live, now }),
    logger: silentLogger,
  });
  const { count, refused } = await emitAll(rehearsal, store, { since, until, held });
  await rehearsal.advance(Math.max(0, until - rehearsal.now()));
  const gathering = await collectLeft(rehearsal, would, held);
  const names = [
    ...rehearsal.bus.hooks.map(({ name }) => name),
    ...[...was.keys()].filter((name) => !rehearsal.bus.hooks.some((own) => own.name === name)),
  ];
  return {
    events: count,
    refused,
    hooks: names
      .filter((name) => hook === undefined || name === hook)
      .map((name) =>
        compare(name, {
          was: reachedOf(was, name),
          would: reachedOf(would, name),
          gathering: gathering.get(name) ?? [],
        }),
      ),
  };
}

/** What the store says that became of the events; fills in what Pipehooks' own events are known by. */
async function readReach(
  { store, since, until, hook }: Parameters<typeof runDry>[0],
  labels: Map<string, string>,
): Promise<Reach> {
  const reach: Reach = new Map();
  let hasGates = false;
  for await (const row of allDeliveries(store, { since, until, hook, oldestFirst: true })) {
    if (!isDelivery(row) || isAboutDelivery(row.eventType)) continue;
    hasGates ||= row.gate !== undefined && row.gate.count > 1;
    const reached = reachedOf(reach, row.hook);
    reached.deliveries.add(row.id);
    reached.events.add(row.eventId);
  }
  for await (const { body } of allEvents(store, { since, until, oldestFirst: true })) {
    const event = JSON.parse(body) as PipehooksEvent;
    const label = labelOf(event);
    if (label !== undefined) labels.set(event.id, label);
    if (!hasGates) continue;
    // A row names the first of its events: the others ask for theirs.
    for (const row of await store.deliveries({ eventId: event.id, hook, limit: 1000 })) {
      const reached = reach.get(row.hook);
      if (reached?.deliveries.has(row.id)) reached.events.add(event.id);
    }
  }
  for (const { events } of reach.values()) {
    for (const id of [...events]) {
      const label = labels.get(id);
      if (label === undefined) continue;
      events.delete(id);
      events.add(label);
    }
  }
  return reach;
}

/** Emits every event at the time at which it was accepted. */
async function emitAll(
  rehearsal: Rehearsal,
  store: Store,
  {
    held,
    ...range
  }: {
    readonly since: number;
    readonly until: number;
    readonly held: Map<string, string[]>;
  },
): Promise<{ readonly count: number; readonly refused: DryRun["refused"] }> {
  const refused: DryRun["refused"][number][] = [];
  let count = 0;
  for await (const { body, acceptedAt } of allEvents(store, { ...range, oldestFirst: true })) {
    const event = JSON.parse(body) as PipehooksEvent;
    // Gates announce theirs themselves, and what became of deliveries is not known.
    if (event.type.startsWith("pipehooks.")) continue;
    if (acceptedAt > rehearsal.now()) await rehearsal.advance(acceptedAt - rehearsal.now());
    const { type, ...fields } = event;
    try {
      const { deliveries } = await rehearsal.emit(type, fields as EventFields<JsonObject>);
      count += 1;
      for (const place of deliveries) {
        if (place.state !== "gathering") continue;
        const together = held.get(place.id);
        if (together === undefined) held.set(place.id, [event.id]);
        else together.push(event.id);
      }
    } catch (error) {
      refused.push({ id: event.id, type, reason: messageOf(error) });
    }
  }
  return { count, refused };
}

/** What waits for its turn at the end would be delivered later; answers the events that each hook's gate gathers. */
async function collectLeft(
  { bus }: Rehearsal,
  would: Reach,
  held: ReadonlyMap<string, readonly string[]>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const gathering = new Map<string, readonly string[]>();
  const states = ["gathering", "waiting", "blocked", "running", "retrying"] as const;
  for await (const row of allDeliveries(bus.store, { states, oldestFirst: true })) {
    const id = toDeliveryId(row.id);
    if (row.state === "gathering") {
      gathering.set(row.hook, [...(gathering.get(row.hook) ?? []), ...(held.get(id) ?? [])]);
    } else if (!isAboutDelivery(row.eventType)) {
      const reached = reachedOf(would, row.hook);
      reached.deliveries.add(id);
      for (const event of held.get(id) ?? [row.eventId]) reached.events.add(event);
    }
  }
  return gathering;
}

function compare(
  hook: string,
  found: {
    readonly was: Reached;
    readonly would: Reached;
    readonly gathering: readonly string[];
  },
): HookComparison {
  const { was, would, gathering } = found;
  const open = new Set(gathering);
  return {
    hook,
    was: was.deliveries.size,
    would: would.deliveries.size,
    same: [...would.events].filter((id) => was.events.has(id)),
    new: [...would.events].filter((id) => !was.events.has(id)),
    gone: [...was.events].filter((id) => !would.events.has(id) && !open.has(id)),
    gathering,
  };
}

/** Whether the hook was, or is to be, called because of it: gates hold back and let go without a call. */
function isDelivery({ state, attempts }: DeliveryRow): boolean {
  return state !== "gathering" && !(state === "skipped" && attempts === 0);
}

/** Whether it tells what became of deliveries, which a dry run does not know. */
function isAboutDelivery(type: string): boolean {
  return /^pipehooks\.(?:delivery|hook|destination)\./.test(type);
}

/** What gates announce gets another id each time: it is known by what it says and when. */
function labelOf({ type, time, metadata }: PipehooksEvent): string | undefined {
  if (!type.startsWith("pipehooks.")) return undefined;
  const { hook = "", key = "" } = metadata;
  return [type, hook, key, time.slice(0, 16)]
    .filter((part) => part !== "" && part !== null)
    .join(" ");
}

function reachedOf(reach: Reach, hook: string): Reached {
  const known = reach.get(hook) ?? { deliveries: new Set(), events: new Set() };
  reach.set(hook, known);
  return known;
}
