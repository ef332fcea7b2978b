import type { DbtCloudAccount } from "./account.ts";
import type { DbtCloudJob, DbtRunStep, LiveRun } from "./runs.ts";

const labels: Readonly<Record<number, string>> = {
  1: "Queued",
  2: "Starting",
  3: "Running",
  10: "Success",
  20: "Error",
  30: "Cancelled",
};

// 64-bit ids are written as JSON numbers with all their digits.
const mark = "\u0001";
const marked = /"\\u0001(\d+)"/g;

/** Stands for a number of any size in what {@link toJson} writes. */
function exact(id: string | number): string {
  return /^\d+$/.test(String(id)) ? `${mark}${id}` : String(id);
}

export function toJson(value: unknown): string {
  return JSON.stringify(value).replace(marked, "$1");
}

/** A run as the API shows it; what `include_related` names is included. */
export function runJson(
  run: LiveRun,
  view: {
    readonly account: DbtCloudAccount;
    readonly accountId: string;
    readonly url: string;
    readonly related: readonly string[];
    readonly now: number;
    /** Instead of its own. */
    readonly status?: number | undefined;
  },
): object {
  const { account, accountId, url, related, now } = view;
  const { job, trigger, plan } = run;
  const status = view.status ?? run.status;
  const isComplete = status >= 10 && view.status === undefined;
  const refusal = account.retryRefusal(run);
  const begun = run.dequeuedAt ?? run.finishedAt ?? now;
  const ended = run.finishedAt ?? now;
  const projectId = job.projectId ?? 7;
  const body = trigger.body;
  return {
    id: exact(run.id),
    job_definition_id: exact(run.jobId),
    job_id: exact(run.jobId),
    account_id: exact(accountId),
    project_id: projectId,
    environment_id: job.environmentId ?? 11,
    trigger_id: exact(run.id),
    status,
    status_humanized: labels[status] ?? "Something new",
    status_message: status === 20 ? (plan.statusMessage ?? "dbt command failed") : null,
    in_progress: !isComplete,
    is_running: status === 3,
    is_complete: isComplete,
    is_success: status === 10,
    is_error: status === 20,
    is_cancelled: status === 30,
    created_at: time(run.createdAt),
    updated_at: time(ended),
    dequeued_at: time(run.dequeuedAt),
    started_at: time(run.startedAt),
    finished_at: time(run.finishedAt),
    should_start_at: time(run.createdAt),
    last_heartbeat_at: time(run.startedAt),
    duration: clock(ended - run.createdAt),
    queued_duration: clock(begun - run.createdAt),
    run_duration: clock(ended - begun),
    git_branch: body.git_branch ?? "main",
    git_sha: body.git_sha ?? "0a1b2c3d",
    dbt_version: body.dbt_version_override ?? "versionless",
    href: `${url}/deploy/${accountId}/projects/${projectId}/runs/${run.id}/`,
    artifacts_saved: account.artifactsSaved(run),
    has_docs_generated: false,
    has_sources_generated: run.steps.some(({ files }) => files["sources.json"] !== undefined),
    blocked_by: [],
    deferring_run_id: null,
    retrying_run_id: run.retryingRunId === undefined ? null : exact(run.retryingRunId),
    can_retry: refusal === undefined,
    retry_not_supported_reason: refusal ?? null,
    trigger: related.includes("trigger") ? triggerJson(run) : null,
    job: related.includes("job") ? jobJson(job, accountId) : null,
    environment: null,
    run_steps: related.includes("run_steps")
      ? run.steps.map((step) => stepJson(step, plan.log))
      : [],
  };
}

function triggerJson({ id, trigger }: LiveRun): object {
  const { body } = trigger;
  return {
    id: exact(id),
    cause: trigger.cause,
    cause_category: trigger.causeCategory,
    job_definition_id: null,
    git_branch: body.git_branch ?? null,
    git_sha: body.git_sha ?? null,
    schema_override: body.schema_override ?? null,
    target_name_override: body.target_name_override ?? null,
    dbt_version_override: body.dbt_version_override ?? null,
    threads_override: body.threads_override ?? null,
    timeout_seconds_override: body.timeout_seconds_override ?? null,
    generate_docs_override: body.generate_docs_override ?? null,
    steps_override: trigger.stepsOverride ?? null,
  };
}

export function jobJson(job: DbtCloudJob, accountId: string): object {
  return {
    id: exact(job.id),
    account_id: exact(accountId),
    project_id: job.projectId ?? 7,
    environment_id: job.environmentId ?? 11,
    name: job.name ?? `Job ${job.id}`,
    execute_steps: job.executeSteps ?? ["dbt build"],
    state: job.state ?? 1,
    triggers: { github_webhook: false, schedule: false, git_provider_webhook: false },
    execution: { timeout_seconds: 0 },
    settings: { threads: 4, target_name: "default" },
    job_type: job.ci === true ? "ci" : "other",
  };
}

const stepStatus = { success: [10, "Success"], error: [20, "Error"], skipped: [30, "Cancelled"] };

/** A log is there twice, as far as it is short enough. */
function stepJson({ index, name, status }: DbtRunStep, log = `Running ${name}\n`): object {
  const [number, label] = stepStatus[status];
  return {
    id: index,
    index,
    name,
    status: number,
    status_humanized: label,
    logs: log,
    debug_logs: "",
    truncated_debug_logs: log,
  };
}

/** `2026-01-31 19:28:07.123000+00:00` */
function time(at: number | undefined): string | null {
  if (at === undefined) return null;
  return new Date(at).toISOString().replace("T", " ").replace("Z", "000+00:00");
}

/** `HH:MM:SS` */
function clock(ms: number): string {
  return new Date(Math.max(0, ms)).toISOString().slice(11, 19);
}
