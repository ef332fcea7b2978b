import { isOwnType } from "../catalogue.ts";
import { createEvent, type EventRules } from "../create-event.ts";
import type { EventFields, PipehooksEvent } from "../event.ts";
import type { PreparedHook } from "../hook-config.ts";
import { deepFreeze, type JsonObject } from "../json.ts";
import { type Redact, redactValue } from "../redact.ts";
import type { Store } from "../store.ts";
import type { DeliveryRow, EventRow } from "../store-query.ts";
import { unknownHook } from "../unknown-hook.ts";
import { explainHook, explainUnknownHook } from "./explain-hook.ts";
import type { Explanation, HookExplanation } from "./explanation.ts";
import { lookAround } from "./surroundings.ts";
import { timeText } from "./value-text.ts";

export interface ExplainOptions {
  /** Only this hook. @default all */
  readonly hook?: string | undefined;
  /** Which of several events with one id is meant. @default the one accepted last */
  readonly source?: string | undefined;
}

/** What is explained: the id of a stored event, or an event as it would be emitted. */
export type ExplainTarget = string | (EventFields<JsonObject> & { readonly type: string });

export interface ExplainParts {
  readonly store: Store;
  readonly hooks: readonly PreparedHook[];
  readonly rules: EventRules;
  readonly now: number;
  readonly redact: Redact;
}

/** More deliveries of one event are reminders of an alert without end. */
const mostDeliveries = 1000;
const mostSources = 100;
const mostUnrouted = 1000;

/** Explains an event; `undefined` when the store has none of this id. Writes nothing. */
export async function explainEvent(
  parts: ExplainParts,
  target: ExplainTarget,
  { hook: only, source }: ExplainOptions = {},
): Promise<Explanation | undefined> {
  const { store, hooks, now, redact } = parts;
  const found = await findEvent(parts, target, source);
  if (found === undefined) return undefined;
  const { event, row, otherSources } = found;
  const rows = row === undefined ? [] : await deliveriesOf(store, event);
  const known = new Set(hooks.map(({ name }) => name));
  const unknown = [...new Set(rows.map(({ hook }) => hook))].filter((name) => !known.has(name));
  const wanted = (name: string): boolean => only === undefined || name === only;
  if (only !== undefined && !known.has(only) && !unknown.includes(only)) {
    throw unknownHook(only, known);
  }
  const around = await lookAround(store, hooks, now);
  const unrouted = row !== undefined && (await isUnrouted(store, event, row));
  const explained: HookExplanation[] = [];
  for (const hook of hooks.filter(({ name }) => wanted(name))) {
    const own = rows.filter((each) => each.hook === hook.name);
    const stored = row === undefined ? undefined : { rows: own, unrouted };
    explained.push(await explainHook(hook, event, { stored, around }));
  }
  for (const name of unknown.filter(wanted)) {
    const own = rows.filter((each) => each.hook === name);
    explained.push(await explainUnknownHook(name, own, around));
  }
  return {
    event,
    stored: row !== undefined,
    acceptedAt: row && timeText(row.acceptedAt),
    otherSources,
    // The same shape as what went in.
    hooks: redactValue(explained, redact) as readonly HookExplanation[],
  };
}

interface Found {
  readonly event: PipehooksEvent;
  /** Absent when the store does not have it. */
  readonly row: EventRow | undefined;
  readonly otherSources: readonly string[];
}

async function findEvent(
  { store, rules, now }: ExplainParts,
  target: ExplainTarget,
  source: string | undefined,
): Promise<Found | undefined> {
  const id = typeof target === "string" ? target : target.id;
  const rows = id === undefined ? [] : await store.events({ id, limit: mostSources });
  const stored = rows.map((row) => ({
    row,
    event: deepFreeze(JSON.parse(row.body) as PipehooksEvent),
  }));
  const meant = typeof target === "string" ? source : (target.source ?? rules.source);
  const found = stored.find(({ event }) => meant === undefined || event.source === meant);
  const others = stored.filter((each) => each !== found).map(({ event }) => event.source);
  if (found !== undefined) return { ...found, otherSources: others };
  if (typeof target === "string") return undefined;
  const { type, ...fields } = target;
  const event = createEvent(type, fields, undefined, rules, now);
  return { event, row: undefined, otherSources: others };
}

/** Of an id that several sources use, a delivery of several events cannot tell which of them it has. */
async function deliveriesOf(store: Store, event: PipehooksEvent): Promise<readonly DeliveryRow[]> {
  const { id: eventId, source } = event;
  const rows = await store.deliveries({ eventId, limit: mostDeliveries, oldestFirst: true });
  return rows.filter((row) => row.eventId !== eventId || row.eventSource === source);
}

/** What gates announce is routed by the next process that can. */
async function isUnrouted(store: Store, { type }: PipehooksEvent, { seq }: EventRow) {
  if (!isOwnType(type)) return false;
  return (await store.unrouted(mostUnrouted)).some((row) => row.seq === seq);
}
