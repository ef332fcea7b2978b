import type { JsonObject } from "@pipehooks/core";
import { type HttpAnswer, jsonAnswer } from "../http.ts";
import type { HexRun, HexWorkspace, StoredProject } from "./workspace.ts";
import { statusOf } from "./workspace.ts";

// Bodies as Hex's published OpenAPI document ("Hex API" 1.0.0) describes them.

/** An error of the older routes: runs, and the list of projects. */
export function olderError(status: number, reason: string, details?: string): HttpAnswer {
  const traceId = nextTrace();
  return jsonAnswer(
    status,
    { reason, ...(details !== undefined && { details }), traceId },
    { "x-trace-id": traceId },
  );
}

const codes: Readonly<Record<number, string>> = {
  400: "BAD_REQUEST",
  401: "UNAUTHORIZED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  500: "INTERNAL_SERVER_ERROR",
};

/** An error of the newer routes: one project, users, cells. */
export function newerError(
  status: number,
  message: string,
  issues: readonly string[] = [],
): HttpAnswer {
  const body = {
    code: codes[status] ?? "BAD_REQUEST",
    message,
    issues: issues.map((issue) => ({ message: issue })),
  };
  return jsonAnswer(status, body, { "x-trace-id": nextTrace() });
}

let traces = 0;

export function nextTrace(): string {
  traces += 1;
  return `t-${traces}`;
}

export function runBody(run: HexRun, origin: string, now: number): JsonObject {
  const status = statusOf(run, now);
  const begun = status !== "PENDING" && run.startsAt < run.endsAt && run.startsAt <= now;
  const over = now >= run.endsAt;
  return {
    projectId: run.projectId,
    projectVersion: 12,
    runId: run.runId,
    runUrl: runUrl(run, origin),
    status,
    runTrigger: run.trigger,
    startTime: begun ? new Date(run.startsAt).toISOString() : null,
    endTime: over ? new Date(run.endsAt).toISOString() : null,
    elapsedTime: begun ? Math.min(now, run.endsAt) - run.startsAt + 0.5 : null,
    traceId: nextTrace(),
    ...(over && { stateEvents: [] }),
  };
}

/** What is answered to a start: it has no status. */
export function startedBody(run: HexRun, origin: string): JsonObject {
  const { projectId, runId, body } = run;
  return {
    projectId,
    runId,
    runUrl: runUrl(run, origin),
    runStatusUrl: `${origin}/api/v1/projects/${projectId}/runs/${runId}`,
    traceId: nextTrace(),
    projectVersion: 12,
    ...(body.notifications !== undefined && { notifications: body.notifications }),
  };
}

export function projectBody(
  project: StoredProject,
  workspace: HexWorkspace,
  now: number,
): JsonObject {
  const { id, title, type, owner, lastPublishedAt, createdAt, archivedAt, trashedAt } = project;
  return {
    id,
    title,
    description: null,
    type,
    creator: { email: owner },
    owner: { email: owner },
    status: null,
    categories: [],
    reviews: { required: false },
    analytics: {
      appViews: { allTime: 0, lastSevenDays: 0, lastFourteenDays: 0, lastThirtyDays: 0 },
      lastViewedAt: null,
      publishedResultsUpdatedAt: workspace.refreshedAt(project, now),
    },
    lastEditedAt: createdAt,
    lastPublishedAt,
    createdAt,
    archivedAt,
    trashedAt,
    schedules: [],
  };
}

function runUrl({ projectId, runId }: HexRun, origin: string): string {
  return `${origin}/hex/${projectId}/app/run/${runId}`;
}
