import type { JsonObject, RunReport } from "@pipehooks/core";

/** A run as `GET /api/2.2/jobs/runs/get` answers it, as far as it is read. Enumerations are open: texts. */
export interface RunAnswer {
  readonly run_page_url?: string;
  readonly start_time?: number;
  readonly end_time?: number;
  readonly run_duration?: number;
  readonly queue_duration?: number;
  readonly status?: {
    readonly state?: string;
    readonly queue_details?: { readonly code?: string; readonly message?: string };
    readonly termination_details?: {
      readonly code?: string;
      readonly type?: string;
      readonly message?: string;
    };
  };
  /** Deprecated, and still sent: a run whose task failed has the life cycle INTERNAL_ERROR here. */
  readonly state?: {
    readonly life_cycle_state?: string;
    readonly result_state?: string;
    readonly state_message?: string;
  };
  readonly tasks?: readonly TaskAnswer[];
  readonly repair_history?: readonly { readonly type?: string; readonly id?: number | string }[];
  readonly next_page_token?: string;
}

export interface TaskAnswer extends Pick<RunAnswer, "status" | "state"> {
  readonly task_key?: string;
  readonly run_id?: number | string;
}

/** How a run or a task has ended, or that it has not. */
export interface Ending {
  readonly state: RunReport["state"];
  /** As Databricks says it: a termination code, or a state. */
  readonly label: string;
  readonly type?: string | undefined;
  readonly message?: string | undefined;
}

const going = new Set(["PENDING", "RUNNING", "TERMINATING", "WAITING", "WAITING_FOR_RETRY"]);
const waiting = new Set(["QUEUED", "BLOCKED"]);
/** A success to Databricks' own notifications, too. */
const succeeded = new Set(["SUCCESS", "SUCCESS_WITH_FAILURES"]);
const cancelled = new Set(["CANCELED", "USER_CANCELED", "UPSTREAM_CANCELED"]);
const ended = new Set(["TERMINATED", "SKIPPED", "INTERNAL_ERROR"]);

/** Endings that another run would share: somebody has to change something, or wanted it so. */
const hopeless = new Set([
  ...["UNAUTHORIZED_ERROR", "INVALID_CLUSTER_REQUEST", "INVALID_RUN_CONFIGURATION"],
  ...["RESOURCE_NOT_FOUND", "FEATURE_DISABLED", "DISABLED", "SKIPPED", "BREAKING_CHANGE"],
  ...["BUDGET_POLICY_LIMIT_EXCEEDED", "CLUSTER_TERMINATED_BY_USER", "EXCLUDED"],
]);

/**
 * How a run is, by `status` and its termination details, and by the deprecated `state` where there is no `status`
 * (databricks-sdk-py `service/jobs.py`).
 */
export function endingOf({ status, state }: Pick<RunAnswer, "status" | "state">): Ending {
  const now = status?.state;
  if (now !== undefined) {
    if (now === "TERMINATED") {
      const { code, type, message } = status?.termination_details ?? {};
      return terminated(code ?? state?.result_state, type, message || state?.state_message);
    }
    return { ...goingOn(now), message: status?.queue_details?.message };
  }
  const lifeCycle = state?.life_cycle_state;
  if (lifeCycle === undefined) return { state: "unknown", label: "no state" };
  if (!ended.has(lifeCycle)) return goingOn(lifeCycle);
  return terminated(state?.result_state ?? lifeCycle, undefined, state?.state_message);
}

function goingOn(label: string): Ending {
  if (going.has(label)) return { state: "running", label };
  return { state: waiting.has(label) ? "queued" : "unknown", label };
}

function terminated(
  code: string | undefined,
  type: string | undefined,
  message: string | undefined,
): Ending {
  const label = code ?? "TERMINATED";
  const rest = { label, type, message: message === "" ? undefined : message };
  if (cancelled.has(label)) return { state: "cancelled", ...rest };
  if (succeeded.has(label) || type === "SUCCESS") return { state: "succeeded", ...rest };
  // Ended, with nothing said of how: to call that a success would be a guess.
  return { state: "failed", ...rest };
}

/** The tasks that failed. */
export function failedTasks({
  tasks = [],
}: RunAnswer): readonly (TaskAnswer & { ending: Ending })[] {
  return (
    tasks
      .map((task) => ({ ...task, ending: endingOf(task) }))
      .filter(({ ending }) => ending.state === "failed")
      // Those that never began because another one failed say nothing of their own.
      .filter(({ ending }) => ending.label !== "UPSTREAM_FAILED")
  );
}

/** What `look` tells of a run. */
export function toReport(run: RunAnswer, tasks: readonly JsonObject[]): RunReport {
  const { state, label, type, message } = endingOf(run);
  const first = tasks.find(({ error }) => typeof error === "string");
  const text = [message, first && `${String(first.task_key)}: ${String(first.error)}`]
    .filter((part) => part !== undefined)
    .join(" ");
  return {
    state,
    label,
    url: run.run_page_url,
    ...(text !== "" && { message: text }),
    worthAnotherRun: state === "failed" && !hopeless.has(label),
    detail: {
      termination_code: label,
      ...(type !== undefined && { termination_type: type }),
      ...(tasks.length > 0 && { failed_tasks: tasks }),
      ...(positive(run.queue_duration) && { queue_ms: run.queue_duration }),
      ...(positive(run.run_duration) && { run_ms: run.run_duration }),
    },
  };
}

function positive(value: number | undefined): value is number {
  return typeof value === "number" && value >= 0;
}
