import {
  conditionErrorAt,
  conditionFunctions,
  eventFields,
  messageOf,
  nearest,
} from "@pipehooks/core";

/** A slip of the pen in CEL. */
export interface Slip {
  /** Which character of the text is meant. */
  readonly at: number;
  /** Absent where the parser says it well. */
  readonly message?: string;
  readonly suggestion: string | undefined;
}

/** Operators of other languages. */
const operators: ReadonlyMap<string, string> = new Map([
  ["=", "=="],
  ["===", "=="],
  ["!==", "!="],
  ["<>", "!="],
  ["=>", ">="],
  ["=<", "<="],
  ["&", "&&"],
  ["|", "||"],
  ["and", "&&"],
  ["or", "||"],
  ["not", "!"],
  ["is", "=="],
]);

/** Functions of other languages whose names are near none of CEL's. */
const functions: ReadonlyMap<string, string> = new Map([
  ["len", "size"],
  ["length", "size"],
  ["includes", "contains"],
  ["like", "matches"],
  ["tolowercase", "lowerAscii"],
  ["touppercase", "upperAscii"],
]);

/** What was probably meant where a text in CEL cannot be compiled. */
export function findSlip(text: string, error: Error): Slip | undefined {
  const at = conditionErrorAt(error);
  if (at === undefined) return undefined;
  switch (Reflect.get(Object(error.cause), "code")) {
    case "unexpected_character":
    case "unexpected_token":
    case "expected_token":
      return operatorSlip(text, at);
    case "no_matching_overload":
      return callSlip(text, at, messageOf(error.cause));
    case "unknown_variable":
      return nameSlip(text, at);
    case "no_such_overload":
      return typeSlip(text);
    default:
      return undefined;
  }
}

function operatorSlip(text: string, at: number): Slip | undefined {
  const before = text.slice(0, at);
  const [signs = ""] = /[=<>!&|]*$/.exec(before) ?? [];
  const start = at - signs.length;
  const [written = ""] = /^(?:[=<>!&|]+|[A-Za-z]+\b)/.exec(text.slice(start)) ?? [];
  const found = toOperator(written, start);
  if (found !== undefined) return found;
  // The parser stumbles over what stands behind it.
  const [not] = /\bnot\s+$/i.exec(before) ?? [];
  return not === undefined ? undefined : toOperator(not.trim(), at - not.length);
}

function toOperator(written: string, at: number): Slip | undefined {
  const suggestion = operators.get(written.toLowerCase());
  if (suggestion === undefined) return undefined;
  return { at, message: `"${written}" is written ${suggestion} in CEL.`, suggestion };
}

function callSlip(text: string, from: number, reason: string): Slip | undefined {
  const [, name = ""] = /(\w+)\(/.exec(reason) ?? [];
  const known = conditionFunctions();
  const index = text.slice(from).search(new RegExp(`\\b${name}\\s*\\(`));
  // One that there is was given what it does not take.
  if (known.includes(name) || index < 0) return undefined;
  const at = from + index;
  const word = name.toLowerCase();
  const suggestion = functions.get(word) ?? nearest(name, known);
  return (
    toOperator(name, at) ?? { at, message: `There is no function "${name}" in CEL.`, suggestion }
  );
}

function nameSlip(text: string, at: number): Slip | undefined {
  const [name = ""] = /^\w*/.exec(text.slice(at)) ?? [];
  const field = eventFields.includes(name) ? name : undefined;
  const word = nearest(name, ["event", "true", "false", "null"]);
  const similar = field ?? (word === undefined ? nearest(name, eventFields) : undefined);
  const suggestion = similar === undefined ? word : `event.${similar}`;
  return { at, suggestion };
}

// Alone it is the function of CEL by that name.
function typeSlip(text: string): Slip | undefined {
  const at = text.search(/(?<![\w.])type\b(?!\s*\()/);
  if (at < 0) return undefined;
  return { at, message: '"type" alone is no field of the event.', suggestion: "event.type" };
}
