import type { DatabricksJob, DatabricksPlan } from "./job.ts";

/** @internal */
export interface JobRun {
  readonly id: bigint;
  readonly job: DatabricksJob;
  readonly number: number;
  readonly createdAt: number;
  readonly parameters: Readonly<Record<string, string>>;
  /** As run-now got it. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly tasks: readonly { readonly key: string; readonly id: bigint }[];
  readonly repairs: {
    readonly id: bigint;
    readonly startedAt: number;
    readonly tasks: readonly string[];
    readonly before: RunView;
  }[];
  plan: DatabricksPlan;
  queuedAt: number;
  beganAt: number | undefined;
  /** Set where it ended without ever having begun. */
  endedAt: number | undefined;
  cancelledAt: number | undefined;
  /** No place and no queue. */
  refused: boolean;
  removed: boolean;
}

/** A run at a moment. */
export interface RunView {
  readonly active: boolean;
  /** Infinity while it is queued. */
  readonly endsAt: number;
  readonly status: { readonly state: string; readonly [key: string]: unknown };
  readonly state: Readonly<Record<string, unknown>>;
  readonly tasks: readonly {
    readonly task_key: string;
    readonly run_id: bigint;
    readonly failed: boolean;
    readonly status: unknown;
    readonly state: unknown;
  }[];
  readonly repairs: readonly unknown[];
}

/** A cancelled run takes this long to end. */
const terminatingMs = 2_000;
const fine = ["SUCCESS", "SUCCESS_WITH_FAILURES"];

export function createRun(start: {
  readonly id: bigint;
  readonly job: DatabricksJob;
  readonly body: Readonly<Record<string, unknown>>;
  readonly number: number;
  readonly now: number;
  readonly nextId: () => bigint;
  readonly refused: boolean;
}): JobRun {
  const { id, job, body, number, now, refused } = start;
  return {
    id,
    job,
    number,
    body,
    createdAt: now,
    queuedAt: now,
    parameters: (body.job_parameters ?? body.notebook_params ?? {}) as Record<string, string>,
    tasks: (job.tasks ?? ["main"]).map((key) => ({ key, id: start.nextId() })),
    repairs: [],
    plan: job.plan?.({ number, repair: 0 }) ?? {},
    beganAt: undefined,
    endedAt: refused ? now : undefined,
    cancelledAt: undefined,
    refused,
    removed: false,
  };
}

/** How a run is at a time; its begin has been settled. */
export function viewOf(run: JobRun, now: number): RunView {
  const { plan, beganAt, cancelledAt } = run;
  const runsAt =
    beganAt === undefined ? Number.POSITIVE_INFINITY : beganAt + (plan.pendingMs ?? 1_000);
  const byItself = run.endedAt ?? runsAt + (plan.runMs ?? 10_000);
  const endsAt =
    cancelledAt === undefined
      ? byItself
      : beganAt === undefined
        ? cancelledAt
        : Math.min(byItself, cancelledAt + terminatingMs);
  if (now < endsAt) {
    const phase = phaseOf(run, now, runsAt);
    return {
      active: true,
      endsAt,
      ...phase,
      tasks: run.tasks.map(({ key, id }) => ({
        task_key: key,
        run_id: id,
        failed: false,
        ...phase,
      })),
      repairs: repairsOf(run, phase),
    };
  }
  const cancelled = cancelledAt !== undefined && endsAt !== byItself;
  const code = run.refused
    ? "MAX_CONCURRENT_RUNS_EXCEEDED"
    : cancelled
      ? "USER_CANCELED"
      : (plan.code ?? "SUCCESS");
  const failedTasks = failedTasksOf(run, code);
  const ending = endingOf(run, code, failedTasks);
  return {
    active: false,
    endsAt,
    ...ending,
    tasks: run.tasks.map(({ key, id }) => {
      const failed = failedTasks.includes(key);
      return {
        task_key: key,
        run_id: id,
        failed,
        ...(failed ? ending : endingOf(run, cancelled ? code : "SUCCESS", [])),
      };
    }),
    repairs: repairsOf(run, ending),
  };
}

function phaseOf(run: JobRun, now: number, runsAt: number) {
  const label =
    run.beganAt === undefined
      ? "QUEUED"
      : run.cancelledAt !== undefined
        ? "TERMINATING"
        : now < runsAt
          ? "PENDING"
          : "RUNNING";
  const queue = { code: "MAX_CONCURRENT_RUNS_REACHED", message: "Reached max concurrent runs." };
  return {
    status: { state: label, ...(label === "QUEUED" && { queue_details: queue }) },
    state: {
      life_cycle_state: label,
      state_message: label === "QUEUED" ? "Queued due to reaching maximum concurrent runs." : "",
      ...(label === "QUEUED" && { queue_reason: queue.message }),
      user_cancelled_or_timedout: run.cancelledAt !== undefined,
    },
  };
}

function failedTasksOf(run: JobRun, code: string): readonly string[] {
  if (fine.includes(code) || run.refused) return [];
  const last = run.tasks.at(-1)?.key;
  return run.plan.failedTasks ?? (last === undefined ? [] : [last]);
}

function endingOf(run: JobRun, code: string, failedTasks: readonly string[]) {
  const { plan } = run;
  const message =
    failedTasks.length > 0 && plan.message === undefined && code === "RUN_EXECUTION_ERROR"
      ? `Task ${failedTasks[0]} failed with message: Workload failed, see run output for details.`
      : fine.includes(code)
        ? ""
        : (plan.message ?? "");
  const [lifeCycle, result] = deprecatedState(code);
  return {
    status: {
      state: "TERMINATED",
      termination_details: { code, type: typeOf(code, plan), message },
    },
    state: {
      life_cycle_state: lifeCycle,
      result_state: result,
      state_message: message,
      user_cancelled_or_timedout: /^(?:USER_CANCELED|CANCELED)$/.test(code),
    },
  };
}

function typeOf(code: string, plan: DatabricksPlan): string {
  if (fine.includes(code)) return "SUCCESS";
  if (plan.type !== undefined && plan.code === code) return plan.type;
  if (code === "INTERNAL_ERROR" || code === "CLOUD_FAILURE") return code;
  return "CLIENT_ERROR";
}

/** The field `state`, in which a failed task is an INTERNAL_ERROR of the run. */
function deprecatedState(code: string): readonly [string, string | undefined] {
  if (fine.includes(code)) return ["TERMINATED", code];
  if (code === "USER_CANCELED" || code === "CANCELED") return ["TERMINATED", "CANCELED"];
  if (code === "SKIPPED" || code === "DISABLED") return ["SKIPPED", undefined];
  if (code === "MAX_CONCURRENT_RUNS_EXCEEDED")
    return ["SKIPPED", "MAXIMUM_CONCURRENT_RUNS_REACHED"];
  return ["INTERNAL_ERROR", "FAILED"];
}

function repairsOf(run: JobRun, now: { readonly status: unknown; readonly state: unknown }) {
  if (run.repairs.length === 0) return [];
  const first = run.repairs[0];
  return [
    { type: "ORIGINAL", start_time: BigInt(run.createdAt), status: first?.before.status },
    ...run.repairs.map(({ id, startedAt, tasks }, index) => ({
      type: "REPAIR",
      id,
      start_time: BigInt(startedAt),
      task_run_ids: run.tasks.filter(({ key }) => tasks.includes(key)).map((task) => task.id),
      status: run.repairs[index + 1]?.before.status ?? now.status,
      state: run.repairs[index + 1]?.before.state ?? now.state,
    })),
  ];
}
