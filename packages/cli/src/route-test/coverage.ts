import type { PipehooksEvent, PreparedHook } from "@pipehooks/core";
import type { Scene } from "./scene.ts";

/** What tests made of one hook. */
export interface HookCoverage {
  readonly config: string;
  readonly hook: string;
  /** Deliveries, those that only gathered or were skipped among them. */
  readonly deliveries: number;
  /** How often its `when` was true and false; absent without one. */
  readonly when?: { readonly text: string; readonly true: number; readonly false: number };
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
      known.set(hook.name, { hook, deliveries: 0, true: 0, false: 0 });
    }
    return known;
  };

  return {
    watch(config, { bus }) {
      const conditional = [...countsOf(config, bus.hooks).values()].filter(
        ({ hook }) => hook.route.when !== undefined,
      );
      const see = (event: PipehooksEvent) => {
        for (const counts of conditional) {
          const { route } = counts.hook;
          if (route.when === undefined || !isAsked(counts.hook, event)) continue;
          counts[route.when.test(event) ? "true" : "false"] += 1;
        }
      };
      if (conditional.length === 0) return;
      bus.on("*", see);
      // Own events are told only where somebody asks for them: what nobody takes shall not be made for this.
      const own = conditional.flatMap(({ hook }) =>
        hook.events.filter((glob) => /^pipehooks\b/.test(glob)),
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
        [...known.values()].map(({ hook, deliveries, true: yes, false: no }) => ({
          config,
          hook: hook.name,
          deliveries,
          ...(hook.when !== undefined && { when: { text: hook.when, true: yes, false: no } }),
        })),
      ),
  };
}

/** Whether an event comes as far as the condition. */
function isAsked({ route }: PreparedHook, event: PipehooksEvent): boolean {
  if (route.patterns.length > 0 && !route.matchesType(event.type)) return false;
  return route.filter.every(({ field, matches }) => matches(event[field] ?? ""));
}

/** What no test has shown: one line each. */
export function gapsOf(hooks: readonly HookCoverage[]): readonly string[] {
  return hooks.flatMap(({ hook, deliveries, when }) => {
    const wasAsked = when !== undefined && when.true + when.false > 0;
    if (wasAsked && (when.true === 0 || when.false === 0)) {
      const never = when.true === 0 ? "true" : "false";
      return [`the condition of hook "${hook}" was never ${never}: ${when.text}`];
    }
    return deliveries === 0 ? [`hook "${hook}" was reached by no test`] : [];
  });
}
