import { isOwnType } from "./catalogue.ts";
import type { Condition } from "./condition.ts";
import type { PipehooksEvent } from "./event.ts";
import type { Gate } from "./gates/gate-of.ts";
import { compilePatterns, isNegated, type Match } from "./pattern.ts";
import type { GateEntry, NewDelivery } from "./store.ts";
import { readPath } from "./template.ts";

/** Globs over where an event comes from; empty or absent means all. */
export interface FilterInput {
  readonly pipelines?: readonly string[] | undefined;
  readonly flowgroups?: readonly string[] | undefined;
  readonly actions?: readonly string[] | undefined;
  readonly tables?: readonly string[] | undefined;
}

/** Which events reach a hook. */
export interface Route {
  readonly hook: string;
  /** The hook's own patterns; it may have none where its gate brings some. */
  readonly patterns: readonly string[];
  readonly matchesType: Match;
  readonly filter: readonly FilterStep[];
  readonly when: Condition | undefined;
  readonly orderBy: string | undefined;
  readonly gate: GateRoute | undefined;
}

/** What stands between route and delivery, with the types that it asks for itself. */
export interface GateRoute extends Gate {
  readonly matchesType: Match;
}

export interface FilterStep {
  readonly field: "pipeline" | "flowgroup" | "action" | "table";
  readonly patterns: readonly string[];
  readonly matches: Match;
}

const filterFields = [
  ["pipelines", "pipeline"],
  ["flowgroups", "flowgroup"],
  ["actions", "action"],
  ["tables", "table"],
] as const;

/** Compiles the type patterns of a hook or a listener; no pattern takes nothing. Pipehooks' own events must be asked for by name. */
export function compileTypePatterns(patterns: readonly string[]): Match {
  if (patterns.length === 0) return () => false;
  const matches = compilePatterns(patterns);
  const asking = patterns.filter((pattern) => isNegated(pattern) || namesOwn.test(pattern));
  const matchesOwn = asking.every(isNegated) ? () => false : compilePatterns(asking);
  return (type) => (isOwnType(type) ? matchesOwn(type) : matches(type));
}

const namesOwn = /(?:^|[{(,|])pipehooks\b/;

/** @throws HookError CONFIG_INVALID for a bad glob */
export function compileFilter(filter: FilterInput = {}): readonly FilterStep[] {
  return filterFields.flatMap(([key, field]) => {
    const patterns = filter[key] ?? [];
    return patterns.length === 0 ? [] : [{ field, patterns, matches: compilePatterns(patterns) }];
  });
}

function passesFilter(steps: readonly FilterStep[], event: PipehooksEvent): boolean {
  for (const { field, matches } of steps) if (!matches(event[field] ?? "")) return false;
  return true;
}

/** Finds the hooks that an event reaches; the cost depends on those that match its type. */
export interface Router {
  /** Where it goes: deliveries of hooks without a gate, and the gates that it means something to. */
  placesOf(event: PipehooksEvent, now: number): Places;
  /** Whether any hook takes this type, whatever the filters say. */
  takes(type: string): boolean;
}

/** Where an event goes: deliveries at once, and gates. */
export interface Places {
  readonly deliveries: readonly NewDelivery[];
  readonly gates?: readonly GateEntry[] | undefined;
}

/** A class, not a literal: see docs/architecture.md. */
class RoutedDelivery implements NewDelivery {
  readonly hook: string;
  readonly dueAt: number;
  readonly orderKey: string | undefined;

  constructor(hook: string, dueAt: number, orderKey: string | undefined) {
    this.hook = hook;
    this.dueAt = dueAt;
    this.orderKey = orderKey;
  }
}

interface Candidates {
  readonly plain: readonly Route[];
  readonly gated: readonly { readonly route: Route; readonly gate: GateRoute }[];
}

const rememberedTypes = 1000;
const nowhere: Places = Object.freeze({ deliveries: Object.freeze([]) });

export function createRouter(routes: readonly Route[]): Router {
  const byType = new Map<string, Candidates>();
  const candidates = (type: string): Candidates => {
    const known = byType.get(type);
    if (known !== undefined) return known;
    if (byType.size >= rememberedTypes) byType.clear();
    const found: Candidates = {
      plain: routes.filter((route) => route.gate === undefined && route.matchesType(type)),
      gated: routes.flatMap((route) => {
        const { gate } = route;
        if (gate === undefined) return [];
        return route.matchesType(type) || gate.matchesType(type) ? [{ route, gate }] : [];
      }),
    };
    byType.set(type, found);
    return found;
  };
  return {
    takes(type) {
      const { plain, gated } = candidates(type);
      return plain.length > 0 || gated.length > 0;
    },
    placesOf(event, now) {
      const { plain, gated } = candidates(event.type);
      if (plain.length === 0 && gated.length === 0) return nowhere;
      const deliveries: NewDelivery[] = [];
      for (const route of plain) {
        if (!isReached(route, event)) continue;
        const { hook, orderBy } = route;
        deliveries.push(new RoutedDelivery(hook, now, orderKeyOf(event, orderBy)));
      }
      const gates = gated.flatMap(({ route, gate }) => entryOf(event, route, gate) ?? []);
      return gates.length === 0 ? { deliveries } : { deliveries, gates };
    },
  };
}

/** Of an event that means something to a hook's gate. */
function entryOf(event: PipehooksEvent, route: Route, gate: GateRoute): GateEntry | undefined {
  if (!passesFilter(route.filter, event)) return undefined;
  const facts = gate.factsOf(event, isOwn(route, event));
  if (facts === undefined) return undefined;
  const key = gate.keyOf(event);
  const own = orderKeyOf(event, route.orderBy);
  // A resolution that overtakes what it resolves would leave the incident open for ever at the receiver.
  const orderKey = own ?? (tellsOfIncidents(gate) ? `alert:${key}` : undefined);
  return { hook: route.hook, spec: gate.spec, key, facts, orderKey };
}

/** Whether a hook's deliveries may have to wait for each other. */
export function isOrdered({ orderBy, gate }: Pick<Route, "orderBy" | "gate">): boolean {
  return orderBy !== undefined || (gate !== undefined && tellsOfIncidents(gate));
}

function tellsOfIncidents({ spec }: Gate): boolean {
  return spec.kind === "alert";
}

function isReached({ filter, when }: Route, event: PipehooksEvent): boolean {
  return passesFilter(filter, event) && (when === undefined || when.test(event));
}

/**
 * Whether an event is one that the hook itself asks for, and not only its gate (what resolves or resets): `when` is
 * asked of its own events alone. A hook without `events` leaves that to its gate.
 */
export function isOwn({ patterns, matchesType, when }: Route, event: PipehooksEvent): boolean {
  if (patterns.length > 0 && !matchesType(event.type)) return false;
  return when === undefined || when.test(event);
}

/** The value of `orderBy` in an event as a key; an event without the field has no order. */
function orderKeyOf(event: PipehooksEvent, orderBy: string | undefined): string | undefined {
  if (orderBy === undefined) return undefined;
  const value = readPath(event, orderBy);
  if (value === undefined || value === null) return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}
