import { toDeliveryId } from "../delivery-id.ts";
import { describeGate, type GateDescription } from "../gates/describe.ts";
import {
  commonKey,
  countGathered,
  type GateAction,
  type GateFacts,
  type GateMemory,
  passGate,
} from "../gates/gate.ts";
import type { GateSpec } from "../gates/spec.ts";
import type { GateRoute } from "../router.ts";
import type { GateRow } from "../store-query.ts";
import type { RouteGate } from "./explain-route.ts";
import type { ExplainedMemory, GateStep, HookVerdict } from "./explanation.ts";
import { timeText } from "./value-text.ts";

/** An event at a gate: its key, what it means there, and what the gate remembers now. */
export function explainGate(
  { gate, facts, checks }: RouteGate,
  { key, row, now }: AtKey,
): GateStep {
  const { spec } = gate;
  const means = facts === undefined ? [] : meaningOf(spec, facts);
  const whose = key === commonKey ? "of the common group" : `of ${JSON.stringify(key)}`;
  const meaning = means.length === 0 ? "" : `: the event ${means.join(" and ")}`;
  const text =
    facts === undefined
      ? `the event means nothing to its ${spec.kind}`
      : `it comes to the ${spec.kind} ${whose}${meaning}`;
  return {
    step: "gate",
    verdict: facts === undefined ? "stopped" : "passed",
    text,
    kind: spec.kind,
    key: key === commonKey ? null : key,
    facts,
    means,
    checks,
    memory: row && explainMemory(spec, row, now),
  };
}

/** One key of a gate, as it stands now. */
export interface AtKey {
  readonly key: string;
  /** What is remembered of it, if anything is. */
  readonly row: GateRow | undefined;
  readonly now: number;
}

/** What a gate remembers of a key, for people. */
function explainMemory(spec: GateSpec, row: GateRow, now: number): ExplainedMemory {
  const { summary, waitsFor, until } = describeGate(spec, row.key, row, now);
  return {
    gathered: row.gathered,
    delivery: row.delivery === undefined ? undefined : toDeliveryId(row.delivery),
    summary,
    waitsFor,
    until: until === undefined ? undefined : timeText(until),
  };
}

/** `at its join for customers until 2026-03-29T02:00:00Z` */
export function waitingText(
  spec: GateSpec,
  { waitsFor, until }: Pick<GateDescription, "waitsFor" | "until">,
): string {
  const all = spec.kind === "join" && spec.needed === spec.inputs.length;
  const what = waitsFor.length === 0 ? "" : ` for ${waitsFor.join(all ? " and " : " or ")}`;
  return `at its ${spec.kind}${what}${until === undefined ? "" : ` until ${timeText(until)}`}`;
}

/** The words for each fact; the names of a gate's options where the configuration has such. */
function meaningOf({ kind }: GateSpec, facts: GateFacts): readonly string[] {
  const { inputs, failed, flush, reset, distinct, expected, begins, opens, resolves } = facts;
  const named: readonly (readonly [boolean | undefined, string])[] = [
    [(inputs?.length ?? 0) > 0, `is ${inputs?.join(" and ")}`],
    [failed, "has failed (fail_when)"],
    [flush, "ends the period early (flush_when)"],
    [reset, "resets it (reset_on)"],
    [distinct !== undefined, `counts as ${JSON.stringify(distinct)} (distinct)`],
    [begins, "begins the wait (after)"],
    [expected, "is what is expected (expect)"],
    [opens, "opens an incident (open_when)"],
    [resolves, "resolves the incident (resolve_on)"],
  ];
  const found = named.filter(([holds]) => holds === true).map(([, words]) => words);
  return found.length > 0 || kind !== "threshold" ? found : ["counts"];
}

/** What a gate would do with an event now. Nothing is written: the step is taken on the memory as it was read. */
export function foreseeGate(
  { spec }: GateRoute,
  facts: GateFacts,
  { key, row, now, full }: AtKey & { readonly full: boolean },
): { readonly verdict: HookVerdict; readonly would: readonly string[] } {
  const input = { type: "event", ref: Number.MAX_SAFE_INTEGER, facts } as const;
  const { value, wakeAt, keep, actions } = passGate(spec, key, row, input, now);
  if (full && value !== undefined) {
    const would = [`the event becomes a dead letter: the gate has ${spec.maxKeys} keys, the most`];
    return { verdict: "dead", would };
  }
  let gathered = row?.gathered ?? 0;
  const would = actions.flatMap((action) => {
    const words = actionText(action, gathered);
    gathered = countGathered(gathered, [action]);
    return words ?? [];
  });
  if (value !== undefined && gathered > 0) {
    const after: GateMemory = { value, wakeAt, keep, gathered };
    would.push(`then it waits ${waitingText(spec, describeGate(spec, key, after, now))}`);
  }
  return { verdict: verdictOf(actions), would };
}

/** What becomes of the event itself: it is held, and let through or dropped when that comes behind, or goes no further. */
function verdictOf(actions: readonly GateAction[]): HookVerdict {
  let verdict: HookVerdict = "not_reached";
  for (const { type } of actions) {
    if (type === "hold") verdict = "gathering";
    else if (type === "skip") verdict = "skipped";
    else if (type === "dead") verdict = "dead";
    else if (type === "release" && verdict === "gathering") verdict = "fires";
    else if (type === "drop" && verdict === "gathering") verdict = "skipped";
  }
  return verdict;
}

function actionText(action: GateAction, gathered: number): string | undefined {
  const events = gathered === 1 ? "1 event" : `${gathered} events`;
  switch (action.type) {
    case "hold":
      return gathered === 0 ? "the event is held" : `the event joins ${events} held`;
    case "skip":
      return `the event goes no further: ${action.reason}`;
    case "dead":
      return `the event becomes a dead letter: ${action.reason}`;
    case "release":
      return `${events} let through as one delivery: ${action.release.reason}`;
    case "drop":
      return gathered === 0 ? undefined : `${events} dropped: ${action.reason}`;
    case "expire":
      return `older events held leave: ${action.reason}`;
    case "again":
      return `an earlier event is delivered again: ${action.release.reason}`;
    case "announce":
      return `the gate announces ${action.event.type}`;
  }
}
