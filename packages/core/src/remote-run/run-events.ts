import { z } from "zod";
import { type ErrorCode, HookError, isHookError, messageOf } from "../errors.ts";
import type { Delivery } from "../hook.ts";
import type { JsonObject } from "../json.ts";
import { withoutStop } from "../without-stop.ts";
import type { RemoteRunClient, RunReport, StartedRun } from "./contract.ts";

/** How a run ended, as its event says it. */
export type RunEnd = "completed" | "failed" | "cancelled";

export interface EndedRun {
  readonly run: StartedRun;
  readonly report: RunReport;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** How many runs of the delivery were started before this one. */
  readonly again: number;
}

/** Metadata of outcome events. */
export interface RunMetadata {
  readonly run_id: string;
  /** Name of the hook that started the run. */
  readonly hook: string;
  /** Id of the event that caused it. */
  readonly event: string;
  readonly url?: string | undefined;
  /** The state as the receiver calls it. */
  readonly label?: string | undefined;
  readonly message?: string | undefined;
  readonly duration_ms?: number | undefined;
  readonly [key: string]: unknown;
}

const metadata: z.ZodType<RunMetadata, RunMetadata> = z.looseObject({
  run_id: z.string(),
  hook: z.string(),
  event: z.string(),
  url: z.string().optional(),
  label: z.string().optional(),
  message: z.string().optional(),
  duration_ms: z.number().nonnegative().optional(),
});

/** {@link remoteRunEvents} of a prefix, exact by its name. */
export type RemoteRunEvents<Prefix extends string> = Readonly<
  Record<`${Prefix}.run.${RunEnd}`, typeof metadata>
>;

/** The outcome events of a kind, for `definePlugin({ events })`: `<prefix>.run.completed`, `.failed`, `.cancelled`. */
export function remoteRunEvents<const Prefix extends string>(
  prefix: Prefix,
): RemoteRunEvents<Prefix> {
  const types: Record<`${string}.run.${RunEnd}`, typeof metadata> = {
    [`${prefix}.run.completed`]: metadata,
    [`${prefix}.run.failed`]: metadata,
    [`${prefix}.run.cancelled`]: metadata,
  };
  // TypeScript takes keys that are made for any text.
  return types as RemoteRunEvents<Prefix>;
}

/** What an event is refused with that may be taken without its details. */
const fewerMayDo: ReadonlySet<ErrorCode> = new Set(["EVENT_TOO_LARGE", "EVENT_INVALID"]);

/** Ids in the list of events that a run is for; of more the first ones. */
const mostIds = 1000;

/** Tells of the end of a run. What cannot be told is logged: it changes nothing of how the run ended. */
export function emitEnd(
  { what, eventPrefix }: Pick<RemoteRunClient, "what" | "eventPrefix">,
  delivery: Delivery,
  end: RunEnd,
  ended: EndedRun,
): void {
  const { run, report, startedAt, endedAt, again } = ended;
  const type = `${eventPrefix}.run.${end}`;
  const url = report.url ?? run.url;
  const brief: JsonObject = {
    run_id: run.id,
    ...(url !== undefined && { url }),
    label: report.label,
    ...(report.message !== undefined && { message: report.message }),
    duration_ms: Math.max(0, endedAt - startedAt),
    hook: delivery.hook,
    event: delivery.event.id,
    ...(again > 0 && { started_again: again }),
  };
  const events = idsOf(delivery);
  const error = end === "failed" && { error: { message: textOf(what, run, report) } };
  const emit = (fields: JsonObject) => delivery.emit(type, { metadata: fields, ...error });
  try {
    try {
      emit({ ...brief, ...(events.length > 1 && { events }), ...report.detail });
    } catch (thrown) {
      if (!isHookError(thrown) || !fewerMayDo.has(thrown.code)) throw thrown;
      delivery.logger.warn(`${delivery.hook}: ${type} goes without its details: ${thrown.message}`);
      emit({ ...brief, truncated: true });
    }
  } catch (thrown) {
    const why = `${messageOf(thrown)}${adviceOf(thrown, eventPrefix)}`;
    delivery.logger.error(`${delivery.hook}: ${type} was not emitted: ${why}`);
  }
}

function adviceOf(thrown: unknown, prefix: string): string {
  if (!isHookError(thrown) || thrown.code !== "EVENT_TYPE_UNKNOWN") return "";
  const line = `events: remoteRunEvents("${prefix}")`;
  return ` Outcome events are defined by \`${line}\` in createPipehooks or in the kind's definePlugin.`;
}

/** `dbt job 42: run 7 failed (Error: no such table). https://…` */
export function textOf(
  what: string,
  run: StartedRun,
  report: Pick<RunReport, "label" | "message" | "url">,
  how = "failed",
): string {
  const url = report.url ?? run.url;
  const said = [report.label, withoutStop(report.message?.trim() ?? "")].filter(Boolean);
  return `${what}: run ${run.id} ${how} (${said.join(": ")}).${url === undefined ? "" : ` ${url}`}`;
}

/** What ended badly and would not end better by another attempt. */
export function endedBadly(message: string): HookError {
  return new HookError("RECEIVER_FAILED", message, { retryable: false });
}

function idsOf({ events, gate }: Delivery): string[] {
  return [...events.map(({ id }) => id), ...(gate?.restIds ?? [])].slice(0, mostIds);
}
