import {
  compilePatterns,
  type Delivery,
  HookError,
  type JsonObject,
  type PipehooksEvent,
  readPath,
  type TemplateScope,
  toTemplateScope,
} from "@pipehooks/core";
import { compileStart, type RenderStart, type StartParameters } from "./parameters.ts";

/** One job of `jobMappings`: its id alone, or with parameters of its own. */
export type JobMapping = JobId | ({ readonly jobId: JobId } & StartParameters);

/** Digits; as a number only where JavaScript holds it exactly. */
export type JobId = string | number;

/** The job for a delivery. */
export interface ChosenJob {
  /** Digits. */
  readonly jobId: string;
  /** Body of run-now but for the job and the token, by the last event that the job is for. */
  renderStart(): JsonObject;
}

/** Which job a delivery starts. */
export interface JobChoice {
  /** All jobs by id, each with the names of the job parameters that it may be given. */
  readonly jobs: ReadonlyMap<string, ReadonlySet<string>>;
  /**
   * The job for the events of a delivery; those that no job is for do not count.
   * @throws HookError REQUEST_INVALID where they are for different jobs, or for one with different parameters
   */
  choose(delivery: Delivery): ChosenJob | { readonly none: string };
}

interface Target {
  readonly jobId: string;
  /** The same for targets that start the same. */
  readonly key: string;
  readonly parameterNames: readonly string[];
  readonly renderStart: RenderStart;
}

/** Names of which a reason tells at most so many. */
const mostNames = 5;

/** Exact names first, then patterns in their order, then the one job for all. */
export function createJobChoice(options: {
  readonly jobId?: JobId | undefined;
  readonly jobMappings?: Readonly<Record<string, JobMapping>> | undefined;
  readonly mapBy: string;
  readonly common: StartParameters;
}): JobChoice {
  const { jobId, jobMappings = {}, mapBy, common } = options;
  const mapped = Object.entries(jobMappings).map(([name, mapping]) => {
    const own = typeof mapping === "object" ? mapping : { jobId: mapping };
    return { name, fits: compilePatterns([name]), target: toTarget(own, common) };
  });
  const exact = new Map(mapped.map(({ name, target }) => [name, target]));
  const fallback = jobId === undefined ? undefined : toTarget({ jobId }, common);

  const targetOf = (name: string | undefined): Target | undefined => {
    if (name === undefined) return fallback;
    return exact.get(name) ?? mapped.find(({ fits }) => fits(name))?.target ?? fallback;
  };

  return {
    jobs: toJobs([...mapped.map(({ target }) => target), ...(fallback ? [fallback] : [])]),
    choose(delivery) {
      const names = new Set<string | undefined>();
      const found: { readonly target: Target; readonly scope: TemplateScope }[] = [];
      for (const event of delivery.events) {
        const scope = scopeOf(delivery, event);
        const name = nameIn(readPath(scope, mapBy));
        const target = targetOf(name);
        if (target === undefined) names.add(name);
        else found.push({ target, scope });
      }
      const last = found.at(-1);
      if (last === undefined) return { none: reasonOf(names, mapBy) };
      checkSame(
        found.map(({ target }) => target),
        delivery,
      );
      const { target, scope } = last;
      return { jobId: target.jobId, renderStart: () => target.renderStart(scope) };
    },
  };
}

function toTarget(
  { jobId, ...own }: { readonly jobId: JobId } & StartParameters,
  common: StartParameters,
): Target {
  return {
    jobId: String(jobId),
    key: JSON.stringify([String(jobId), own]),
    parameterNames: Object.keys({ ...common.jobParameters, ...own.jobParameters }),
    renderStart: compileStart(own, common),
  };
}

function toJobs(targets: readonly Target[]): JobChoice["jobs"] {
  const jobs = new Map<string, Set<string>>();
  for (const { jobId, parameterNames } of targets) {
    jobs.set(jobId, new Set([...(jobs.get(jobId) ?? []), ...parameterNames]));
  }
  return jobs;
}

/** What templates read where this event is the one that counts. */
function scopeOf(delivery: Delivery, event: PipehooksEvent): TemplateScope {
  return toTemplateScope(event === delivery.event ? delivery : { ...delivery, event });
}

function checkSame(targets: readonly Target[], { count }: Delivery): void {
  if (new Set(targets.map(({ key }) => key)).size === 1) return;
  const ids = [...new Set(targets.map(({ jobId }) => jobId))];
  const what =
    ids.length > 1
      ? `belong to the jobs ${ids.join(", ")}, and a delivery starts one`
      : `start job ${ids[0]} with different parameters, and a delivery starts it once`;
  throw new HookError(
    "REQUEST_INVALID",
    `The ${count} events of this delivery ${what}. ` +
      'Gather by what decides the job ("by" of the gate), or write one hook for each job.',
  );
}

function reasonOf(names: ReadonlySet<string | undefined>, mapBy: string): string {
  const known = [...names].filter((name) => name !== undefined);
  if (known.length === 0) return `the event has no "${mapBy}", by which jobs are mapped`;
  const told = known.slice(0, mostNames).map((name) => `"${name}"`);
  return `no job is mapped to ${mapBy} ${told.join(", ")}`;
}

function nameIn(value: unknown): string | undefined {
  const isText = typeof value === "string" || typeof value === "number";
  return isText && value !== "" ? String(value) : undefined;
}
