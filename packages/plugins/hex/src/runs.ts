import {
  type ActiveRun,
  type Budget,
  effectOf,
  type HookContext,
  type HookError,
  isHookError,
  JsonApiError,
  type JsonObject,
  type RemoteRunClient,
  type RunReport,
  type StartedRun,
  type Trigger,
} from "@pipehooks/core";
import type { HexClient, HexRunInfo } from "./client.ts";
import { isKernelLimit } from "./errors.ts";
import type { Ledger } from "./ledger.ts";
import type { Line } from "./line.ts";
import type { HexSettings } from "./options.ts";

/** Runs of one project, for `createRemoteRun`. */
export function createRuns(parts: {
  readonly settings: HexSettings;
  readonly context: Pick<HookContext, "clock">;
  readonly client: HexClient;
  readonly ledger: Ledger;
  readonly line: Line;
  readonly starts: Budget;
  readonly bodyOf: (delivery: Trigger["delivery"]) => JsonObject;
  /** Why no run is needed, if none is. */
  readonly freshness: (trigger: Trigger) => Promise<string | undefined>;
}): RemoteRunClient {
  const { settings, context, client, ledger, line, starts, bodyOf, freshness } = parts;
  const { project, maxRunning, updatePublishedResults } = settings;
  const now = () => context.clock.now();

  return {
    what: `Hex project ${project}`,
    eventPrefix: "hex",
    idempotent: false,

    async admit(trigger) {
      const { marker, delivery } = trigger;
      // A template that lacks its field fails before anything is taken.
      bodyOf(delivery);
      const skip = await freshness(trigger);
      if (skip !== undefined) {
        line.leave(delivery.id);
        return { skip };
      }
      const { taken, others } = await ledger.take(marker, now());
      if (!taken) {
        return {
          againAt: line.joinAt(delivery.id, now()),
          because: `${others} of at most ${maxRunning} runs of this token are going on`,
        };
      }
      const waited = line.hasWaited(delivery.id);
      const { granted, againAt } = await starts.take({ waited });
      if (granted) {
        line.leave(delivery.id);
        return {};
      }
      await ledger.release(marker, now());
      line.waits(delivery.id);
      return {
        againAt: againAt ?? now() + minute,
        because: `the starts of ${settings.startRate.join(" and ")} are used up`,
      };
    },

    async start({ delivery, marker, signal }) {
      const body = bodyOf(delivery);
      try {
        const { runId, runUrl, projectVersion } = await client.run(project, body, signal);
        await written(ledger.own(marker, [runId], now()));
        return {
          id: runId,
          url: runUrl ?? undefined,
          extra: { marker, ...(projectVersion != null && { version: projectVersion }) },
        };
      } catch (error) {
        if (!mayHaveStarted(error)) await written(ledger.release(marker, now()));
        throw isHookError(error) && isKernelLimit(error) ? asNoRoom(error) : error;
      }
    },

    isUnknown: mayHaveStarted,

    // Runs end in minutes; whoever asks more often takes from the budget of starts.
    noRoomForMs: (error) => (isKernelLimit(error) ? minute : undefined),

    // Every run by the API is listed, with its time or still without one; those of other deliveries are known.
    findProves: true,

    async find({ marker, since, signal }) {
      const candidates = await startedSince(since, signal);
      const ids = candidates.map(({ info }) => info.runId);
      const id = await ledger.own(marker, ids, now());
      const found = candidates.find(({ info }) => info.runId === id);
      if (found === undefined) return undefined;
      return { ...toStarted(found.info, marker), startedAt: found.startedAt };
    },

    async look({ id, extra }, signal): Promise<RunReport> {
      const marker = typeof extra?.marker === "string" ? extra.marker : id;
      const info = await client.runInfo(project, id, signal);
      const state = states[info.status] ?? "unknown";
      if (state === "queued" || state === "running" || state === "unknown") {
        await ledger.keep(marker, now());
        return { state, label: info.status, url: info.runUrl ?? undefined };
      }
      await ledger.release(marker, now());
      if (info.elapsedTime != null) line.learn(info.elapsedTime);
      const refreshed =
        state === "succeeded" && updatePublishedResults === true
          ? await refreshedAt(signal)
          : undefined;
      return {
        state,
        label: info.status,
        message: messages[info.status],
        worthAnotherRun: info.status === "UNABLE_TO_ALLOCATE_KERNEL",
        url: info.runUrl ?? undefined,
        detail: {
          ...detailOf(info, project),
          ...(refreshed !== undefined && { published_results_updated_at: refreshed }),
        },
      };
    },

    async cancel({ id }, signal) {
      await client.cancel(project, id, signal);
    },

    async active({ signal }): Promise<readonly ActiveRun[]> {
      const { runs } = await client.runs(project, { offset: 0, limit: 100 }, signal);
      return runs
        .filter(({ status }) => status === "PENDING" || status === "RUNNING")
        .map((info) => ({ ...toStarted(info, info.runId), queued: info.status === "PENDING" }))
        .reverse();
    },
  };

  /** API runs of the project that began since a time, oldest first. */
  async function startedSince(since: number, signal: AbortSignal): Promise<readonly Candidate[]> {
    const found: Candidate[] = [];
    for (let offset = 0; offset < mostListed; ) {
      const page = await client.runs(project, { offset, limit: pageLimit }, signal);
      const from = since + page.clockAheadMs - clockToleranceMs;
      for (const info of page.runs) {
        const at = beganAt(info);
        if (at !== undefined && at < from) continue;
        found.push({ info, startedAt: at === undefined ? undefined : at - page.clockAheadMs });
      }
      const oldest = page.runs.at(-1);
      if (!page.more || oldest === undefined || (beganAt(oldest) ?? from) < from) break;
      offset += page.runs.length;
    }
    return found.reverse();
  }

  /** The proof that people see new results; without it the run is completed all the same. */
  async function refreshedAt(signal: AbortSignal): Promise<string | undefined> {
    try {
      const { analytics } = await client.project(project, signal);
      return analytics?.publishedResultsUpdatedAt ?? undefined;
    } catch {
      return undefined;
    }
  }
}

const minute = 60_000;

interface Candidate {
  readonly info: HexRunInfo;
  /** By our clock. */
  readonly startedAt: number | undefined;
}

/** What the store does not take down now changes nothing of what Hex did: that must be told first. */
async function written(writing: Promise<unknown>): Promise<void> {
  await writing.catch(() => {});
}

/** Errors of this machine (a template, the store) have no effect there. */
function mayHaveStarted(error: unknown): boolean {
  return error instanceof Error && "effect" in error && effectOf(error) === "unknown";
}

/** That there is no room now says nothing of the destination: looks go on, or nobody would see a kernel free again. */
function asNoRoom({ code, message, answer, cause }: HookError): JsonApiError {
  return new JsonApiError(code, message, { answer, cause, effect: "none" });
}

/** The API tells its time to the second. */
const clockToleranceMs = 2_000;
const pageLimit = 50;
/** More than an hour's starts, pages moved by new runs included. */
const mostListed = 200;

const states: Readonly<Record<string, RunReport["state"]>> = {
  PENDING: "queued",
  RUNNING: "running",
  COMPLETED: "succeeded",
  ERRORED: "failed",
  KILLED: "cancelled",
  UNABLE_TO_ALLOCATE_KERNEL: "failed",
};

// The API tells no error text: the run's page shows it.
const messages: Readonly<Record<string, string>> = {
  ERRORED: "A cell of the project failed; the run's page shows which one.",
  KILLED: "Somebody or something cancelled the run.",
  UNABLE_TO_ALLOCATE_KERNEL: "Hex had no kernel for it.",
};

/** When it began, as far as Hex tells: a run that is PENDING may have no time at all. */
function beganAt({ startTime, endTime, stateEvents }: HexRunInfo): number | undefined {
  const times = [...(stateEvents ?? []).map(({ timestamp }) => timestamp), startTime, endTime];
  const known = times.flatMap((time) => (time == null ? [] : [Date.parse(time)]));
  return known.length === 0 ? undefined : Math.min(...known);
}

function toStarted({ runId, runUrl }: HexRunInfo, marker: string): StartedRun {
  return { id: runId, url: runUrl ?? undefined, extra: { marker } };
}

function detailOf(info: HexRunInfo, project: string): JsonObject {
  const { status, startTime, endTime, elapsedTime, projectVersion, traceId } = info;
  return {
    project_id: project,
    status,
    ...(projectVersion != null && { project_version: projectVersion }),
    ...(startTime != null && { start_time: startTime }),
    ...(endTime != null && { end_time: endTime }),
    ...(elapsedTime != null && { elapsed_ms: elapsedTime }),
    ...(traceId != null && { trace_id: traceId }),
  };
}
