import { letsTimePass, type Step } from "./schema.ts";

/** A step with its number in the file. */
export interface NumberedStep {
  readonly step: Step;
  readonly index: number;
}

/**
 * The steps in the order in which they are done. An `answer` directly before the `expect` of its hook also holds for what
 * was emitted just before: it is what the receiver will say, wherever one thinks of it.
 */
export function inOrder(steps: readonly Step[]): readonly NumberedStep[] {
  const ordered: NumberedStep[] = [];
  for (const [index, step] of steps.entries()) {
    const at =
      step.answer !== undefined && isAskedFor(step.answer.hook, steps.slice(index + 1))
        ? earliestPlace(step.answer.hook, ordered)
        : ordered.length;
    ordered.splice(at, 0, { step, index });
  }
  return ordered;
}

/** Whether the hook is looked at before anything else is emitted or time passes. */
function isAskedFor(hook: string, following: readonly Step[]): boolean {
  for (const step of following) {
    if (step.expect?.hook === hook) return true;
    if (step.emit !== undefined || passesTime(step)) return false;
  }
  return false;
}

function earliestPlace(hook: string, before: readonly NumberedStep[]): number {
  const last = before.findLastIndex(({ step }) => passesTime(step) || concerns(step, hook));
  return last + 1;
}

function passesTime({ wait, until, expect }: Step): boolean {
  return (
    wait !== undefined || until !== undefined || (expect !== undefined && letsTimePass(expect))
  );
}

function concerns({ answer, expect, expectNothing }: Step, hook: string): boolean {
  return answer?.hook === hook || expect?.hook === hook || expectNothing !== undefined;
}
