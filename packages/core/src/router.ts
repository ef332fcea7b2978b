import { isOwnType } from "./catalogue.ts";
import type { Condition } from "./condition.ts";
import type { PipehooksEvent } from "./event.ts";
import { compilePatterns, isNegated, type Match } from "./pattern.ts";
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
  readonly patterns: readonly string[];
  readonly matchesType: Match;
  readonly filter: readonly FilterStep[];
  readonly when: Condition | undefined;
  readonly orderBy: string | undefined;
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

/** Compiles the type patterns of a hook or a listener. Pipehooks' own events must be asked for by name. */
export function compileTypePatterns(patterns: readonly string[]): Match {
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
  match(event: PipehooksEvent): readonly Route[];
  /** Whether any hook takes this type, whatever the filters say. */
  takes(type: string): boolean;
}

const rememberedTypes = 1000;
const nobody: readonly Route[] = Object.freeze([]);

export function createRouter(routes: readonly Route[]): Router {
  const byType = new Map<string, readonly Route[]>();
  const candidates = (type: string): readonly Route[] => {
    const known = byType.get(type);
    if (known !== undefined) return known;
    if (byType.size >= rememberedTypes) byType.clear();
    const found = routes.filter((route) => route.matchesType(type));
    byType.set(type, found);
    return found;
  };
  return {
    takes: (type) => candidates(type).length > 0,
    match(event) {
      const found = candidates(event.type);
      if (found.length === 0) return nobody;
      return found.filter(
        ({ filter, when }) =>
          passesFilter(filter, event) && (when === undefined || when.test(event)),
      );
    },
  };
}

/** The value of `orderBy` in an event as a key; an event without the field has no order. */
export function orderKeyOf(event: PipehooksEvent, orderBy: string | undefined): string | undefined {
  if (orderBy === undefined) return undefined;
  const value = readPath(event, orderBy);
  if (value === undefined || value === null) return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}
