import type { JsonObject, JsonValue, RunReport, StartedRun } from "@pipehooks/core";
import { idOf, objectOf, textOf } from "./api.ts";

const states: Readonly<Record<string, RunReport["state"]>> = {
  1: "queued",
  2: "running",
  3: "running",
  10: "succeeded",
  20: "failed",
  30: "cancelled",
};
const labels: Readonly<Record<string, string>> = {
  1: "Queued",
  2: "Starting",
  3: "Running",
  10: "Success",
  20: "Error",
  30: "Cancelled",
};

/** What our clock and that of dbt Cloud may differ by. */
export const clockSkewMs = 600_000;

/** How a run is, by its number alone: a number that nobody knows is no end. */
export function stateOf(run: JsonObject): RunReport["state"] {
  return states[String(run.status)] ?? "unknown";
}

export function labelOf(run: JsonObject): string {
  const { status } = run;
  return textOf(run.status_humanized) ?? labels[String(status)] ?? `status ${String(status)}`;
}

/** What is stored of a run; undefined where the answer is none. */
export function toStartedRun(data: JsonValue, origin: string): StartedRun | undefined {
  const run = objectOf(data);
  const id = idOf(run?.id);
  if (run === undefined || id === undefined) return undefined;
  const job = jobOf(run);
  return { id, url: urlOf(run, origin), ...(job !== undefined && { extra: { job } }) };
}

function jobOf(run: JsonObject): string | undefined {
  return idOf(run.job_definition_id) ?? idOf(run.job_id);
}

/** Where people look at it. */
export function urlOf(run: JsonObject, origin: string): string | undefined {
  const href = textOf(run.href);
  if (href !== undefined) return href;
  const account = idOf(run.account_id);
  const project = idOf(run.project_id);
  const id = idOf(run.id);
  if (account === undefined || project === undefined || id === undefined) return undefined;
  return `${origin}/deploy/${account}/projects/${project}/runs/${id}/`;
}

/** What an outcome event says of the run itself. */
export function factsOf(run: JsonObject): JsonObject {
  const created = timeOf(run.created_at);
  const dequeued = timeOf(run.dequeued_at) ?? timeOf(run.started_at);
  const finished = timeOf(run.finished_at);
  const facts: Record<string, JsonValue | undefined> = {
    job_id: jobOf(run),
    account_id: idOf(run.account_id),
    project_id: idOf(run.project_id),
    environment_id: idOf(run.environment_id),
    status: typeof run.status === "number" ? run.status : undefined,
    git_branch: textOf(run.git_branch),
    git_sha: textOf(run.git_sha),
    dbt_version: textOf(run.dbt_version),
    started_at: isoOf(timeOf(run.started_at)),
    finished_at: isoOf(finished),
    queued_seconds: secondsBetween(created, dequeued),
    run_seconds: secondsBetween(dequeued, finished),
    retrying_run_id: idOf(run.retrying_run_id),
  };
  const known = Object.entries(facts).filter((entry) => entry[1] !== undefined);
  return Object.fromEntries(known) as JsonObject;
}

/** `2026-01-31 19:28:07.123000+00:00`, or RFC 3339 with up to nanoseconds. */
export function timeOf(value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  const text = value
    .trim()
    .replace(" ", "T")
    .replace(/(\.\d{3})\d+/, "$1");
  const at = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`);
  return Number.isNaN(at) ? undefined : at;
}

function isoOf(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString();
}

function secondsBetween(from: number | undefined, to: number | undefined): number | undefined {
  return from === undefined || to === undefined ? undefined : Math.max(0, (to - from) / 1000);
}
