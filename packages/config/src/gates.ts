import {
  eventFields,
  type GateKind,
  type GateOptions,
  isHookError,
  prepareGate,
} from "@pipehooks/core";
import { checkCondition, reportUnreadable } from "./conditions.ts";
import { judgePath, nearestStep, type Routed } from "./event-fields.ts";
import {
  conditionsOf,
  fieldOf,
  type GatePart,
  gatesOf,
  partsOf,
  type Steps,
  type WrittenHook,
} from "./gate-parts.ts";
import type { Knowledge } from "./knowledge.ts";
import type { Report } from "./report.ts";
import { readBy, routedBy } from "./routed.ts";
import { checkTypes } from "./routes.ts";

interface GateContext {
  /** Where the hook is. */
  readonly steps: Steps;
  readonly knowledge: Knowledge;
  readonly report: Report;
}

/** The gate of a hook beyond its shape: that it is alone, its globs, conditions and keys. */
export function checkGates(hook: WrittenHook, context: GateContext): void {
  const { steps, report } = context;
  const [first, ...more] = gatesOf(hook);
  for (const kind of more) {
    report({
      steps: [...steps, kind],
      message: `A hook has one gate at most, and this one has ${first} already. Keep one of them, or make two hooks.`,
    });
  }
  for (const kind of gatesOf(hook)) checkGate(kind, hook, context);
}

function checkGate(kind: GateKind, hook: WrittenHook, context: GateContext): void {
  const { steps, knowledge, report } = context;
  const gate = hook[kind];
  const parts = partsOf(kind, gate, knowledge.spell);
  for (const part of parts) {
    const at = [...steps, ...part.steps];
    const isSound = checkTypes(part.events, at, { knowledge, report });
    if (isSound && part.amongOwn) checkAmongOwn(part, hook, at, context);
  }
  const read = { routed: readBy(hook, knowledge), report };
  for (const [condition, at] of conditionsOf(kind, gate)) {
    if (typeof condition === "string") checkCondition(condition, [...steps, ...at], read);
  }
  if (kind === "alert") checkOpens(hook, context);

  const own = hook.events === undefined ? [] : [{ name: '"events"', events: hook.events }];
  const sources = [...own, ...parts].map(({ name, events }) => ({
    name,
    routed: routedBy(events, knowledge),
  }));
  // Where a gate names its events the hook's own only say which of them count.
  const needed = hook.events !== undefined && parts.some(({ amongOwn }) => amongOwn) ? 1 : 0;
  checkValues(fieldOf(gate, "by"), [...steps, kind, "by"], sources.slice(needed), context);
  if (kind === "threshold") {
    const at = [...steps, kind, "distinct"];
    checkValues(fieldOf(gate, "distinct"), at, sources.slice(0, 1), context);
  }
}

// What the hook itself does not take never comes to its gate.
function checkAmongOwn(
  { name, events }: GatePart,
  hook: WrittenHook,
  steps: Steps,
  { knowledge, report }: GateContext,
): void {
  if (hook.events === undefined) return;
  const own = routedBy(hook.events, knowledge);
  const { types } = routedBy(events, knowledge);
  if (own.unknown || types.length === 0 || types.some((type) => own.types.includes(type))) return;
  report({
    steps,
    message: `No event of ${name} comes here: the hook's "events" do not take ${types.length === 1 ? `"${types[0]}"` : "any of its types"}. Add it there, or leave "events" out.`,
    absence: true,
  });
}

function checkOpens(hook: WrittenHook, { steps, knowledge, report }: GateContext): void {
  if (fieldOf(hook.alert, "openWhen") !== undefined) return;
  const { types, unknown } = routedBy(hook.events, knowledge);
  if (unknown || types.length === 0 || types.some((type) => type.endsWith(".error"))) return;
  report({
    steps: [...steps, "alert"],
    message: `Nothing opens an incident: no type of the hook's "events" ends with ".error". Say what does with "${knowledge.spell("openWhen")}".`,
    warning: true,
  });
}

interface Source {
  /** Which of the gate's events they are. */
  readonly name: string;
  readonly routed: Routed;
}

// As core tells a path from an expression.
const pathPattern = /^(?:event\.)?([A-Za-z_][\w-]*(?:\.[\w-]+)*)$/;

function checkValues(
  value: unknown,
  steps: Steps,
  sources: readonly Source[],
  { report }: GateContext,
): void {
  const values = Array.isArray(value)
    ? value.map((item: unknown, index) => [item, [...steps, index]] as const)
    : [[value, steps] as const];
  for (const [text, at] of values) {
    if (typeof text !== "string" || text === "") continue;
    const [, path] = pathPattern.exec(text.trim()) ?? [];
    if (path === undefined) checkExpression(text, at, report);
    else checkPath(path, at, sources, report);
  }
}

function checkPath(path: string, steps: Steps, sources: readonly Source[], report: Report): void {
  const [field = ""] = path.split(".");
  if (!eventFields.includes(field)) {
    report({
      steps,
      message: `An event has no field "${field}". Write a path such as pipeline or metadata.customer, or a CEL expression over event.`,
      suggestion: nearestStep(path, eventFields),
    });
    return;
  }
  for (const { name, routed } of sources) {
    const verdict = judgePath(path, routed);
    if (verdict === undefined) continue;
    const whose = sources.length === 1 ? "" : ` They are those of ${name}.`;
    report({ steps, ...verdict, message: `${verdict.message}${whose}` });
  }
}

// Asked of core itself, which compiles it the same way when the bus is made.
function checkExpression(text: string, steps: Steps, report: Report): void {
  const gate: GateOptions = { debounce: { by: text, wait: "1s" } };
  try {
    prepareGate(gate, { hook: "", source: "", warn: () => {} });
  } catch (error) {
    const cause: unknown = Reflect.get(Object(error), "cause");
    if (!isHookError(cause)) throw error;
    reportUnreadable(text, steps, cause, report);
  }
}
