import { isOwnType } from "../catalogue.ts";
import type { PipehooksEvent } from "../event.ts";
import type { GateFacts } from "../gates/gate.ts";
import type { PreparedHook } from "../hook-config.ts";
import { compilePatterns, isNegated } from "../pattern.ts";
import { compileTypePatterns, type GateRoute, isOwn } from "../router.ts";
import { explainChecks } from "./explain-checks.ts";
import { explainCondition } from "./explain-condition.ts";
import type {
  EnabledStep,
  EventsStep,
  ExplainedCheck,
  FilterStep,
  WhenStep,
} from "./explanation.ts";
import { wordText } from "./value-text.ts";

/** Whether an event reaches a hook as it is configured, or its gate, and what decided it. */
export interface RouteExplanation {
  readonly reached: boolean;
  /** Why not, on one line; absent when it is reached. */
  readonly because?: string | undefined;
  readonly steps: readonly (EnabledStep | EventsStep | FilterStep | WhenStep)[];
  /** Absent where the event does not come as far as a gate. */
  readonly gate?: RouteGate | undefined;
}

/** The hook's gate, and what the event means to it. */
export interface RouteGate {
  readonly gate: GateRoute;
  /** Absent where it means nothing. */
  readonly facts: GateFacts | undefined;
  readonly checks: readonly ExplainedCheck[];
}

/** Explains the way of an event as far as the configuration decides; asks no store and writes nothing. */
export function explainRoute(
  { route, policy }: Pick<PreparedHook, "route" | "policy">,
  event: PipehooksEvent,
): RouteExplanation {
  const { gate } = route;
  const enabled = explainEnabled(policy.enabled);
  const events = explainEvents(route, event.type);
  const filter = explainFilter(route.filter, event);
  const comes = [enabled, events, filter].every(({ verdict }) => verdict !== "stopped");
  const when = explainWhen(route, event, comes);
  const before = [enabled, events, ...(filter.fields.length > 0 ? [filter] : [])];
  const stopped = [...before, ...when].find(({ verdict }) => verdict === "stopped");
  const because = stopped && (stopped.step === "when" ? `when ${stopped.text}` : stopped.text);
  if (gate === undefined || !comes) {
    return { reached: stopped === undefined, because, steps: [...before, ...when] };
  }
  const facts = gate.factsOf(event, isOwn(route, event));
  const at = { gate, facts, checks: explainChecks(gate, event) };
  if (facts === undefined) {
    return {
      reached: false,
      because: because ?? whyNothing(at),
      steps: [...before, ...when],
      gate: at,
    };
  }
  return { reached: true, steps: [...before, ...when.map(goneBy)], gate: at };
}

function whyNothing({ gate, checks }: RouteGate): string {
  const reasons = checks
    .filter(({ name, passed }) => !passed && name !== "fail_when")
    .map(({ name, because }) => `${name}: ${because}`);
  const asked = `it is nothing that its ${gate.spec.kind} asks for`;
  return reasons.length === 0 ? asked : `${asked}; ${reasons.join("; ")}`;
}

/** What a gate asks for itself goes by a `when` that is false. */
function goneBy(step: WhenStep): WhenStep {
  if (step.verdict !== "stopped") return step;
  return {
    ...step,
    verdict: "unasked",
    text: `it ${step.text}; its gate takes the event all the same`,
  };
}

type Route = PreparedHook["route"];

function explainEnabled(enabled: boolean): EnabledStep {
  return enabled
    ? { step: "enabled", verdict: "passed", text: "it is enabled in the configuration" }
    : { step: "enabled", verdict: "stopped", text: 'the configuration says "enabled: false"' };
}

function explainEvents(route: Route, type: string): EventsStep {
  const { patterns, gate } = route;
  const gatePatterns = gate?.patterns ?? [];
  const parts = { step: "events", type, patterns, gatePatterns } as const;
  const own = route.matchesType(type);
  if (own || gate?.matchesType(type) === true) {
    const asked = own ? patterns : gatePatterns;
    const takenBy = asked.find((pattern) => !isNegated(pattern) && takes(pattern, type));
    const by = takenBy === undefined ? `all but ${asked.join(", ")}` : takenBy;
    const whose = own ? "" : ", which its gate asks for";
    return { ...parts, verdict: "passed", takenBy, text: `${type} fits ${by}${whose}` };
  }
  const all = [...patterns, ...gatePatterns];
  const fitting = all.find((pattern) => !isNegated(pattern) && fits(pattern, type));
  const away = patterns.find((pattern) => isNegated(pattern) && fits(pattern.slice(1), type));
  if (away !== undefined) {
    const but = fitting === undefined ? "" : `fits ${fitting}, but `;
    const text = `${type} ${but}is taken away by ${away}`;
    return { ...parts, verdict: "stopped", takenBy: fitting, takenAwayBy: away, text };
  }
  if (isOwnType(type) && (fitting !== undefined || patterns.every(isNegated))) {
    const text = `${type} is one of Pipehooks' own, which must be asked for by name, such as "pipehooks.*"`;
    return { ...parts, verdict: "stopped", text };
  }
  return { ...parts, verdict: "stopped", text: `${type} fits none of ${all.join(", ")}` };
}

function takes(pattern: string, type: string): boolean {
  return compileTypePatterns([pattern])(type);
}

function fits(pattern: string, type: string): boolean {
  return compilePatterns([pattern])(type);
}

function explainFilter(steps: Route["filter"], event: PipehooksEvent): FilterStep {
  const fields = steps.map(({ field, patterns, matches }) => {
    const value = event[field];
    return { field, patterns, value, passed: matches(value ?? "") };
  });
  const failed = fields.filter(({ passed }) => !passed);
  const text = (failed.length > 0 ? failed : fields).map(fieldText).join(" and ");
  return { step: "filter", verdict: failed.length > 0 ? "stopped" : "passed", fields, text };
}

function fieldText({ field, patterns, value, passed }: FilterStep["fields"][number]): string {
  const is = value === undefined ? `${field} is missing` : `${field} is ${wordText(value)}`;
  return `${is}, ${passed ? "which passes" : "which does not pass"} ${patterns.join(", ")}`;
}

function explainWhen(
  { patterns, matchesType, when }: Route,
  event: PipehooksEvent,
  comes: boolean,
): readonly WhenStep[] {
  if (when === undefined) return [];
  if (comes && patterns.length > 0 && !matchesType(event.type)) {
    const text = "it is asked of the hook's own events only, not of those that its gate asks for";
    return [{ step: "when", verdict: "unasked", text }];
  }
  // A function may do anything; it is not called for what never comes to it.
  if (when.language === "code" && !comes) {
    return [{ step: "when", verdict: "unasked", text: `${when.text} is not asked` }];
  }
  const condition = explainCondition(when, event);
  const { result, because } = condition;
  if (result === true) return [{ step: "when", verdict: "passed", condition, text: because }];
  const how = result === false ? "is false" : "cannot be worked out, which counts as false";
  return [{ step: "when", verdict: "stopped", condition, text: `${how}: ${because}` }];
}
