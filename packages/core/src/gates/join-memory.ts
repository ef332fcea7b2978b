import type { JsonValue } from "../json.ts";
import type { GateAction, GateMemory, GateStep, JoinInput } from "./gate.ts";
import type { JoinSpec } from "./spec.ts";

/** What a join remembers of one key, to be worked on. */
export interface JoinState {
  /** When the first event since the last fire came; undefined while nothing is gathered. */
  since: number | undefined;
  /** Inputs that came since the last fire. */
  readonly came: Map<string, JoinInput>;
  /** Inputs that came as a failure only. */
  failed: Set<string>;
  /** With `baseline: ever`: inputs that came in an earlier window. */
  readonly ever: Set<string>;
  /** With `late: drop`: what was missing at the last deadline, and how long that matters. */
  late: { readonly missing: readonly string[]; readonly until: number } | undefined;
}

/** How it is stored: `came` as [name, count, first, last]. */
type Stored = Partial<{
  readonly since: number;
  readonly came: readonly (readonly [string, number, number, number])[];
  readonly failed: readonly string[];
  readonly ever: readonly string[];
  readonly late: { readonly missing: readonly string[]; readonly until: number };
}>;

/** Times of a clock that was set back since are lowered to now. Inputs that the join no longer has are left out. */
export function readJoin(spec: JoinSpec, memory: GateMemory | undefined, now: number): JoinState {
  // Written by `writeJoin`.
  const stored = (memory?.value ?? {}) as Stored;
  const isOpen = (memory?.gathered ?? 0) > 0;
  const known = (name: string): boolean => spec.inputs.includes(name);
  const came = (stored.came ?? []).filter(([name]) => isOpen && known(name));
  const ever = spec.baseline === "ever" ? (stored.ever ?? []) : [];
  return {
    since: isOpen ? Math.min(stored.since ?? now, now) : undefined,
    came: new Map(
      came.map(([name, count, firstAt, lastAt]) => [
        name,
        { count, firstAt: Math.min(firstAt, now), lastAt: Math.min(lastAt, now) },
      ]),
    ),
    failed: new Set((stored.failed ?? []).filter((name) => isOpen && known(name))),
    ever: new Set(ever.filter(known)),
    late: lateOf(spec, stored.late, now),
  };
}

/** When the window ends that is open, if it does. */
export function joinDeadline({ withinMs }: JoinSpec, { since }: JoinState): number | undefined {
  return since === undefined || withinMs === undefined ? undefined : since + withinMs;
}

export function writeJoin(
  spec: JoinSpec,
  state: JoinState,
  actions: readonly GateAction[],
): GateStep {
  const { since, late } = state;
  const came = [...state.came].map(([name, { count, firstAt, lastAt }]) => [
    name,
    count,
    firstAt,
    lastAt,
  ]);
  const value: JsonValue = {
    ...(since !== undefined && { since }),
    ...(came.length > 0 && { came }),
    ...(state.failed.size > 0 && { failed: [...state.failed] }),
    ...(state.ever.size > 0 && { ever: [...state.ever] }),
    ...(late !== undefined && { late }),
  };
  if (Object.keys(value).length === 0) return { value: undefined, actions };
  const times = [joinDeadline(spec, state), late?.until].filter((time) => time !== undefined);
  return { value, wakeAt: times.length === 0 ? undefined : Math.min(...times), actions };
}

function lateOf(
  { late, withinMs = 0 }: JoinSpec,
  stored: Stored["late"],
  now: number,
): JoinState["late"] {
  if (late !== "drop" || stored === undefined || stored.until <= now) return undefined;
  return { ...stored, until: Math.min(stored.until, now + withinMs) };
}
