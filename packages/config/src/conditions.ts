import {
  compileCondition,
  conditionErrorAt,
  conditionPaths,
  eventFields,
  type HookError,
  isHookError,
} from "@pipehooks/core";
import { findSlip } from "./condition-slips.ts";
import { judgePath, nearestStep, type Routed, type Verdict } from "./event-fields.ts";
import type { Steps } from "./gate-parts.ts";
import type { Report } from "./report.ts";

/** A condition in CEL: whether it can be read, and whether what it reads of an event is ever there. */
export function checkCondition(
  text: string,
  steps: Steps,
  { routed, report }: { readonly routed: Routed; readonly report: Report },
): void {
  try {
    compileCondition(text);
  } catch (error) {
    if (!isHookError(error)) throw error;
    reportUnreadable(text, steps, error, report);
    return;
  }
  for (const path of conditionPaths(text)) {
    const [field = "", ...rest] = writtenSteps(path.steps);
    if (field === "") continue;
    const verdict = judgeField([field, ...rest].join("."), routed);
    if (verdict === undefined) continue;
    const { message, suggestion } = verdict;
    report({
      steps,
      message,
      suggestion: suggestion && `event.${suggestion}`,
      index: path.at[eventFields.includes(field) ? 1 : 0],
      code: "CONDITION_INVALID",
      warning: true,
    });
  }
}

/** Says why a text in CEL cannot be compiled, where the slip is if it is a known one. */
export function reportUnreadable(
  text: string,
  steps: Steps,
  error: HookError,
  report: Report,
): void {
  const slip = findSlip(text, error);
  const [what] = error.message.split(" ", 1);
  report({
    steps,
    message:
      slip?.message === undefined
        ? error.message
        : `${what} "${text}", character ${slip.at + 1}: ${slip.message}`,
    suggestion: slip?.suggestion,
    code: "CONDITION_INVALID",
    index: slip?.at ?? conditionErrorAt(error),
  });
}

// A dot in a name would be taken for two steps.
function writtenSteps(steps: readonly string[]): readonly string[] {
  const dotted = steps.findIndex((step) => step.includes("."));
  return dotted < 0 ? steps : steps.slice(0, dotted);
}

// A field may come with a later version, so what is wrong is only doubtful.
function judgeField(path: string, routed: Routed): Verdict | undefined {
  const [field = ""] = path.split(".");
  if (eventFields.includes(field)) return judgePath(path, routed);
  const similar = nearestStep(path, eventFields);
  return {
    message: `An event has no field "${field}", so nothing is read there. What an emitter adds is under metadata: event.metadata.${path}.`,
    suggestion: similar && (judgePath(similar, routed)?.suggestion ?? similar),
  };
}
