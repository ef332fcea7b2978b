import {
  type DbtCloudJob,
  type DbtRunTrigger,
  hasArtifacts,
  type LiveRun,
  settleRuns,
} from "./runs.ts";

/** Jobs and runs of one account, as they are at the time of asking. */
export interface DbtCloudAccount {
  jobs(): readonly DbtCloudJob[];
  job(id: string): DbtCloudJob | undefined;
  runs(): readonly LiveRun[];
  run(id: string): LiveRun | undefined;
  start(jobId: string, trigger: DbtRunTrigger, retrying?: LiveRun): LiveRun;
  cancel(run: LiveRun): void;
  finish(id: string, outcome: "success" | "error"): void;
  /** Why the run cannot be retried; undefined where it can. */
  retryRefusal(run: LiveRun): string | undefined;
  artifactsSaved(run: LiveRun): boolean;
}

export function createDbtCloudAccount(options: {
  readonly jobs: readonly DbtCloudJob[];
  readonly now: () => number;
  readonly firstRunId: string;
  readonly runSlots: number;
}): DbtCloudAccount {
  const { now } = options;
  const jobs = new Map(options.jobs.map((job) => [String(job.id), job]));
  const all: LiveRun[] = [];
  const byJob = new Map<string, LiveRun[]>();
  let nextId = BigInt(options.firstRunId);

  const settle = (): void => {
    settleRuns(all, now(), options.runSlots);
  };
  const find = (id: string): LiveRun | undefined => {
    settle();
    return all.find((run) => run.id === id);
  };

  return {
    jobs: () => [...jobs.values()],
    job: (id) => jobs.get(id),
    runs() {
      settle();
      return all;
    },
    run: find,
    start(jobId, trigger, retrying) {
      const job = jobs.get(jobId);
      if (job === undefined) throw new Error(`There is no job ${jobId}.`);
      const before = byJob.get(jobId) ?? [];
      const plans = [job.runs ?? {}].flat();
      const run: LiveRun = {
        id: String(nextId),
        jobId,
        job,
        trigger,
        plan: plans[Math.min(before.length, plans.length - 1)] ?? {},
        status: 1,
        createdAt: now(),
        dequeuedAt: undefined,
        startedAt: undefined,
        finishedAt: undefined,
        cancelAt: undefined,
        finishing: undefined,
        retryingRunId: retrying?.id,
        steps: [],
      };
      nextId += 1n;
      all.push(run);
      byJob.set(jobId, [...before, run]);
      return run;
    },
    cancel(run) {
      run.cancelAt ??= now() + (run.plan.cancelMs ?? 1000);
    },
    finish(id, outcome) {
      const run = find(id);
      if (run !== undefined && run.status < 10) run.finishing = { at: now(), outcome };
    },
    retryRefusal(run) {
      settle();
      if (run.status !== 20) return "RETRY_NOT_FAILED_RUN";
      if (byJob.get(run.jobId)?.at(-1) !== run) return "RETRY_NOT_LATEST_RUN";
      if (run.plan.retryNotSupported !== undefined) return run.plan.retryNotSupported;
      return hasArtifacts(run, now()) ? undefined : "RETRY_NO_RUN_RESULTS";
    },
    artifactsSaved: (run) => hasArtifacts(run, now()),
  };
}
