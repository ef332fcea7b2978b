import { compileTemplate, type Delivery, toTemplateScope } from "@pipehooks/core";
import { quoteSelection, renderArgument, selectionMark } from "./selection.ts";

/** What a selection runs unless `stepsOverride` says otherwise. */
const defaultSteps: readonly string[] = [`dbt build --select ${selectionMark}`];

/**
 * Makes the steps of a run; undefined leaves those of the job.
 * @throws HookError REQUEST_INVALID where a value of an event could change a command
 */
export function createSteps(
  stepsOverride: readonly string[] | undefined,
): (delivery: Delivery, selection: readonly string[] | undefined) => readonly string[] | undefined {
  const compile = (text: string) => ({ text, template: compileTemplate(text) });
  const written = (stepsOverride ?? defaultSteps).map(compile);
  const takesSelection = written.some(({ text }) => text.includes(selectionMark));

  return (delivery, selection) => {
    if (takesSelection && selection === undefined) return undefined;
    const scope = toTemplateScope(delivery);
    const words = quoteSelection(selection ?? []);
    return written.map((step) =>
      // A function, since "$&" in a replacement would mean something.
      renderArgument(step, scope, delivery.event.id).replaceAll(selectionMark, () => words),
    );
  };
}

const selectOptions: ReadonlySet<string> = new Set(["--select", "-s", "--models", "-m"]);

/** Whether a run with the steps `theirs` builds all that one with `ours` would; undefined are the job's own, which nobody knows. */
export function coversSteps(
  theirs: readonly string[] | undefined,
  ours: readonly string[] | undefined,
): boolean {
  if (theirs === undefined || ours === undefined) return theirs === ours;
  if (ours.length !== theirs.length) return false;
  return ours.every((step, index) => coversStep(theirs[index] ?? "", step));
}

function coversStep(theirs: string, ours: string): boolean {
  if (theirs === ours) return true;
  const wide = takeApart(theirs);
  const narrow = takeApart(ours);
  if (wide.rest !== narrow.rest) return false;
  if (wide.selectors === undefined) return true;
  return narrow.selectors?.every((selector) => wide.selectors?.includes(selector)) ?? false;
}

/** The selectors of a command, undefined where it builds everything, apart from the rest of it. */
function takeApart(step: string): {
  readonly selectors: readonly string[] | undefined;
  readonly rest: string;
} {
  const words = step.trim().split(/\s+/);
  const from = words.findIndex((word) => selectOptions.has(word)) + 1;
  if (from === 0) return { selectors: undefined, rest: words.join(" ") };
  const length = words.slice(from).findIndex((word) => word.startsWith("-"));
  const to = length < 0 ? words.length : from + length;
  const rest = [...words.slice(0, from - 1), ...words.slice(to)].join(" ");
  return { selectors: words.slice(from, to), rest };
}
