import type { DatabricksJob } from "./job.ts";
import { invalid, Refusal } from "./refusal.ts";
import { createRun, type JobRun, type RunView, viewOf } from "./run.ts";
import { checkStart } from "./start.ts";

export interface JobsOptions {
  readonly now: () => number;
  readonly url: () => string;
  /** Status for what is not there; versions of the API differ. */
  readonly missing: 400 | 404;
}

/** Jobs API 2.2 as databricks-sdk-py `service/jobs.py` and the CLI's `libs/testserver` have it. */
export interface Jobs {
  readonly runs: readonly JobRun[];
  add(job: DatabricksJob): void;
  runNow(body: Record<string, unknown>): unknown;
  get(query: URLSearchParams): Record<string, unknown>;
  list(query: URLSearchParams): unknown;
  cancel(body: Record<string, unknown>): unknown;
  cancelAll(body: Record<string, unknown>): unknown;
  repair(body: Record<string, unknown>): unknown;
  output(query: URLSearchParams): unknown;
  job(query: URLSearchParams): unknown;
  jobs(query: URLSearchParams): unknown;
  view(run: JobRun): RunView;
  remove(runId: string): void;
}

// Beyond 2^53, so that a client that rounds asks for a run that is not there.
const firstRunId = 9_007_199_254_741_993n;
const pageOfTasks = 100;

export function createJobs({ now, url, missing }: JobsOptions): Jobs {
  const jobs = new Map<string, DatabricksJob>();
  const runs: JobRun[] = [];
  const tokens = new Map<string, JobRun>();
  let lastId = firstRunId;
  const nextId = () => {
    lastId += 2n;
    return lastId;
  };

  const notThere = (what: string) =>
    missing === 400
      ? invalid(`${what} does not exist.`)
      : new Refusal(404, "RESOURCE_DOES_NOT_EXIST", `${what} does not exist.`);

  /** Begins queued runs where a place was free by now. */
  const settle = (job: DatabricksJob) => {
    const own = runs.filter((run) => run.job.id === job.id);
    for (const run of own) {
      if (run.beganAt !== undefined || run.endedAt !== undefined) continue;
      const ends = own
        .filter((other) => other.beganAt !== undefined)
        .map((other) => viewOf(other, now()).endsAt)
        .sort((a, b) => a - b);
      const free = ends[ends.length - (job.maxConcurrentRuns ?? 1)] ?? run.queuedAt;
      const beginsAt = Math.max(run.queuedAt, free);
      if (beginsAt > now()) return;
      run.beganAt = beginsAt;
    }
  };

  const view = (run: JobRun): RunView => {
    settle(run.job);
    return viewOf(run, now());
  };

  const jobOf = (id: unknown, wanted: "manage" | "view"): DatabricksJob => {
    if (id === undefined || id === null) throw invalid("job_id is missing.");
    const job = jobs.get(String(id));
    if (job === undefined) throw notThere(`Job ${String(id)}`);
    const has = job.permission ?? "manage";
    if (has === "none" || (wanted === "manage" && has !== "manage")) {
      throw new Refusal(
        403,
        "PERMISSION_DENIED",
        `User does not have ${wanted === "manage" ? "Manage Run" : "View"} permission on job ${job.id}.`,
      );
    }
    return job;
  };

  const runOf = (id: unknown, wanted: "manage" | "view"): JobRun => {
    const run = runs.find((each) => String(each.id) === String(id) && !each.removed);
    if (run === undefined) throw notThere(`Run ${String(id)}`);
    jobOf(run.job.id, wanted);
    return run;
  };

  const end = (run: JobRun) => {
    const { active, endsAt } = view(run);
    if (active) run.cancelledAt ??= Math.min(now(), endsAt);
  };

  const describe = (
    run: JobRun,
    withTasks: boolean,
    pageToken?: string | null,
  ): Record<string, unknown> => {
    const seen = view(run);
    const at = Number(pageToken ?? 0);
    const tasks = seen.tasks.slice(at, at + pageOfTasks);
    return {
      job_id: BigInt(run.job.id),
      run_id: run.id,
      job_run_id: run.id,
      number_in_job: run.id,
      original_attempt_run_id: run.id,
      attempt_number: 0,
      creator_user_name: "hooks@example.com",
      run_name: run.job.name ?? `job ${run.job.id}`,
      run_page_url: `${url()}/?o=1234567890123456#job/${run.job.id}/run/${run.id}`,
      run_type: "JOB_RUN",
      trigger: "ONE_TIME",
      start_time: BigInt(run.createdAt),
      end_time: BigInt(seen.active ? 0 : seen.endsAt),
      setup_duration: 0,
      execution_duration: 0,
      cleanup_duration: 0,
      queue_duration: BigInt((run.beganAt ?? now()) - run.queuedAt),
      ...(!seen.active && { run_duration: BigInt(seen.endsAt - run.createdAt) }),
      job_parameters: parametersOf(run),
      status: seen.status,
      state: seen.state,
      ...(withTasks && { tasks }),
      ...(withTasks && seen.repairs.length > 0 && { repair_history: seen.repairs }),
      ...(withTasks &&
        seen.tasks.length > at + pageOfTasks && { next_page_token: String(at + pageOfTasks) }),
    };
  };

  const summary = (job: DatabricksJob) => ({
    job_id: BigInt(job.id),
    creator_user_name: "owner@example.com",
    settings: {
      name: job.name ?? `job ${job.id}`,
      max_concurrent_runs: job.maxConcurrentRuns ?? 1,
      queue: { enabled: job.queue ?? true },
      parameters: Object.entries(job.parameters ?? {}).map(([name, value]) => ({
        name,
        default: value,
      })),
    },
    created_time: 1_700_000_000_000n,
  });

  return {
    runs,
    view,
    add(job) {
      jobs.set(job.id, job);
    },
    remove(runId) {
      const run = runs.find(({ id }) => String(id) === runId);
      if (run !== undefined) run.removed = true;
    },
    runNow(body) {
      checkStart(body);
      const job = jobOf(body.job_id, "manage");
      const token = body.idempotency_token as string | undefined;
      const known = token === undefined ? undefined : tokens.get(token);
      if (known?.removed === true) throw invalid(`The run of this idempotency token was deleted.`);
      if (known !== undefined) return { run_id: known.id, number_in_job: known.id };
      settle(job);
      const own = runs.filter((run) => run.job.id === job.id);
      const active = own.filter((run) => viewOf(run, now()).active).length;
      const queue = (body.queue as { enabled?: boolean } | undefined)?.enabled ?? job.queue ?? true;
      const run = createRun({
        id: nextId(),
        job,
        body,
        number: own.length,
        now: now(),
        nextId,
        refused: !queue && active >= (job.maxConcurrentRuns ?? 1),
      });
      runs.push(run);
      if (token !== undefined) tokens.set(token, run);
      return { run_id: run.id, number_in_job: run.id };
    },
    get(query) {
      const answer = describe(runOf(query.get("run_id"), "view"), true, query.get("page_token"));
      if (query.get("include_history") !== "true") delete answer.repair_history;
      return answer;
    },
    list(query) {
      const limit = Number(query.get("limit") ?? 20);
      if (!(limit >= 1 && limit <= 25)) throw invalid("limit must be between 1 and 25.");
      const jobId = query.get("job_id");
      if (jobId !== null) jobOf(jobId, "view");
      const from = Number(query.get("start_time_from") ?? 0);
      const to = Number(query.get("start_time_to") ?? Number.MAX_SAFE_INTEGER);
      const found = runs
        .filter((run) => !run.removed && (jobId === null || run.job.id === jobId))
        .filter((run) => (run.job.permission ?? "manage") !== "none")
        .filter((run) => run.createdAt >= from && run.createdAt <= to)
        .filter((run) => query.get("active_only") !== "true" || view(run).active)
        .filter((run) => query.get("completed_only") !== "true" || !view(run).active)
        .reverse();
      const at = Number(query.get("page_token") ?? 0);
      const hasMore = found.length > at + limit;
      return {
        ...(found.length > at && {
          runs: found
            .slice(at, at + limit)
            .map((run) => describe(run, query.get("expand_tasks") === "true")),
        }),
        has_more: hasMore,
        ...(hasMore && { next_page_token: String(at + limit) }),
      };
    },
    cancel(body) {
      end(runOf(body.run_id, "manage"));
      return {};
    },
    cancelAll(body) {
      const queuedToo = body.all_queued_runs === true;
      const job = body.job_id === undefined ? undefined : jobOf(body.job_id, "manage");
      for (const run of runs) {
        if (job !== undefined && run.job.id !== job.id) continue;
        if (queuedToo || view(run).status.state !== "QUEUED") end(run);
      }
      return {};
    },
    repair(body) {
      const run = runOf(body.run_id, "manage");
      const before = view(run);
      if (before.active) {
        throw new Refusal(400, "INVALID_STATE", `Run ${run.id} is active and cannot be repaired.`);
      }
      const last = run.repairs.at(-1)?.id;
      if (last !== undefined && String(body.latest_repair_id) !== String(last)) {
        throw invalid(`latest_repair_id must be ${last}.`);
      }
      const listed = body.rerun_tasks as readonly string[] | undefined;
      const failed = before.tasks.filter(({ failed: isFailed }) => isFailed);
      if ((listed === undefined) === (body.rerun_all_failed_tasks !== true)) {
        throw invalid("One of rerun_tasks and rerun_all_failed_tasks is needed.");
      }
      const again = listed ?? failed.map(({ task_key }) => task_key);
      if (again.length === 0) throw invalid(`Run ${run.id} has no failed tasks to repair.`);
      const id = nextId();
      run.repairs.push({ id, startedAt: now(), tasks: again, before });
      run.queuedAt = now();
      run.beganAt = undefined;
      run.endedAt = undefined;
      run.cancelledAt = undefined;
      run.refused = false;
      run.plan = run.job.plan?.({ number: run.number, repair: run.repairs.length }) ?? {};
      return { repair_id: id };
    },
    output(query) {
      const id = query.get("run_id");
      for (const run of runs) {
        if (String(run.id) === id && run.tasks.length > 1) {
          throw invalid("Retrieving the output of runs with multiple tasks is not supported.");
        }
        const at = run.tasks.findIndex((task) => String(task.id) === id || String(run.id) === id);
        const task = view(run).tasks[at];
        if (task === undefined) continue;
        return {
          metadata: describe(run, false),
          ...(task.failed
            ? { error: run.plan.message ?? "Workload failed", error_trace: "Traceback …" }
            : { notebook_output: { result: run.plan.output ?? "", truncated: false } }),
        };
      }
      throw notThere(`Run ${id}`);
    },
    job: (query) => summary(jobOf(query.get("job_id"), "view")),
    jobs(query) {
      const limit = Number(query.get("limit") ?? 20);
      if (!(limit >= 1 && limit <= 100)) throw invalid("limit must be between 1 and 100.");
      const name = query.get("name")?.toLowerCase();
      const found = [...jobs.values()]
        .filter(({ permission }) => permission !== "none")
        .filter((job) => name === undefined || (job.name ?? "").toLowerCase() === name);
      const at = Number(query.get("page_token") ?? 0);
      const hasMore = found.length > at + limit;
      return {
        jobs: found.slice(at, at + limit).map(summary),
        has_more: hasMore,
        ...(hasMore && { next_page_token: String(at + limit) }),
      };
    },
  };
}

function parametersOf({ job, parameters }: JobRun) {
  const names = new Set([...Object.keys(job.parameters ?? {}), ...Object.keys(parameters)]);
  return [...names].map((name) => ({
    name,
    default: job.parameters?.[name] ?? "",
    value: parameters[name] ?? job.parameters?.[name] ?? "",
  }));
}
