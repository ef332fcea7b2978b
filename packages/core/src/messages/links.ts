import { toTemplateScope } from "../delivery-scope.ts";
import { isHookError } from "../errors.ts";
import { compileText } from "../escaped-template.ts";
import type { PipehooksEvent } from "../event.ts";
import type { Delivery } from "../hook.ts";
import type { MessageLink } from "./message.ts";
import { textAt } from "./told.ts";

/** An address made from a delivery; undefined where the event lacks what it is made of. */
export type MakeLink = (delivery: Delivery) => string | undefined;

/**
 * Compiles the template of an address, such as `https://dash.example.com/runs/${runId}`. Values are encoded, but for a
 * template that begins with a reference: that is a whole address by itself. A field that the event lacks makes no link: a
 * link is no reason to keep silent.
 * @throws HookError TEMPLATE_INVALID
 */
export function compileLink(address: string): MakeLink {
  const isWhole = address.startsWith("${");
  const template = compileText(address, { toForm: isWhole ? undefined : encode });
  return (delivery) => {
    try {
      return template.render(toTemplateScope(delivery));
    } catch (error) {
      if (isHookError(error) && error.code === "TEMPLATE_FIELD_MISSING") return undefined;
      throw error;
    }
  };
}

/** Whether a text can be a link: nothing else is made one, as an event could carry a script. */
export function isWebAddress(text: string | undefined): text is string {
  return (
    text !== undefined &&
    text.length <= longestUrl &&
    /^https?:\/\//i.test(text) &&
    URL.canParse(text)
  );
}

const longestUrl = 2000;

/** Where emitters put the address of a run. */
export const linkFields: readonly string[] = ["run_url", "url", "job_url", "link"];

/** Where to read on: the run that the first of the events tells of which has one, and the dashboard. */
export function linksOf(
  delivery: Delivery,
  events: readonly PipehooksEvent[],
  dashboard: MakeLink | undefined,
): readonly MessageLink[] {
  const run = events
    .flatMap((event) => linkFields.map((name) => textAt(event, name)))
    .find(isWebAddress);
  const board = dashboard?.(delivery);
  return [
    ...(run === undefined ? [] : [{ kind: "run" as const, text: "Open the run", url: run }]),
    ...(isWebAddress(board)
      ? [{ kind: "dashboard" as const, text: "Open the dashboard", url: board }]
      : []),
  ];
}

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
