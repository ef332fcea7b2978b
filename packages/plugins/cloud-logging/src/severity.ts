import type { PipehooksEvent, Severity } from "@pipehooks/core";

/** Last parts of the names of types, for events that carry no error. */
const byEnding: Readonly<Record<string, Severity>> = {
  error: "ERROR",
  failed: "ERROR",
  dead: "ERROR",
  missed: "ERROR",
  cancelled: "WARNING",
  disabled: "WARNING",
  full: "WARNING",
  incomplete: "WARNING",
  paused: "WARNING",
  retrying: "WARNING",
  warning: "WARNING",
};

/**
 * How bad an event is: what its error says, `ERROR` where the error does not say, and by the last part of its type's name
 * where there is no error.
 */
export function severityOf({ type, error }: PipehooksEvent): Severity {
  if (error !== undefined) return error.severity ?? "ERROR";
  const ending = type.slice(type.lastIndexOf(".") + 1);
  return Object.hasOwn(byEnding, ending) ? (byEnding[ending] ?? "INFO") : "INFO";
}
