import { compilePatterns, readPath, type TemplateScope } from "@pipehooks/core";
import { compileStart, type RenderStart, type StartParameters } from "./parameters.ts";

/** One job of `jobMappings`: its id alone, or with parameters of its own. */
export type JobMapping = JobId | ({ readonly jobId: JobId } & StartParameters);

/** Digits; as a number only where JavaScript holds it exactly. */
export type JobId = string | number;

/** The job for an event. */
export interface ChosenJob {
  /** Digits. */
  readonly jobId: string;
  readonly renderStart: RenderStart;
}

/** Which job an event starts. */
export interface JobChoice {
  /** Ids of all jobs, each once. */
  readonly jobIds: readonly string[];
  choose(scope: TemplateScope): ChosenJob | { readonly none: string };
}

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
    const { jobId: id, ...parameters } = own;
    return {
      name,
      fits: compilePatterns([name]),
      job: { jobId: String(id), renderStart: compileStart(parameters, common) },
    };
  });
  const exact = new Map(mapped.map(({ name, job }) => [name, job]));
  const fallback =
    jobId === undefined
      ? undefined
      : { jobId: String(jobId), renderStart: compileStart({}, common) };
  const all = [...mapped.map(({ job }) => job), ...(fallback === undefined ? [] : [fallback])];

  return {
    jobIds: [...new Set(all.map((job) => job.jobId))],
    choose(scope) {
      const name = nameIn(readPath(scope, mapBy));
      const found =
        name === undefined
          ? undefined
          : (exact.get(name) ?? mapped.find(({ fits }) => fits(name))?.job);
      const job = found ?? fallback;
      if (job !== undefined) return job;
      return name === undefined
        ? { none: `the event has no "${mapBy}", by which jobs are mapped` }
        : { none: `no job is mapped to ${mapBy} "${name}"` };
    },
  };
}

function nameIn(value: unknown): string | undefined {
  const isText = typeof value === "string" || typeof value === "number";
  return isText && value !== "" ? String(value) : undefined;
}
