import type { DeliveryRow, Health, LaneWork } from "@pipehooks/core";

/** What keeps deliveries of a hook from being tried now. */
export interface HeldBack {
  readonly because: string;
  /** Milliseconds since the epoch; absent where only somebody can end it. */
  readonly until?: number | undefined;
}

/** Tells of a delivery what holds it back besides its own due time: its hook, or the budget, pause or breaker of its destination. */
export type FindHold = (row: DeliveryRow) => HeldBack | undefined;

const canBeHeld: ReadonlySet<string> = new Set(["waiting", "retrying", "pending", "blocked"]);

export function createFindHold({ hooks, destinations }: Health): FindHold {
  const blocked = new Map(destinations.map((report) => [report.name, report]));
  const byHook = new Map(
    hooks.map(({ name, status, because, destination }): [string, HeldBack | undefined] => {
      if (status === "off") return [name, { because: "its hook is off in the configuration" }];
      if (status === "disabled") return [name, { because: `its hook is disabled: ${because}` }];
      const report = blocked.get(destination);
      if (report?.blockedUntil === undefined) return [name, undefined];
      const why = `${destination}: ${report.because ?? "takes nothing now"}`;
      return [name, { because: why, until: report.blockedUntil }];
    }),
  );
  return (row) => {
    const hold = canBeHeld.has(row.state) ? byHook.get(row.hook) : undefined;
    // What is due later anyway waits for that.
    const until = hold?.until ?? Number.POSITIVE_INFINITY;
    return (row.dueAt ?? 0) > until ? undefined : hold;
  };
}

/** When each hook that is on has something to do next, its destination's budget, pause and breaker included. */
export function nextDueByHook(
  { hooks, destinations }: Health,
  lanes: readonly LaneWork[],
): ReadonlyMap<string, number> {
  const dues = new Map(lanes.map(({ hook, dueAt }) => [hook, dueAt]));
  const blocked = new Map(destinations.map(({ name, blockedUntil = 0 }) => [name, blockedUntil]));
  return new Map(
    hooks.flatMap(({ name, status, destination }): [string, number][] => {
      const dueAt = status === "on" ? dues.get(name) : undefined;
      return dueAt === undefined ? [] : [[name, Math.max(dueAt, blocked.get(destination) ?? 0)]];
    }),
  );
}
