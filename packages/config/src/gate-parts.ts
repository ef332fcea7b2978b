import { type GateKind, gateKinds } from "@pipehooks/core";
import type { Spell } from "./knowledge.ts";

/** Gates that name their events themselves, so that their hook needs no `events`. */
export const namingKinds: readonly GateKind[] = ["join", "absence"];

export type Steps = readonly PropertyKey[];

/** A hook as it was written; anything in it may be missing or wrong. */
export interface WrittenHook {
  readonly events?: unknown;
  readonly [key: string]: unknown;
}

/** Event types that a gate asks for itself. */
export interface GatePart {
  /** For messages. */
  readonly name: string;
  /** Where its globs are, from the hook. */
  readonly steps: Steps;
  readonly events: unknown;
  /** Whether they must be among the hook's own `events`, where it has some. */
  readonly amongOwn: boolean;
  /** Whether such events are delivered. */
  readonly delivered: boolean;
}

/** The gates of a hook: one at most in a right one. */
export function gatesOf(hook: WrittenHook): readonly GateKind[] {
  return gateKinds.filter((kind) => hook[kind] !== undefined);
}

/** Whether a hook is in need of `events`. */
export function needsEvents(hook: WrittenHook): boolean {
  return !gatesOf(hook).some((kind) => namingKinds.includes(kind));
}

/** What to do with a gate that stands where none can be. */
export function gateHint(key: string): string | undefined {
  const isGate = gateKinds.some((kind) => kind === key);
  return isGate ? "A gate belongs to one hook: write it there." : undefined;
}

/** What a gate asks for besides the hook's own events. */
export function partsOf(kind: GateKind, gate: unknown, spell: Spell): readonly GatePart[] {
  const read = (key: string): unknown => fieldOf(gate, key);
  switch (kind) {
    case "join":
      return ["allOf", "anyOf"].flatMap((key) =>
        listOf(read(key)).map((input, index) => ({
          name: `input "${String(fieldOf(input, "name"))}"`,
          steps: [kind, key, index, "events"],
          events: fieldOf(input, "events"),
          amongOwn: true,
          delivered: true,
        })),
      );
    case "threshold":
      return partOf(spell("resetOn"), [kind, "resetOn"], read("resetOn"), {});
    case "absence":
      return [
        ...partOf("expect", [kind, "expect"], read("expect"), { amongOwn: true }),
        ...partOf("after", [kind, "after", "events"], fieldOf(read("after"), "events"), {
          amongOwn: true,
        }),
      ];
    case "alert":
      return partOf(spell("resolveOn"), [kind, "resolveOn"], read("resolveOn"), {
        delivered: true,
      });
    case "debounce":
    case "digest":
      return [];
  }
}

/** Conditions of a gate, each with its place from the hook. */
export function conditionsOf(
  kind: GateKind,
  gate: unknown,
): readonly (readonly [unknown, Steps])[] {
  const keys = { digest: "flushWhen", join: "failWhen", absence: "when", alert: "openWhen" };
  const key: string | undefined = Reflect.get(keys, kind);
  const own = key === undefined ? [] : [[fieldOf(gate, key), [kind, key]] as const];
  if (kind !== "join") return own;
  const inputs = ["allOf", "anyOf"].flatMap((list) =>
    listOf(fieldOf(gate, list)).map(
      (input, index) => [fieldOf(input, "when"), [kind, list, index, "when"]] as const,
    ),
  );
  return [...own, ...inputs];
}

/** A value under a key of something that may be anything. */
export function fieldOf(value: unknown, key: string): unknown {
  return Reflect.get(Object(value), key);
}

/** A list, or nothing of what is none. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function partOf(
  name: string,
  steps: Steps,
  events: unknown,
  { amongOwn = false, delivered = false }: Partial<Pick<GatePart, "amongOwn" | "delivered">>,
): readonly GatePart[] {
  return events === undefined ? [] : [{ name, steps, events, amongOwn, delivered }];
}
