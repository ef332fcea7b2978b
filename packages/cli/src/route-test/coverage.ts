import {
  type Condition,
  compileTypePatterns,
  type PipehooksEvent,
  type PreparedHook,
} from "@pipehooks/core";
import type { Scene } from "./scene.ts";

/** What tests made of one hook. */
export interface HookCoverage {
  readonly config: string;
  readonly hook: string;
  /** Deliveries, those that only gathered or were skipped among them. */
  readonly deliveries: number;
  /** How often its `when` was true and false; absent without one. */
  readonly when?: ConditionCoverage;
  /** The same of the conditions of its gate; absent without any. */
  readonly gate?: readonly (ConditionCoverage & { readonly name: string })[];
}

/** What a condition said of the events that came as far. */
export interface ConditionCoverage {
  readonly text: string;
  readonly true: number;
  readonly false: number;
}

/** Counts over all tests which hooks were reached, and what their conditions said. */
export interface Coverage {
  watch(config: string, scene: Scene): void;
  /** Before the scene is closed. */
  count(config: string, scene: Scene): Promise<void>;
  /** In the order of the configurations; hooks that are off are left out. */
  hooks(): readonly HookCoverage[];
}

interface Counts {
  readonly hook: PreparedHook;
  deliveries: number;
  readonly conditions: readonly Asked[];
}

/** A condition, and of which events it is asked. */
interface Asked {
  /** `when`, or the option of the gate. */
  readonly name: string;
  readonly text: string;
  readonly of: (event: PipehooksEvent) => boolean;
  readonly condition: Condition;
  true: number;
  false: number;
}

export function createCoverage(): Coverage {
  const configs = new Map<string, Map<string, Counts>>();

  const countsOf = (config: string, hooks: readonly PreparedHook[]) => {
    const known = configs.get(config) ?? new Map<string, Counts>();
    configs.set(config, known);
    for (const hook of hooks) {
      if (!hook.policy.enabled || known.has(hook.name)) continue;
      known.set(hook.name, { hook, deliveries: 0, conditions: conditionsOf(hook) });
    }
    return known;
  };

  return {
    watch(config, { bus }) {
      const counts = [...countsOf(config, bus.hooks).values()];
      const conditional = counts.filter(({ conditions }) => conditions.length > 0);
      if (conditional.length === 0) return;
      const asked = conditional.flatMap(({ conditions }) => conditions);
      const see = (event: PipehooksEvent) => {
        for (const each of asked) {
          if (each.of(event)) each[each.condition.test(event) ? "true" : "false"] += 1;
        }
      };
      bus.on("*", see);
      // Own events are told only where somebody asks for them: what nobody takes shall not be made for this.
      const own = conditional.flatMap(({ hook: { events, gate } }) =>
        [...events, ...(gate?.patterns ?? [])].filter((glob) => /^pipehooks\b/.test(glob)),
      );
      for (const glob of new Set(own)) bus.on(glob, see);
    },
    async count(config, { bus }) {
      const known = countsOf(config, bus.hooks);
      for (const { hook, count } of await bus.store.counts()) {
        const counts = known.get(hook);
        if (counts !== undefined) counts.deliveries += count;
      }
    },
    hooks: () =>
      [...configs].flatMap(([config, known]) =>
        [...known.values()].map(({ hook, deliveries, conditions }) => {
          const told = conditions.map(({ name, text, true: yes, false: no }) => ({
            ...{ name, text, true: yes, false: no },
          }));
          const gate = told.filter(({ name }) => name !== "when");
          const when = told.find(({ name }) => name === "when");
          return {
            ...{ config, hook: hook.name, deliveries },
            ...(when !== undefined && {
              when: { text: when.text, true: when.true, false: when.false },
            }),
            ...(gate.length > 0 && { gate }),
          };
        }),
      ),
  };
}

/** The conditions of a hook and of its gate, each with the events that come as far. */
function conditionsOf({ route, when, gate }: PreparedHook): readonly Asked[] {
  const passes = (event: PipehooksEvent) =>
    route.filter.every(({ field, matches }) => matches(event[field] ?? ""));
  const isOwn = ({ type }: PipehooksEvent) =>
    route.patterns.length === 0 || route.matchesType(type);
  const asked: Asked[] = [];
  if (route.when !== undefined) {
    const of = (event: PipehooksEvent) => isOwn(event) && passes(event);
    asked.push({ name: "when", text: when ?? "", of, condition: route.when, true: 0, false: 0 });
  }
  for (const { name, text, patterns, when: condition } of gate?.conditions ?? []) {
    if (condition === undefined) continue;
    const types = compileTypePatterns(patterns ?? [...route.patterns, ...(gate?.patterns ?? [])]);
    const of = (event: PipehooksEvent) => types(event.type) && passes(event);
    asked.push({ name, text: condition.text ?? text, of, condition, true: 0, false: 0 });
  }
  return asked;
}

/** What no test has shown: one line each. */
export function gapsOf(hooks: readonly HookCoverage[]): readonly string[] {
  return hooks.flatMap(({ hook, deliveries, when, gate = [] }) => {
    const whole = when === undefined ? [] : gapOf(`the condition of hook "${hook}"`, when);
    const own = gate.flatMap((each) =>
      gapOf(`the condition "${each.name}" of the gate of hook "${hook}"`, each),
    );
    if (whole.length === 0 && deliveries === 0) return [`hook "${hook}" was reached by no test`];
    return [...whole, ...own];
  });
}

function gapOf(what: string, { text, true: yes, false: no }: ConditionCoverage): readonly string[] {
  if (yes + no === 0 || (yes > 0 && no > 0)) return [];
  return [`${what} was never ${yes === 0 ? "true" : "false"}: ${text}`];
}
