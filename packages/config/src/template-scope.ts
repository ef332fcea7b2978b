import { eventFields, nearest } from "@pipehooks/core";
import { judgePath, nearestStep, type Verdict } from "./event-fields.ts";
import type { Delivered } from "./routed.ts";

/** What templates read beside the fields of the event. */
const scopeNames = ["events", "count", "first", "last", "key", "group_summary", "alert", "gate"];
const alertFields = ["state", "since", "count", "key", "incident"];
const summaryFields = ["types", "pipelines", "severities"];
const gateFields = ["reason", "restIds"];
const joinFields = [...gateFields, "inputs", "missing"];
const inputFields = ["count", "firstAt", "lastAt"];

/** What is wrong with a reference of a template, if anything. */
export function judgeReference(path: string, delivered: Delivered): Verdict | undefined {
  const [name = "", ...rest] = path.split(".");
  if (eventFields.includes(name)) return judgePath(path, delivered);
  switch (name) {
    case "count":
    case "key":
      return rest.length === 0 ? undefined : { message: `"${name}" has nothing in it.` };
    case "first":
    case "last":
      return judgeEvent([name], rest, delivered);
    case "events":
      return judgeEvents(rest, delivered);
    case "group_summary":
      return judgeSummary(rest);
    case "alert":
      return judgeAlert(rest, delivered);
    case "gate":
      return judgeGate(rest, delivered);
    default:
      return unknownName(path, delivered);
  }
}

function unknownName(path: string, delivered: Delivered): Verdict {
  const [name = "", ...rest] = path.split(".");
  const inside = rest.join(".");
  if (name === "event" && eventFields.includes(rest[0] ?? "")) {
    return { message: "In templates the fields of the event are named alone.", suggestion: inside };
  }
  const isVariable = /^[A-Z][A-Z0-9_]*$/.test(name);
  const others = scopeNames.filter((known) => isThere(known, delivered.gate));
  const similar = nearestStep(path, [...eventFields, ...others]);
  return {
    message: `An event has no field "${name}". What an emitter adds is under metadata: \${metadata.${path}}.`,
    suggestion: isVariable ? `env:${path}` : similar && mended(similar, delivered),
  };
}

/** A path whose first step is right; where more is wrong, what is suggested instead. */
function mended(path: string, delivered: Delivered): string {
  const verdict = judgeReference(path, delivered);
  const isRight = verdict === undefined || verdict.warning === true;
  return isRight ? path : (verdict.suggestion ?? (path.split(".")[0] as string));
}

function isThere(name: string, gate: Delivered["gate"]): boolean {
  if (name === "alert") return gate === "alert";
  return name !== "gate" || gate !== undefined;
}

function judgeEvents(
  [which, ...rest]: readonly string[],
  delivered: Delivered,
): Verdict | undefined {
  if (which === undefined) return undefined;
  if (/^\d+$/.test(which)) return judgeEvent(["events", which], rest, delivered);
  if (which === "length" && rest.length === 0) return undefined;
  return {
    message: `"events" is a list and has no "${which}". One of them is \${events.0}, \${first} or \${last}, their number is \${count}.`,
  };
}

function judgeEvent(
  before: readonly string[],
  steps: readonly string[],
  delivered: Delivered,
): Verdict | undefined {
  const [field] = steps;
  if (field === undefined) return undefined;
  const verdict = eventFields.includes(field)
    ? judgePath(steps.join("."), delivered)
    : {
        message: `An event has no field "${field}".`,
        suggestion: nearestStep(steps.join("."), eventFields),
      };
  const { suggestion } = verdict ?? {};
  return verdict && { ...verdict, suggestion: suggestion && [...before, suggestion].join(".") };
}

function judgeSummary([field, ...rest]: readonly string[]): Verdict | undefined {
  if (field !== undefined && !summaryFields.includes(field)) {
    return notAmong(field, "group_summary", summaryFields);
  }
  if (rest.length < 2) return undefined;
  // A dot is a step of the path.
  return {
    message: `A name with a dot cannot be read by a path. Take all of \${group_summary.${field}}.`,
  };
}

function judgeAlert([field]: readonly string[], { gate }: Delivered): Verdict | undefined {
  if (gate !== "alert") {
    const instead = gate === undefined ? "has no gate" : `has the gate "${gate}"`;
    return {
      message: `"alert" is there only for hooks with the gate "alert", and this hook ${instead}.`,
    };
  }
  return field === undefined ? undefined : notAmong(field, "alert", alertFields);
}

function judgeGate(
  [field, input, part]: readonly string[],
  { gate, inputs }: Delivered,
): Verdict | undefined {
  if (gate === undefined) {
    return { message: '"gate" is there only for hooks with a gate, and this hook has none.' };
  }
  if (field === undefined) return undefined;
  const wrong = notAmong(field, "gate", gate === "join" ? joinFields : gateFields);
  if (wrong !== undefined) {
    const isOfJoin = joinFields.includes(field);
    return isOfJoin
      ? {
          message: `"gate.${field}" is there only for the gate "join", and this hook has the gate "${gate}".`,
        }
      : wrong;
  }
  if (field !== "inputs" || input === undefined) return undefined;
  const unknown = notAmong(input, "gate.inputs", inputs);
  if (unknown !== undefined || part === undefined) return unknown;
  return notAmong(part, `gate.inputs.${input}`, inputFields);
}

function notAmong(field: string, where: string, known: readonly string[]): Verdict | undefined {
  if (known.includes(field)) return undefined;
  const similar = nearest(field, known);
  return {
    message: `"${where}" has no "${field}", only ${known.join(", ")}.`,
    suggestion: similar && `${where}.${similar}`,
  };
}
