import { formatDuration } from "../duration.ts";
import type {
  GateAction,
  GateFacts,
  GateInput,
  GateMemory,
  GateRelease,
  GateStep,
  JoinInput,
} from "./gate.ts";
import { type JoinState, joinDeadline, readJoin, writeJoin } from "./join-memory.ts";
import { commonKey, type JoinSpec } from "./spec.ts";

/**
 * Gathers until enough inputs have an event that is newer than the last fire, or until its deadline. An event at the very
 * deadline belongs to the next window.
 */
export function reduceJoin(
  spec: JoinSpec,
  key: string,
  memory: GateMemory | undefined,
  input: GateInput,
  now: number,
): GateStep {
  const state = readJoin(spec, memory, now);
  const actions = endWindow(spec, key, state, now);
  if (input.type === "event") actions.push(...takeEvent(spec, state, input.facts, now));
  return writeJoin(spec, state, actions);
}

function takeEvent(
  spec: JoinSpec,
  state: JoinState,
  facts: GateFacts,
  now: number,
): readonly GateAction[] {
  const named = spec.inputs.filter((name) => facts.inputs?.includes(name));
  if (named.length === 0) return [skip("it is no input of the join")];
  const names = named.filter((name) => !isLate(state, name));
  if (names.length === 0) return [skip(lateReason(spec, state, named))];
  forgiveLate(state, named);
  if (facts.failed === true) return takeFailure(spec, state, names, now);

  openWindow(state, now);
  for (const name of names) {
    const before = state.came.get(name);
    const firstAt = before?.firstAt ?? now;
    state.came.set(name, { count: (before?.count ?? 0) + 1, firstAt, lastAt: now });
    state.failed.delete(name);
  }
  const come = spec.inputs.filter((name) => hasCome(state, name));
  if (come.length < spec.needed) return [{ type: "hold" }];
  const release = { reason: fireReason(spec, come), ...inputsOf(state), missing: [] };
  startOver(spec, state);
  return [{ type: "hold" }, { type: "release", release }];
}

function takeFailure(
  spec: JoinSpec,
  state: JoinState,
  names: readonly string[],
  now: number,
): readonly GateAction[] {
  const reason = `${names.length === 1 ? "input" : "inputs"} ${names.join(", ")} failed`;
  if (spec.onFailedInput === "cancel") {
    const why = `${reason}; the join starts over`;
    const isOpen = state.since !== undefined;
    startOver(spec, state);
    state.ever.clear();
    return isOpen ? [{ type: "drop", reason: why }, skip(why)] : [skip(why)];
  }
  openWindow(state, now);
  for (const name of names) if (!state.came.has(name)) state.failed.add(name);
  if (spec.onFailedInput === "wait") return [{ type: "hold" }];
  const release = { reason, ...inputsOf(state), missing: missingOf(spec, state) };
  startOver(spec, state);
  return [{ type: "hold" }, { type: "release", release }];
}

/** What happens at the deadline, once it is over. */
function endWindow(spec: JoinSpec, key: string, state: JoinState, now: number): GateAction[] {
  const deadline = joinDeadline(spec, state);
  const { since } = state;
  if (deadline === undefined || since === undefined || deadline > now) return [];
  const missing = missingOf(spec, state);
  const came = spec.inputs.filter((name) => state.came.has(name));
  const reason = `not complete ${formatDuration(deadline - since)} after its first event; ${missingText(missing, state)}`;
  const release = { reason, ...inputsOf(state), missing };
  startOver(spec, state);
  const rememberedUntil = deadline + (spec.withinMs ?? 0);
  if (spec.late === "drop" && rememberedUntil > now) {
    state.late = { missing, until: rememberedUntil };
  }
  if (spec.onDeadline === "fire_partial") return [{ type: "release", release }];
  const drop: GateAction = { type: "drop", reason };
  if (spec.onDeadline === "drop") return [drop];
  const metadata = {
    hook: spec.hook,
    key: key === commonKey ? null : key,
    missing,
    came,
    since: isoOf(since),
    deadline: isoOf(deadline),
  };
  return [drop, { type: "announce", event: { type: "pipehooks.join.incomplete", metadata } }];
}

/** Inputs that an event is still needed of. */
export function missingOf(spec: JoinSpec, state: JoinState): readonly string[] {
  return spec.inputs.filter((name) => state.failed.has(name) || !hasCome(state, name));
}

/** For people: the names, and which of them came as a failure. */
function missingText(missing: readonly string[], { failed }: JoinState): string {
  const names = missing.map((name) => (failed.has(name) ? `${name} (failed)` : name));
  return `missing: ${names.join(", ")}`;
}

function hasCome({ came, ever }: JoinState, name: string): boolean {
  return came.has(name) || ever.has(name);
}

function openWindow(state: JoinState, now: number): void {
  state.since ??= now;
}

function startOver(spec: JoinSpec, state: JoinState): void {
  if (spec.baseline === "ever") for (const name of state.came.keys()) state.ever.add(name);
  state.since = undefined;
  state.came.clear();
  state.failed = new Set();
}

function isLate({ late }: JoinState, name: string): boolean {
  return late?.missing.includes(name) ?? false;
}

function lateReason(spec: JoinSpec, state: JoinState, names: readonly string[]): string {
  const endedAt = isoOf((state.late?.until ?? 0) - (spec.withinMs ?? 0));
  forgiveLate(state, names);
  return `came late: ${names.join(", ")} was missing when the window ended at ${endedAt}`;
}

// Once for each input: the one after it belongs to the next window.
function forgiveLate(state: JoinState, names: readonly string[]): void {
  if (state.late === undefined) return;
  const missing = state.late.missing.filter((name) => !names.includes(name));
  state.late = missing.length === 0 ? undefined : { ...state.late, missing };
}

function fireReason({ inputs, baseline }: JoinSpec, come: readonly string[]): string {
  const those = come.join(", ");
  const enough = come.length === inputs.length ? "all" : `${come.length} of ${inputs.length}`;
  const came = baseline === "ever" ? "have come at least once" : "came";
  return `${enough} inputs ${came}: ${those}`;
}

function inputsOf({ came }: JoinState): Pick<GateRelease, "inputs"> {
  return { inputs: Object.fromEntries<JoinInput>(came) };
}

function skip(reason: string): GateAction {
  return { type: "skip", reason };
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
