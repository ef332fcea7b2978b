import {
  compileTemplate,
  type HookKind,
  isHookError,
  type TemplateReference,
} from "@pipehooks/core";
import type { Report } from "./report.ts";
import type { Delivered } from "./routed.ts";
import { judgeReference } from "./template-scope.ts";
import type { PathStep } from "./tree.ts";

/** A text of an option that is a template. */
export interface TemplateText {
  readonly steps: readonly PropertyKey[];
  readonly text: string;
  /** As written in the file, to point at a reference. */
  readonly written: string;
}

/** Whether the text at a path below `options` is read from the event, as the kind says. */
export function templateTest({
  templates = [],
}: HookKind): (steps: readonly PathStep[]) => boolean {
  return pathTest(templates);
}

/** Whether a path is one of these or below one; `*` is any step, and places in lists are none. */
export function pathTest(paths: readonly string[]): (steps: readonly PathStep[]) => boolean {
  const templates = paths.map((path) => path.split("."));
  return (steps) => {
    const names = steps.filter((step) => typeof step === "string");
    return templates.some((template) =>
      template.every(
        (name, index) => index < names.length && (name === "*" || name === names[index]),
      ),
    );
  };
}

/** References that cannot be read, and those that nothing which the hook is delivered can have. */
export function checkTemplate(
  { steps, text, written }: TemplateText,
  context: { readonly delivered: Delivered; readonly report: Report },
): void {
  for (const reference of referencesOf(text, steps, context.report)) {
    const verdict = judgeReference(reference.path, context.delivered);
    if (verdict === undefined) continue;
    const { suggestion } = verdict;
    const index = written.search(new RegExp(`\\$\\{\\s*${escapePattern(reference.path)}`));
    context.report({
      steps,
      ...verdict,
      suggestion: suggestion && `\${${suggestion}}`,
      index: index < 0 ? undefined : index,
      code: "TEMPLATE_INVALID",
    });
  }
}

function referencesOf(
  text: string,
  steps: readonly PropertyKey[],
  report: Report,
): readonly TemplateReference[] {
  try {
    return compileTemplate(text).references;
  } catch (error) {
    if (!isHookError(error)) throw error;
    report({ steps, message: error.message, code: "TEMPLATE_INVALID" });
    return [];
  }
}

// Node 22 lacks RegExp.escape.
function escapePattern(text: string): string {
  return text.replaceAll(/[.\\^$*+?()[\]{}|]/g, "\\$&");
}
