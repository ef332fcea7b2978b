import { type JsonObject, messageOf } from "@pipehooks/core";
import { type DbtApi, idOf, objectOf, objectsOf, textOf } from "./api.ts";
import type { DbtFiles } from "./results.ts";
import { clockSkewMs, stateOf, timeOf } from "./run.ts";

/** How long an ended run may be without its files. */
const savingMs = 60_000;
/** Longest answer with the steps: each of them has a thousand lines of its log, twice. */
const mostStepBytes = 32 * 1024 * 1024;

/** Most steps whose files are read, the last ones. */
const mostSteps = 12;
// dbt commands that write no results of nodes.
const withoutResults = /\bdbt\s+(?:deps|debug|list|ls|parse|clean|init|source|docs\s+serve)\b/;
const freshness = /\bsource\s+(?:snapshot-)?freshness\b/;

export interface ReadArtifacts {
  readonly files: readonly DbtFiles[];
  /** What every step was and how it ended. */
  readonly steps: readonly JsonObject[];
  /** Why something could not be read. */
  readonly problem?: string | undefined;
}

/**
 * Whether the files of an ended run may yet come: they are saved a moment after the end, and a run that failed before dbt
 * began never has any. `now` may be another clock than dbt Cloud's.
 */
export function isSaving(run: JsonObject, now: number): boolean {
  if (run.artifacts_saved !== false || stateOf(run) === "cancelled") return false;
  const age = now - (timeOf(run.finished_at) ?? Number.NEGATIVE_INFINITY);
  return age > -clockSkewMs && age < savingMs;
}

/**
 * Reads the results of each step of a run: by default the API gives those of the last step only, which hides the ones of a
 * job with several commands. Never throws: a run has ended whether its files can be read or not.
 */
export async function readArtifacts(
  api: DbtApi,
  run: JsonObject,
  signal: AbortSignal,
): Promise<ReadArtifacts> {
  const id = idOf(run.id) ?? "";
  let problem: string | undefined;
  const attempt = async <Read>(read: () => Promise<Read>): Promise<Read | undefined> => {
    try {
      return await read();
    } catch (error) {
      problem ??= messageOf(error);
      return undefined;
    }
  };

  const query = { include_related: "run_steps" };
  const detailed = await attempt(() =>
    api.call("GET", `runs/${id}/`, { query, signal, mostBytes: mostStepBytes }),
  );
  const steps = objectsOf(objectOf(detailed)?.run_steps);

  const artifact = (file: string, step: number | undefined) =>
    attempt(() => api.artifact(`runs/${id}/artifacts/${file}`, { query: { step }, signal }));
  const files: DbtFiles[] = [];
  const wanted = steps.map(toStep).filter(({ reads }) => reads !== undefined);
  const read =
    wanted.length > 0
      ? wanted.slice(-mostSteps)
      : [{ index: undefined, reads: "run_results.json" as const }];
  for (const { index, reads } of read) {
    if (reads === "sources.json")
      files.push({ step: index, sources: await artifact(reads, index) });
    else files.push({ step: index, runResults: await artifact("run_results.json", index) });
  }
  // The freshness that a job checks by its setting has no step of its own name.
  const hasSources = files.some(({ sources }) => sources !== undefined);
  if (run.has_sources_generated === true && !hasSources) {
    files.push({ sources: await artifact("sources.json", undefined) });
  }
  return {
    files,
    steps: steps.map((step) => toStep(step).row),
    ...(problem !== undefined && { problem }),
  };
}

function toStep(step: JsonObject): {
  readonly index: number | undefined;
  readonly reads: "run_results.json" | "sources.json" | undefined;
  readonly row: JsonObject;
} {
  const name = textOf(step.name) ?? "";
  const index = typeof step.index === "number" ? step.index : undefined;
  const status = textOf(step.status_humanized) ?? "";
  const row = { ...(index !== undefined && { index }), name: name.slice(0, 200), status };
  if (index === undefined || !/\bdbt\s+\w/.test(name)) return { index, reads: undefined, row };
  if (freshness.test(name)) return { index, reads: "sources.json", row };
  return { index, reads: withoutResults.test(name) ? undefined : "run_results.json", row };
}
