import { compileTypePatterns, eventFields, type GateKind } from "@pipehooks/core";
import type { Routed } from "./event-fields.ts";
import { fieldOf, gatesOf, listOf, partsOf, type WrittenHook } from "./gate-parts.ts";
import type { Knowledge } from "./knowledge.ts";

/** What hooks are delivered. */
export interface Delivered extends Routed {
  /** The gate that lets it through. */
  readonly gate: GateKind | undefined;
  /** Names of the inputs of a join. */
  readonly inputs: readonly string[];
}

const missedType = "pipehooks.absence.missed";
const keyFields = ["pipeline", "flowgroup", "action", "table", "subject"];

/** The events that globs let through. */
export function routedBy(events: unknown, knowledge: Knowledge): Routed {
  const globs = [events].flat().filter((glob) => typeof glob === "string");
  const fields = eventFields;
  try {
    const types = knowledge.types.filter(compileTypePatterns(globs));
    return { types, unknown: knowledge.allowUnknownTypes, knowledge, fields };
  } catch {
    return { types: [], unknown: true, knowledge, fields };
  }
}

/** The events that conditions of a hook and its gate read. */
export function readBy(hook: WrittenHook, knowledge: Knowledge): Routed {
  const parts = gatesOf(hook).flatMap((kind) => partsOf(kind, hook[kind], knowledge.spell));
  const own = hook.events === undefined ? [] : [hook.events];
  const all = [...own, ...parts.map(({ events }) => events)].map((globs) =>
    routedBy(globs, knowledge),
  );
  const types = new Set(all.flatMap((routed) => routed.types));
  const unknown = all.some((routed) => routed.unknown);
  return { types: [...types], unknown, knowledge, fields: eventFields };
}

/** The events that templates of a hook read. */
export function deliveredTo(hook: WrittenHook, knowledge: Knowledge): Delivered {
  const [gate] = gatesOf(hook);
  const own = routedBy(hook.events, knowledge);
  if (gate === undefined) return { ...own, gate, inputs: [] };
  if (gate === "absence") {
    const by = fieldOf(hook[gate], "by");
    const field = keyFields.filter((name) => by === name || by === `event.${name}`);
    const fields = ["id", "source", "type", "time", "metadata", ...field];
    return { types: [missedType], unknown: false, knowledge, fields, gate, inputs: [] };
  }
  const parts = partsOf(gate, hook[gate], knowledge.spell)
    .filter(({ delivered }) => delivered)
    .map(({ events }) => routedBy(events, knowledge));
  const asked = parts.flatMap(({ types }) => types);
  const types = gate === "join" ? asked.filter((type) => isOwn(hook, own, type)) : asked;
  const all = gate === "join" ? types : [...own.types, ...types];
  const unknown = [own, ...parts].some((routed) => routed.unknown);
  return { ...own, types: [...new Set(all)], unknown, gate, inputs: inputNames(hook) };
}

function isOwn(hook: WrittenHook, own: Routed, type: string): boolean {
  return hook.events === undefined || own.types.includes(type);
}

function inputNames({ join }: WrittenHook): readonly string[] {
  const inputs = ["allOf", "anyOf"].flatMap((key) => listOf(fieldOf(join, key)));
  return inputs.map((input) => String(fieldOf(input, "name")));
}
