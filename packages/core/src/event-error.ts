import { messageOf } from "./errors.ts";
import type { EventError, Severity } from "./event.ts";

const mostCauses = 10;
const longestText = 8192;

/** An error as an event carries it: class, message, code, stack, and the chain of causes, nearest first. */
export function toEventError(thrown: unknown, severity: Severity = "ERROR"): EventError {
  try {
    return readError(thrown, severity);
  } catch {
    // Getters can throw, and an error must not hide behind another one.
    return { class: typeof thrown, message: "an error that cannot be read", severity };
  }
}

function readError(thrown: unknown, severity: Severity): EventError {
  if (!(thrown instanceof Error)) {
    return { class: typeof thrown, message: shorten(describe(thrown)), severity };
  }
  const code: unknown = Reflect.get(thrown, "code");
  const causes = causesOf(thrown);
  return {
    class: classOf(thrown),
    message: shorten(messageOf(thrown)),
    ...((typeof code === "string" || typeof code === "number") && { code: String(code) }),
    severity,
    ...(typeof thrown.stack === "string" && { stack: shorten(thrown.stack) }),
    ...(causes.length > 0 && { causes }),
  };
}

function causesOf(error: Error): { class?: string; message: string }[] {
  const causes: { class?: string; message: string }[] = [];
  const seen = new Set<unknown>([error]);
  const waiting: unknown[] = directCauses(error);
  while (waiting.length > 0 && causes.length < mostCauses) {
    const cause = waiting.shift();
    if (seen.has(cause)) continue;
    seen.add(cause);
    if (cause instanceof Error) {
      causes.push({ class: classOf(cause), message: shorten(messageOf(cause)) });
      waiting.unshift(...directCauses(cause));
    } else {
      causes.push({ message: shorten(describe(cause)) });
    }
  }
  return causes;
}

function directCauses(error: Error): unknown[] {
  const several: readonly unknown[] =
    error instanceof AggregateError && Array.isArray(error.errors) ? error.errors : [];
  return error.cause === undefined || error.cause === null
    ? [...several]
    : [error.cause, ...several];
}

function classOf(error: Error): string {
  const named: unknown = error.name;
  if (typeof named === "string" && named !== "" && named !== "Error") return named;
  return error.constructor?.name || "Error";
}

function describe(thrown: unknown): string {
  if (typeof thrown !== "object" || thrown === null) return messageOf(thrown);
  try {
    return JSON.stringify(thrown) ?? "an object";
  } catch {
    return Object.prototype.toString.call(thrown);
  }
}

function shorten(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText)}…`;
}
