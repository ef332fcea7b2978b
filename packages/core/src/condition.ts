import type { Environment, ParseError } from "@marcbachmann/cel-js";
import { loadCel } from "./at-once.cjs";
import { HookError, messageOf } from "./errors.ts";
import type { PipehooksEvent } from "./event.ts";

/** A compiled `when`. */
export interface Condition {
  /** As written, or a word for a function. */
  readonly text: string;
  readonly language: "cel" | "code";
  /** False where a field is missing; throws only what a function threw. */
  test(event: PipehooksEvent): boolean;
}

/**
 * Compiles a condition in CEL (https://github.com/google/cel-spec) over `event`. A missing field makes the
 * condition false; so does a comparison of unlike types, which is also reported through `onError`.
 * @throws HookError CONDITION_INVALID with the position in the text
 */
export function compileCondition(
  text: string,
  onError: (message: string) => void = () => {},
): Condition {
  const evaluate = parse(text, true);
  return {
    text,
    language: "cel",
    test(event) {
      try {
        return evaluate({ event }) === true;
      } catch (error) {
        if (!isMissingField(error)) onError(plainly(error));
        return false;
      }
    },
  };
}

/**
 * Compiles an expression in CEL over `event` that gives a value of any type. It reads `undefined` where a field is
 * missing, and where it fails, which is also reported through `onError`.
 * @throws HookError CONDITION_INVALID with the position in the text
 */
export function compileExpression(
  text: string,
  onError: (message: string) => void = () => {},
): (event: PipehooksEvent) => unknown {
  const evaluate = parse(text, false);
  return (event) => {
    try {
      return evaluate({ event });
    } catch (error) {
      if (!isMissingField(error)) onError(plainly(error));
      return undefined;
    }
  };
}

/** A function as a condition; what it throws is reported and counts as false. */
export function functionCondition(
  test: (event: PipehooksEvent) => boolean,
  onError: (message: string) => void,
): Condition {
  return {
    text: namelessPattern.test(test.name) ? "a function" : `${test.name}()`,
    language: "code",
    test(event) {
      try {
        return test(event) === true;
      } catch (error) {
        onError(messageOf(error));
        return false;
      }
    },
  };
}

// Functions that are written in place have the name of their option.
const namelessPattern = /^(?:|when|[a-z]+When)$/;

function isMissingField(error: unknown): boolean {
  return Reflect.get(Object(error), "code") === "no_such_key";
}

function parse(
  text: string,
  isCondition: boolean,
): (context: { event: PipehooksEvent }) => unknown {
  try {
    const program = environment().parse(text);
    const checked = program.check();
    if (!checked.valid) throw checked.error ?? new Error("it does not check");
    if (isCondition && checked.type !== "bool" && checked.type !== "dyn") {
      throw new Error(`it gives a ${checked.type}, and a condition must give true or false`);
    }
    return program;
  } catch (cause) {
    const at = positionOf(cause);
    throw new HookError(
      "CONDITION_INVALID",
      `${isCondition ? "Condition" : "Expression"} "${text}"${at === undefined ? "" : `, character ${at + 1}`}: ${firstLine(cause)}.`,
      { cause },
    );
  }
}

/** Offset of the error in the condition's text, where the parser tells. */
export function conditionErrorAt(error: unknown): number | undefined {
  return positionOf(Reflect.get(Object(error), "cause"));
}

function positionOf(cause: unknown): number | undefined {
  const start: unknown = (cause as Partial<ParseError> | undefined)?.range?.start;
  return typeof start === "number" ? start : undefined;
}

/** What an evaluation threw, in one line; that an event's values have their types only then is nothing to a reader. */
export function plainly(error: unknown): string {
  return firstLine(error).replaceAll(/dyn<([\w.]+)>/g, "$1");
}

function firstLine(error: unknown): string {
  return messageOf(error).split("\n", 1)[0] as string;
}

/** CEL itself has arithmetic of two ints or of two doubles only, and the numbers of an event are doubles. */
const arithmetic: Readonly<Record<string, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "%": (a, b) => a % b,
};

function withMixedArithmetic(cel: Environment): Environment {
  for (const [sign, compute] of Object.entries(arithmetic)) {
    const mixed = (a: number | bigint, b: number | bigint) => compute(Number(a), Number(b));
    cel.registerOperator(`double ${sign} int: double`, mixed);
    cel.registerOperator(`int ${sign} double: double`, mixed);
  }
  return cel.registerOperator("double % double: double", (a, b) => a % b);
}

let shared: Environment | undefined;

// Loaded when the first condition is compiled: a pipeline without one does not pay for it.
/** What conditions are read by; what is not checked here, such as the parts of a condition, is read by it too. */
export function environment(): Environment {
  if (shared === undefined) {
    const { Environment } = loadCel() as typeof import("@marcbachmann/cel-js");
    const empty = new Environment({ unlistedVariablesAreDyn: false });
    shared = withMixedArithmetic(empty.registerVariable("event", "map"));
  }
  return shared;
}
