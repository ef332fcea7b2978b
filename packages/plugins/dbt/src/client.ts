import {
  type ActiveRun,
  type Delivery,
  effectOf,
  type HookContext,
  HookError,
  isHookError,
  JsonApiError,
  type JsonObject,
  type JsonValue,
  type RemoteRunClient,
  type RunReport,
  type StartedRun,
  type Trigger,
} from "@pipehooks/core";
import { type DbtApi, idOf, objectOf, textOf } from "./api.ts";
import { isSaving, readArtifacts } from "./artifacts.ts";
import { parseCause } from "./cause.ts";
import { placeNames } from "./overrides.ts";
import { summarizeDbt } from "./results.ts";
import { clockSkewMs, factsOf, labelOf, stateOf, timeOf, toStartedRun, urlOf } from "./run.ts";
import { coversSteps } from "./steps.ts";

export interface DbtClientOptions {
  readonly what: string;
  readonly origin: string;
  readonly onRunning: "queue" | "skip" | "one_follow_up" | "cancel_and_replace";
  readonly results: boolean;
  readonly retryOn: "transient" | "any";
  readonly retryRun: number;
  /** Which job a delivery starts, and with which body; the marker goes into its cause. */
  readonly request: (
    delivery: Delivery,
    marker: string,
  ) => { readonly job: string; readonly body: JsonObject };
}

const pageSize = 100;
/** Pages of a job's runs that are looked through for one of ours. */
const mostPages = 5;
/** Part of an attempt's time that may go into reading files. */
const readingMs = 20_000;

/** Runs of dbt Cloud's jobs (https://docs.getdbt.com/dbt-cloud/api-v2). There is no idempotency key: the cause carries a marker. */
export function createDbtClient(
  api: DbtApi,
  options: DbtClientOptions,
  { name, clock, redact }: Pick<HookContext, "name" | "clock" | "redact">,
): RemoteRunClient {
  const { origin, request } = options;

  const recent = createRecent();

  const toRun = (data: unknown, what: string): StartedRun => {
    const run = toStartedRun(data as JsonObject, origin);
    if (run !== undefined) return run;
    throw new JsonApiError("RECEIVER_FAILED", `${name}: dbt Cloud answered no run to ${what}.`, {
      effect: "unknown",
      retryable: true,
    });
  };

  /** Runs of a job, newest first. */
  async function* runsOf(
    job: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): AsyncGenerator<JsonObject> {
    for (let page = 0; page < mostPages; page += 1) {
      const { items, total } = await api.list("runs/", {
        query: {
          job_definition_id: job,
          include_related: "trigger",
          order_by: "-id",
          limit: pageSize,
          offset: page * pageSize,
          ...query,
        },
        signal,
      });
      yield* items;
      if (items.length < pageSize || (total !== undefined && total <= (page + 1) * pageSize))
        return;
    }
  }

  const start = async (trigger: Trigger): Promise<StartedRun> => {
    const { job, body } = request(trigger.delivery, trigger.marker);
    const { signal } = trigger;
    const data = await api.call("POST", `jobs/${job}/run/`, { body, signal });
    const run = toRun(data, "its start");
    recent.keep(run.id, { job, body });
    return run;
  };

  const look = async (started: StartedRun, signal: AbortSignal): Promise<RunReport> => {
    const { run, at = clock.now() } = await api.run(started.id, signal);
    const state = stateOf(run);
    const report = {
      state,
      label: labelOf(run),
      ...(urlOf(run, origin) !== undefined && { url: urlOf(run, origin) }),
    };
    if (state !== "succeeded" && state !== "failed" && state !== "cancelled") return report;
    if (options.results && isSaving(run, at)) return { ...report, state: "running" };
    const { summary, detail } = await resultsOf(run, signal);
    const messages = [textOf(run.status_message), summary?.message];
    const message = messages.filter((text) => text !== undefined).join(": ");
    const said = message === "" || state === "succeeded" ? undefined : redact(message);
    return {
      ...report,
      ...(said !== undefined && { message: said }),
      detail: { ...factsOf(run), ...detail },
      ...(state === "failed" && {
        worthAnotherRun: await isWorthAnotherRun(run, summary?.isPassing === true, signal),
      }),
    };
  };

  const resultsOf = async (run: JsonObject, signal: AbortSignal) => {
    if (!options.results || run.artifacts_saved === false) return { detail: {} };
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(readingMs)]);
    const { files, steps, problem } = await readArtifacts(api, run, bounded);
    signal.throwIfAborted();
    const summary = summarizeDbt(files, redact);
    const detail: JsonObject = {
      ...summary.detail,
      ...(steps.length > 0 && { steps: steps.slice(-50) }),
      ...(problem !== undefined && { results_problem: redact(problem).slice(0, 500) }),
    };
    return { summary, detail };
  };

  const isWorthAnotherRun = async (
    run: JsonObject,
    isPassing: boolean,
    signal: AbortSignal,
  ): Promise<boolean> => {
    if (options.retryRun === 0) return false;
    if (options.retryOn === "transient" && !isPassing) return false;
    return !(await hasNewer(run, signal));
  };

  /** What a newer run of the job builds need not be built again. */
  const hasNewer = async (run: JsonObject, signal: AbortSignal): Promise<boolean> => {
    if (run.retry_not_supported_reason === "RETRY_NOT_LATEST_RUN") return true;
    const started = toStartedRun(run, origin);
    const job = started?.extra?.job;
    if (started === undefined || typeof job !== "string") return false;
    for await (const newer of runsOf(job, { id__gt: started.id }, signal)) {
      if (BigInt(idOf(newer.id) ?? 0) > BigInt(started.id)) return true;
    }
    return false;
  };

  return {
    what: options.what,
    eventPrefix: "dbt",
    idempotent: false,
    // The marker is in every list of a job's runs.
    findProves: true,
    start,
    look,
    isUnknown: (error) => effectOf(error) === "unknown",
    async find({ delivery, marker, previous, since, signal }) {
      const { job } = request(delivery, marker);
      let seen = 0;
      for await (const run of runsOf(job, {}, signal)) {
        seen += 1;
        const ours = parseCause(objectOf(run.trigger)?.cause);
        const isRetry = previous !== undefined && idOf(run.retrying_run_id) === previous.id;
        if (isRetry || (ours?.hook === name && ours.marker === marker)) {
          return { ...toRun(run, "its list of runs"), startedAt: timeOf(run.created_at) };
        }
        // Newest first: what comes now is older than what is looked for.
        if ((timeOf(run.created_at) ?? since) < since - clockSkewMs) return undefined;
      }
      if (seen < mostPages * pageSize) return undefined;
      throw new HookError(
        "RECEIVER_FAILED",
        `${name}: job ${job} has more than ${seen} newer runs, so it is not known whether one of them is this one.`,
        { retryable: true },
      );
    },
    async cancel({ id }, signal) {
      try {
        await api.call("POST", `runs/${id}/cancel/`, { signal });
      } catch (error) {
        // It may have ended meanwhile, which the next look sees.
        const status = isHookError(error) ? error.answer?.status : undefined;
        if (status !== 400 && status !== 409) throw error;
        const { run } = await api.run(id, signal);
        if (!["succeeded", "failed", "cancelled"].includes(stateOf(run))) throw error;
      }
    },
    async active(delivery) {
      // Any marker will do: it is not sent.
      const { job, body } = request(delivery, "none");
      const found: ActiveRun[] = [];
      const query = { status__in: "[1,2,3]", include_related: "trigger,job" };
      for await (const run of runsOf(job, query, delivery.signal)) {
        const started = isOurs(run, body) ? toStartedRun(run, origin) : undefined;
        if (started !== undefined) found.push({ ...started, queued: stateOf(run) === "queued" });
      }
      return found.reverse();
    },
    counts(id, delivery) {
      const theirs = recent.get(id);
      if (theirs === undefined) return false;
      const { job, body } = request(delivery, "none");
      return theirs.job === job && isCounted(theirs.body, body);
    },
    async startAgain(run, trigger) {
      const { signal } = trigger;
      const { run: before } = await api.run(run.id, signal);
      if (await hasNewer(before, signal)) {
        throw new HookError(
          "RECEIVER_REFUSED",
          `${name}: run ${run.id} is not run again, since there is a newer run of its job.`,
        );
      }
      if (before.can_retry !== true) return start(trigger);
      const data = await api.call("POST", `runs/${run.id}/retry/`, { signal });
      return toRun(data, "its retry");
    },
  };

  /** Whether a run of the list counts: people's runs and CI must not consume a load, nor be cancelled for one. */
  function isOurs(run: JsonObject, body: JsonObject): boolean {
    const trigger = objectOf(run.trigger);
    const ours = parseCause(trigger?.cause);
    if (trigger === undefined || ours === undefined) return false;
    if (options.onRunning === "cancel_and_replace" && ours.hook !== name) return false;
    return isCounted(trigger, body, listOf(objectOf(run.job)?.execute_steps));
  }

  /**
   * Whether one run does what another would: at the same place, all of it. To be replaced, it must do no more. `own` are the
   * job's own steps, where they are known.
   */
  function isCounted(theirs: JsonObject, mine: JsonObject, own?: readonly string[]): boolean {
    const isSamePlace = placeNames.every((key) => (theirs[key] ?? null) === (mine[key] ?? null));
    if (!isSamePlace) return false;
    const [ours, others] = [mine, theirs].map((run) => listOf(run.steps_override) ?? own);
    return options.onRunning === "cancel_and_replace"
      ? coversSteps(ours, others)
      : coversSteps(others, ours);
  }
}

function listOf(steps: JsonValue | undefined): readonly string[] | undefined {
  return Array.isArray(steps) && steps.length > 0 ? steps.map(String) : undefined;
}

interface Started {
  readonly job: string;
  readonly body: JsonObject;
}

const mostRecent = 1000;

/** What this process has started, the youngest of it: lists may not have it yet. */
function createRecent() {
  const runs = new Map<string, Started>();
  return {
    get: (id: string): Started | undefined => runs.get(id),
    keep(id: string, run: Started): void {
      runs.set(id, run);
      const [oldest] = runs.keys();
      if (runs.size > mostRecent && oldest !== undefined) runs.delete(oldest);
    },
  };
}
