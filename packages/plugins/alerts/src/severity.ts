import type { Severity } from "@pipehooks/core";
import type { BySeverity } from "./options.ts";

/** A product's value for a severity: the option's, one for all or by severity, else the usual one. */
export function chosenBy<Value extends string>(
  severity: Severity,
  chosen: Value | BySeverity<Value> | undefined,
  usual: Readonly<Record<Severity, string>>,
): string {
  if (typeof chosen === "string") return chosen;
  return chosen?.[names[severity]] ?? usual[severity];
}

const names = { INFO: "info", WARNING: "warning", ERROR: "error", CRITICAL: "critical" } as const;
