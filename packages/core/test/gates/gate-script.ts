import type { GateFacts, GateSpec } from "@pipehooks/core/gates";
import fc from "fast-check";
import { expect } from "vitest";
import { createGateModel, type GateModel } from "./gate-model.ts";

/** What happens to a gate in a property test. */
export type ScriptStep =
  | { readonly do: "emit"; readonly key: string; readonly facts: GateFacts; readonly id?: string }
  /** Time passes, timers are looked at in time. */
  | { readonly do: "wait"; readonly ms: number }
  /** Time passes and nobody looks; negative: the clock is set back. */
  | { readonly do: "jump"; readonly ms: number }
  | { readonly do: "look" }
  /** The gate is asked, too early as well. */
  | { readonly do: "ask"; readonly key: string };

const keys = ["", "a", "b"] as const;

/** Random scripts. `spanMs` is about what the gate waits for. */
export function scripts(
  facts: fc.Arbitrary<GateFacts>,
  spanMs: number,
): fc.Arbitrary<readonly ScriptStep[]> {
  const key = fc.constantFrom(...keys);
  const step: fc.Arbitrary<ScriptStep> = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record(
        {
          do: fc.constant("emit" as const),
          key,
          facts,
          id: fc.constantFrom("e1", "e2", "e3", "e4"),
        },
        { requiredKeys: ["do", "key", "facts"] },
      ),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("wait" as const),
        ms: fc.integer({ min: 0, max: spanMs * 2 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("jump" as const),
        ms: fc.integer({ min: 0, max: spanMs * 3 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant("jump" as const),
        ms: fc.integer({ min: -spanMs * 3, max: -1 }),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ do: "look" } as const) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("ask" as const), key }) },
  );
  return fc.array(step, { maxLength: 40 });
}

/** Runs a script; the model checks itself after every step. */
export function runScript(model: GateModel, script: readonly ScriptStep[]): void {
  for (const step of script) {
    if (step.do === "emit") model.emit(step);
    else if (step.do === "wait") model.wait(step.ms);
    else if (step.do === "jump") model.jump(step.ms);
    else if (step.do === "look") model.look();
    else model.ask(step.key);
  }
}

/** One key of a gate, written as simply as possible: it keeps what came in lists and works everything out from them. */
export interface ListModel {
  /** When its time comes, if nothing else does. */
  dueAt(): number | undefined;
  timeCame(now: number): void;
  event(ref: number, facts: GateFacts, now: number): void;
  /** The clock shows this, which is less than before: no time that is remembered may be later. */
  lower(now: number): void;
  readonly released: readonly ListRelease[];
  /** Refs of events that went no further, in any order. */
  readonly skipped: readonly number[];
}

export interface ListRelease {
  readonly refs: readonly number[];
  readonly at: number;
  /** State of the incident. */
  readonly alert?: string;
}

/** Runs a script on the gate and on list models, and compares after every step. */
export function compareWithLists(
  spec: GateSpec,
  script: readonly ScriptStep[],
  createList: () => ListModel,
): void {
  const model = createGateModel(spec);
  const lists = new Map<string, ListModel>(keys.map((key) => [key, createList()]));
  for (const step of script) {
    if (step.do === "emit") {
      const ref = model.emit(step);
      const list = lists.get(step.key) as ListModel;
      if (ref !== undefined) {
        overdue(list, model.now);
        list.event(ref, step.facts, model.now);
      }
    } else if (step.do === "wait") {
      waitOnLists([...lists.values()], model.now, step.ms);
      model.wait(step.ms);
    } else {
      runScript(model, [step]);
      for (const [key, list] of lists) {
        if (step.do === "look" || (step.do === "ask" && step.key === key)) {
          overdue(list, model.now);
        } else if (step.do === "jump" && step.ms < 0) {
          model.ask(key);
          overdue(list, model.now);
          list.lower(model.now);
        }
      }
    }
    for (const [key, list] of lists) compare(model, key, list);
  }
}

function overdue(list: ListModel, now: number): void {
  if ((list.dueAt() ?? Infinity) <= now) list.timeCame(now);
}

function waitOnLists(lists: readonly ListModel[], from: number, ms: number): void {
  for (const list of lists) {
    for (;;) {
      const dueAt = list.dueAt() ?? Infinity;
      if (dueAt > from + ms) break;
      list.timeCame(Math.max(dueAt, from));
    }
  }
}

function compare(model: GateModel, key: string, list: ListModel): void {
  const released = model.released(key).map(({ refs, at, release }) => {
    const alert = release?.alert?.state;
    return alert === undefined ? { refs, at } : { refs, at, alert };
  });
  expect(released).toEqual(list.released);
  const skipped = model.skipped(key).flatMap(({ refs }) => refs);
  expect(skipped.sort((a, b) => a - b)).toEqual([...list.skipped].sort((a, b) => a - b));
}
