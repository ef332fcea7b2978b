import { messageOf } from "../errors.ts";
import { describe } from "../event-checks.ts";
import { shorten } from "../event-error.ts";
import { freezeJson } from "../json.ts";
import { siftEntries } from "../sift-entries.ts";
import type { RunReport, StartedRun } from "./contract.ts";

/** Whether a run in this state has ended. */
const ends: Readonly<Record<RunReport["state"], boolean>> = {
  queued: false,
  running: false,
  unknown: false,
  succeeded: true,
  failed: true,
  cancelled: true,
};
/** In characters. */
const longestLabel = 256;

export function hasEnded({ state }: RunReport): boolean {
  return ends[state];
}

/**
 * A run as a client answered it, its id as text.
 * @throws TypeError where it has no id, so that it is not known whether there is a run
 */
export function toRun<Run extends StartedRun>(run: Run): Run {
  const id: unknown = run.id;
  if (!isId(id)) throw new TypeError(`the client answered a run with ${describe(id)} as its id`);
  const startedAt = Number.isFinite(run.startedAt) ? run.startedAt : undefined;
  return { ...run, id: String(id), url: toText(run.url), startedAt };
}

function isId(id: unknown): id is string | number | bigint {
  return (typeof id === "string" && id !== "") || Number.isFinite(id) || typeof id === "bigint";
}

/**
 * What `look` answered, as events and the store can carry it: a state that there is not is `unknown`, texts are text, and of
 * the detail of a run that has ended only what is JSON is kept; `left` names the rest.
 */
export function toReport(answer: RunReport): { report: RunReport; left: readonly string[] } {
  const { state, worthAnotherRun } = answer;
  const isKnown = typeof state === "string" && Object.hasOwn(ends, state);
  const { kept, left } = siftEntries((isKnown && ends[state] && answer.detail) || {}, (entry) =>
    freezeJson(entry, "detail", { maxBytes: 0 }),
  );
  const strange = isKnown ? undefined : `its client says ${describe(state)} of its state`;
  const message = strange ?? toText(answer.message);
  const report: RunReport = {
    state: isKnown ? state : "unknown",
    label: shorten(toText(answer.label) ?? describe(state), longestLabel),
    message: message && shorten(message),
    worthAnotherRun,
    detail: kept,
    url: toText(answer.url),
  };
  return { report, left };
}

function toText(value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : messageOf(value);
}
