import type { JsonObject } from "@pipehooks/core";
import {
  createDbtRunResults,
  createDbtSources,
  type DbtNodeResult,
  type DbtSourceResult,
} from "./artifacts.ts";

/** How a run goes; what is left out is as in the job's own plan. */
export interface DbtRunPlan {
  /** Shortest time it stays queued. @default 1000 */
  readonly queuedMs?: number | undefined;
  /** @default 1000 */
  readonly startingMs?: number | undefined;
  /** How long it runs; `Infinity`: until it is cancelled or `finish` is called. @default 10_000 */
  readonly runMs?: number | undefined;
  /** @default "success" */
  readonly outcome?: "success" | "error" | undefined;
  /** Said of a failed run. @default "dbt command failed" */
  readonly statusMessage?: string | undefined;
  /** Nodes by step of dbt, in order; a step without any has no run_results.json. @default two models */
  readonly nodes?: readonly (readonly DbtNodeResult[])[] | undefined;
  /** What a step `dbt source freshness` finds. */
  readonly sources?: readonly DbtSourceResult[] | undefined;
  /** What each step logs. @default one line */
  readonly log?: string | undefined;
  /** How long after its end its artifacts are saved; `Infinity`: never. @default 0 */
  readonly artifactsMs?: number | undefined;
  /** Why a failed run cannot be retried, such as `RETRY_UNSUPPORTED_CMD`. */
  readonly retryNotSupported?: string | undefined;
  /** From being asked to cancel to its end. @default 1000 */
  readonly cancelMs?: number | undefined;
}

export interface DbtCloudJob {
  readonly id: string | number;
  /** @default "Job <id>" */
  readonly name?: string | undefined;
  readonly projectId?: number | undefined;
  readonly environmentId?: number | undefined;
  /** @default ["dbt build"] */
  readonly executeSteps?: readonly string[] | undefined;
  /** 1 active, 2 deleted. @default 1 */
  readonly state?: 1 | 2 | undefined;
  /** CI jobs may run several times at once. @default false */
  readonly ci?: boolean | undefined;
  /** How its runs go: one plan for all, or one after the other, of which the last stays. */
  readonly runs?: DbtRunPlan | readonly DbtRunPlan[] | undefined;
}

/** What a trigger may say besides its cause. */
export interface DbtRunTrigger {
  readonly cause: string;
  readonly causeCategory: string;
  readonly stepsOverride?: readonly string[] | undefined;
  /** The body of the trigger, as it came. */
  readonly body: JsonObject;
}

/** A run as the receiver holds it; times are milliseconds since the epoch, absent until they have come. */
export interface DbtCloudRun {
  readonly id: string;
  readonly jobId: string;
  readonly trigger: DbtRunTrigger;
  /** 1 queued, 2 starting, 3 running, 10 success, 20 error, 30 cancelled. */
  readonly status: 1 | 2 | 3 | 10 | 20 | 30;
  readonly createdAt: number;
  readonly dequeuedAt?: number | undefined;
  readonly startedAt?: number | undefined;
  readonly finishedAt?: number | undefined;
  readonly retryingRunId?: string | undefined;
  readonly steps: readonly DbtRunStep[];
}

/** A step; what dbt wrote in it by file name. */
export interface DbtRunStep {
  /** From 1. */
  readonly index: number;
  readonly name: string;
  readonly status: "success" | "error" | "skipped";
  readonly files: Readonly<Record<string, JsonObject>>;
}

/** A run that changes with time. */
export interface LiveRun extends DbtCloudRun {
  status: DbtCloudRun["status"];
  dequeuedAt: number | undefined;
  startedAt: number | undefined;
  finishedAt: number | undefined;
  cancelAt: number | undefined;
  finishing: { readonly at: number; readonly outcome: "success" | "error" } | undefined;
  readonly job: DbtCloudJob;
  readonly plan: DbtRunPlan;
  steps: readonly DbtRunStep[];
}

/**
 * Brings all runs up to `now`, in the order in which they were asked for: one of a job at a time, CI jobs excepted, and no more
 * than there are slots.
 */
export function settleRuns(runs: readonly LiveRun[], now: number, slots: number): void {
  const jobs = new Map<string, number>();
  // When each slot is free again; those never taken are not in it.
  const taken: number[] = [];
  for (const run of runs) {
    const never = Number.NEGATIVE_INFINITY;
    const ofJob = run.job.ci === true ? never : (jobs.get(run.jobId) ?? never);
    const first = taken.length < slots ? never : Math.min(...taken);
    settleRun(run, Math.max(ofJob, first), now);
    const end = run.finishedAt ?? Number.POSITIVE_INFINITY;
    jobs.set(run.jobId, Math.max(ofJob, end));
    const hasNoSlot = run.dequeuedAt === undefined && run.finishedAt !== undefined;
    if (slots === Number.POSITIVE_INFINITY || hasNoSlot) continue;
    const slot = taken.length < slots ? taken.length : taken.indexOf(first);
    taken[slot] = end;
  }
}

function settleRun(run: LiveRun, free: number, now: number): void {
  if (run.status >= 10) return;
  const { queuedMs = 1000, startingMs = 1000, runMs = 10_000, outcome = "success" } = run.plan;
  const dequeued = Math.max(run.createdAt + queuedMs, free);
  const started = dequeued + startingMs;
  const never = Number.POSITIVE_INFINITY;
  const ends: readonly { readonly at: number; readonly status: 10 | 20 | 30 }[] = [
    { at: started + runMs, status: outcome === "success" ? 10 : 20 },
    { at: run.cancelAt ?? never, status: 30 },
    {
      at: run.finishing?.at ?? never,
      status: run.finishing?.outcome === "success" ? 10 : 20,
    },
  ];
  const end = ends.reduce((first, each) => (each.at < first.at ? each : first));
  if (dequeued <= Math.min(now, end.at)) run.dequeuedAt = dequeued;
  if (started <= Math.min(now, end.at)) run.startedAt = started;
  if (now >= end.at) {
    run.status = end.status;
    run.finishedAt = end.at;
    run.steps = stepsOf(run, end.status);
    return;
  }
  run.status = now >= started ? 3 : now >= dequeued ? 2 : 1;
}

/** Whether its files can be read. */
export function hasArtifacts(run: LiveRun, now: number): boolean {
  const { finishedAt, startedAt } = run;
  if (finishedAt === undefined || startedAt === undefined) return false;
  return now >= finishedAt + (run.plan.artifactsMs ?? 0);
}

function stepsOf(run: LiveRun, status: 10 | 20 | 30): readonly DbtRunStep[] {
  const { startedAt } = run;
  if (startedAt === undefined) return [];
  const commands = run.trigger.stepsOverride ?? run.job.executeSteps ?? ["dbt build"];
  const setUp = ["Clone git repository", "Create profile from connection", dbt("dbt deps")];
  const steps: DbtRunStep[] = setUp.map((name, index) => ({
    index: index + 1,
    name,
    status: "success",
    files: {},
  }));
  if (status === 30) return steps;
  const nodes = run.plan.nodes ?? [
    [
      { uniqueId: "model.shop.orders" },
      status === 10
        ? { uniqueId: "model.shop.customers" }
        : { uniqueId: "model.shop.customers", status: "error", message: "Database Error" },
    ],
  ];
  let failed = false;
  let given = 0;
  for (const command of commands) {
    const index = steps.length + 1;
    const invocationId = `${run.id}-${index}`;
    const name = dbt(command);
    if (failed) {
      steps.push({ index, name, status: "skipped", files: {} });
    } else if (/\bsource\s+(?:snapshot-)?freshness\b/.test(command)) {
      const sources = run.plan.sources ?? [{ uniqueId: "source.shop.raw.events" }];
      failed = sources.some(({ status = "pass" }) => /error/.test(status));
      const file = createDbtSources({ invocationId, startedAt, sources });
      steps.push({ index, name, status: endOf(failed), files: { "sources.json": file } });
    } else {
      const ours = nodes[given] ?? [];
      given += 1;
      failed = ours.some(({ status = "success" }) => status === "error" || status === "fail");
      const file = createDbtRunResults({ invocationId, startedAt, nodes: ours });
      const files: DbtRunStep["files"] = ours.length === 0 ? {} : { "run_results.json": file };
      steps.push({
        index,
        name,
        status: endOf(failed),
        files: { ...files, "manifest.json": { metadata: {}, nodes: {} } },
      });
    }
  }
  return steps;
}

function dbt(command: string): string {
  return `Invoke dbt with \`${command}\``;
}

function endOf(failed: boolean): "success" | "error" {
  return failed ? "error" : "success";
}
