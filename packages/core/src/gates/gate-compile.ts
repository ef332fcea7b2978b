import { type Condition, compileCondition, functionCondition } from "../condition.ts";
import { HookError, messageOf } from "../errors.ts";
import type { PipehooksEvent } from "../event.ts";
import { isNegated } from "../pattern.ts";
import { compileTypePatterns } from "../router.ts";
import { compileKey, compileValue, type KeyReader } from "./key.ts";
import type { GateBy, GateCondition, GateEvents, GateValue } from "./options.ts";

/** Something that a gate asks of events, for `explain`. */
export interface GateCheck {
  /** Which option it is, such as `openWhen`; of a join also `input orders`. */
  readonly name: string;
  /** As written. */
  readonly text: string;
  /** Types that it asks for, where it does. */
  readonly patterns?: readonly string[] | undefined;
  /** The condition, where it has one. */
  readonly when?: Condition | undefined;
  test(event: PipehooksEvent): boolean;
}

/** Compiles options of a gate and collects what is wrong, so that all of it is said at once. */
export interface GateCompiler {
  key(by: GateBy | undefined): KeyReader;
  value(name: string, value: GateValue): (event: PipehooksEvent) => unknown;
  condition(name: string, given: GateCondition): GateCheck;
  events(name: string, events: GateEvents, when?: GateCondition): GateCheck;
  /** @throws HookError CONFIG_INVALID naming every problem */
  finish(): void;
}

/** What fails where nobody says what a failure is. */
export const failures: GateCheck = {
  name: "failures",
  text: 'the type ends with ".error"',
  test: ({ type }) => type.endsWith(".error"),
};

export function createGateCompiler(kind: string, warn: (why: string) => void): GateCompiler {
  const problems: string[] = [];
  const causes: unknown[] = [];
  const part = <Part>(name: string, make: () => Part, instead: Part): Part => {
    try {
      return make();
    } catch (cause) {
      problems.push(`${kind}.${name}: ${messageOf(cause)}`);
      causes.push(cause);
      return instead;
    }
  };
  const toCondition = (name: string, given: GateCondition): Condition | undefined => {
    const failed = (how: string) => (why: string) =>
      warn(`the condition "${name}" of its ${kind} ${how}: ${why}`);
    return part<Condition | undefined>(
      name,
      () =>
        typeof given === "function"
          ? functionCondition(given, failed("threw"))
          : compileCondition(String(given), failed("failed")),
      undefined,
    );
  };
  return {
    key: (by) => part("by", () => compileKey(by, warn), compileKey(undefined, warn)),
    value: (name, value) =>
      part(
        name,
        () => compileValue(value, warn).read,
        () => undefined,
      ),
    condition(name, given) {
      const when = toCondition(name, given);
      return { name, text: when?.text ?? "", when, test: (event) => when?.test(event) === true };
    },
    events(name, events, given) {
      const patterns = typeof events === "string" ? [events] : events;
      const matches = part(
        name,
        () => compileTypePatterns(patterns),
        () => false,
      );
      const when = given === undefined ? undefined : toCondition(`${name} when`, given);
      const types = patterns.join(", ");
      return {
        name,
        text: when === undefined ? types : `${types} when ${when.text}`,
        patterns,
        when,
        test: (event) => matches(event.type) && (when === undefined || when.test(event)),
      };
    },
    finish() {
      if (problems.length === 0) return;
      throw new HookError("CONFIG_INVALID", problems.join("\n"), { cause: causes[0] });
    },
  };
}

/** Patterns that let everything through which one of the checks may take. */
export function routesOf(checks: readonly GateCheck[]): readonly string[] {
  const routes = checks.flatMap(({ patterns = [] }) => {
    // What one of them takes away another one may want.
    const taken = patterns.filter((pattern) => !isNegated(pattern));
    return patterns.length > 0 && taken.length === 0 ? ["*"] : taken;
  });
  return [...new Set(routes)];
}
