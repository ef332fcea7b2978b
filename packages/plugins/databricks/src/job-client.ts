import { hash } from "node:crypto";
import {
  type ActiveRun,
  type Delivery,
  effectOf,
  HookError,
  type JsonObject,
  type JsonValue,
  jsonInteger,
  type RemoteRunClient,
  type StartedRun,
  type Trigger,
} from "@pipehooks/core";
import type { ChosenJob, JobChoice } from "./mapping.ts";
import { endingOf, failedTasks, type RunAnswer, toReport } from "./report.ts";
import type { Workspace } from "./workspace.ts";

/** A page of runs is at most this long. */
const pageSize = 25;
/** Pages that are read of one list; further ones would tell nothing new. */
const mostPages = 20;
/** Failed tasks that are told of, and of how many the output is read. */
const mostTasks = 20;
const mostOutputs = 3;
/** What is told of a task's error, in characters. */
const mostError = 500;
/** Runs of which the job is remembered; at twenty starts a second lists lag by fewer. */
const mostStarted = 1_000;

/** Runs of jobs, by the Jobs API 2.2 (databricks-sdk-py `service/jobs.py`). */
export function createJobClient(
  workspace: Workspace,
  { choice, repair }: { readonly choice: JobChoice; readonly repair: boolean },
): RemoteRunClient {
  const [only, ...others] = choice.jobs.keys();
  const started = createStartedJobs();

  const jobOf = (delivery: Delivery): ChosenJob => {
    const job = choice.choose(delivery);
    if ("none" in job) throw new HookError("REQUEST_INVALID", `No job is started: ${job.none}.`);
    return job;
  };

  const get = async (
    { id, extra }: StartedRun,
    signal: AbortSignal,
    pageToken?: string,
  ): Promise<RunAnswer> => {
    const { json } = await workspace.jobs("GET", "/runs/get", {
      signal,
      query: {
        run_id: id,
        include_history: repairsOf(extra) > 0 || repair ? true : undefined,
        page_token: pageToken,
      },
    });
    return Object(json) as RunAnswer;
  };

  /** Every task of a run: pages of a hundred. */
  const withAllTasks = async (run: StartedRun, signal: AbortSignal, first: RunAnswer) => {
    const tasks = [...(first.tasks ?? [])];
    let next = first.next_page_token;
    for (let page = 1; page < mostPages && next !== undefined; page += 1) {
      const more = await get(run, signal, next);
      tasks.push(...(more.tasks ?? []));
      next = more.next_page_token;
    }
    return { ...first, tasks };
  };

  const describeFailed = async (
    run: StartedRun,
    answer: RunAnswer,
    signal: AbortSignal,
  ): Promise<readonly JsonObject[]> => {
    const failed = failedTasks(await withAllTasks(run, signal, answer)).slice(0, mostTasks);
    return Promise.all(
      failed.map(async ({ task_key = "", run_id, ending }, index): Promise<JsonObject> => {
        const output =
          index < mostOutputs && run_id !== undefined ? await errorOf(String(run_id), signal) : "";
        const error = output || ending.message;
        return {
          task_key,
          ...(run_id !== undefined && { run_id: String(run_id) }),
          code: ending.label,
          ...(error !== undefined && { error: workspace.hide(error).slice(0, mostError) }),
        };
      }),
    );
  };

  /** What a failed task wrote; that it cannot be read must not hide that it failed. */
  const errorOf = async (taskRunId: string, signal: AbortSignal): Promise<string> => {
    try {
      const { json } = await workspace.jobs("GET", "/runs/get-output", {
        signal,
        query: { run_id: taskRunId },
        mostBytes: 8 * 1024 ** 2,
      });
      const error: unknown = Reflect.get(Object(json), "error");
      return typeof error === "string" ? error : "";
    } catch (error) {
      if (signal.aborted) throw error;
      return "";
    }
  };

  return {
    what: others.length === 0 ? `Databricks job ${only}` : "a Databricks job",
    eventPrefix: "databricks",
    idempotent: true,
    isUnknown: (error) => effectOf(error) === "unknown",
    async start({ delivery, marker, signal }) {
      const job = jobOf(delivery);
      const body = startBody(job, marker);
      const { json } = await workspace.jobs("POST", "/run-now", { signal, body });
      const id: unknown = Reflect.get(Object(json), "run_id");
      if (typeof id !== "string" && typeof id !== "number") {
        throw workspace.odd("run-now was answered without a run id");
      }
      started.keep(String(id), job.jobId);
      return { id: String(id) };
    },
    async look(run, signal) {
      const answer = await get(run, signal);
      // A repair that was just asked for may not be seen at once.
      if ((answer.repair_history ?? []).filter(isRepair).length < repairsOf(run.extra)) {
        return { state: "running", label: "REPAIR_REQUESTED" };
      }
      const isFailed = endingOf(answer).state === "failed";
      const report = toReport(answer, isFailed ? await describeFailed(run, answer, signal) : []);
      const { message } = report;
      return message === undefined ? report : { ...report, message: workspace.hide(message) };
    },
    async cancel({ id }, signal) {
      await workspace.jobs("POST", "/runs/cancel", { signal, body: { run_id: jsonInteger(id) } });
    },
    async active(delivery) {
      const { jobId } = jobOf(delivery);
      const found: ActiveRun[] = [];
      let next: string | undefined;
      for (let page = 0; page < mostPages; page += 1) {
        const { json } = await workspace.jobs("GET", "/runs/list", {
          signal: delivery.signal,
          query: { job_id: jobId, active_only: true, limit: pageSize, page_token: next },
        });
        const { runs = [], next_page_token } = Object(json) as RunList;
        found.push(...runs.map(toActiveRun));
        next = next_page_token;
        if (next === undefined || next === "") break;
      }
      // The newest come first.
      return found.reverse();
    },
    counts: (id, delivery) => started.jobOf(id) === jobOf(delivery).jobId,
    ...(repair && {
      async startAgain(run: StartedRun, { delivery, signal }: Trigger): Promise<StartedRun> {
        started.keep(run.id, jobOf(delivery).jobId);
        const answer = await get(run, signal);
        const done = (answer.repair_history ?? []).filter(isRepair);
        const again = { ...run, extra: { ...run.extra, repairs: done.length } };
        // An earlier try at this repair has been taken, though its answer was lost.
        if (done.length > repairsOf(run.extra) || !isOver(answer)) return again;
        const latest = done.at(-1)?.id;
        await workspace.jobs("POST", "/runs/repair", {
          signal,
          body: {
            run_id: jsonInteger(run.id),
            rerun_all_failed_tasks: true,
            ...(latest !== undefined && { latest_repair_id: jsonInteger(String(latest)) }),
          },
        });
        return { ...run, extra: { ...run.extra, repairs: done.length + 1 } };
      },
    }),
  };
}

/** Body of run-now. Its token makes a resend find the first run, for as long as the run is there. */
export function startBody(job: ChosenJob, marker: string): JsonObject {
  return {
    job_id: jsonInteger(job.jobId),
    idempotency_token: hash("sha256", marker, "hex"),
    ...job.renderStart(),
  };
}

/** Jobs of the runs that this process has started, of the youngest: lists may not have them yet. */
function createStartedJobs() {
  const jobs = new Map<string, string>();
  return {
    jobOf: (id: string): string | undefined => jobs.get(id),
    keep(id: string, jobId: string): void {
      jobs.delete(id);
      jobs.set(id, jobId);
      const [oldest] = jobs.keys();
      if (jobs.size > mostStarted && oldest !== undefined) jobs.delete(oldest);
    },
  };
}

interface RunList {
  readonly runs?: readonly (RunAnswer & { readonly run_id: number | string })[];
  readonly next_page_token?: string;
}

function toActiveRun(run: NonNullable<RunList["runs"]>[number]): ActiveRun {
  return {
    id: String(run.run_id),
    url: run.run_page_url,
    queued: endingOf(run).state === "queued",
  };
}

function isOver(answer: RunAnswer): boolean {
  return ["succeeded", "failed", "cancelled"].includes(endingOf(answer).state);
}

function isRepair({ type }: { readonly type?: string }): boolean {
  return type === "REPAIR";
}

function repairsOf(extra: JsonObject | undefined): number {
  const repairs: JsonValue | undefined = extra?.repairs;
  return typeof repairs === "number" ? repairs : 0;
}
