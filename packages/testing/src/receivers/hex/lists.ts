import { type HttpAnswer, jsonAnswer } from "../http.ts";
import { newerError, nextTrace, olderError, projectBody, runBody } from "./answers.ts";
import type { HexSituation } from "./situation.ts";
import { type HexWorkspace, type StoredProject, statusOf } from "./workspace.ts";

/** Runs of a project, paged by offset. */
export function listRuns(
  project: StoredProject,
  query: URLSearchParams,
  { workspace, origin, now, listLagMs }: HexSituation,
): HttpAnswer {
  const limit = numberOf(query, "limit", 25);
  const offset = numberOf(query, "offset", 0);
  if (!(limit >= 1 && limit <= 100) || !(offset >= 0)) return olderError(400, "Bad paging");
  const status = query.get("statusFilter");
  const trigger = query.get("runTriggerFilter") ?? "ALL";
  const found = workspace.runs
    .filter(
      (run) =>
        run.projectId === project.id &&
        run.createdAt + listLagMs <= now &&
        (status === null || statusOf(run, now) === status) &&
        (trigger === "ALL" || run.trigger === trigger),
    )
    .reverse();
  const page = (at: number): string | null => {
    if (at < 0 || at >= found.length) return null;
    const next = new URLSearchParams(query);
    next.set("offset", String(at));
    return `${origin}/api/v1/projects/${project.id}/runs?${next}`;
  };
  return jsonAnswer(200, {
    runs: found.slice(offset, offset + limit).map((run) => runBody(run, origin, now)),
    nextPage: page(offset + limit),
    previousPage: offset === 0 ? null : page(Math.max(0, offset - limit)),
    traceId: nextTrace(),
  });
}

/** Projects, paged by cursors. */
export function listProjects(
  query: URLSearchParams,
  workspace: HexWorkspace,
  now: number,
): HttpAnswer {
  const limit = numberOf(query, "limit", 25);
  if (!(limit >= 1 && limit <= 100)) return olderError(400, "Bad limit");
  const wants = (name: string) => query.get(name) === "true";
  const found = workspace.projects.filter(
    ({ archivedAt, trashedAt, type }) =>
      (archivedAt === null || wants("includeArchived")) &&
      (trashedAt === null || wants("includeTrashed")) &&
      (type === "PROJECT" || wants("includeComponents")),
  );
  if (query.get("sortDirection") === "DESC") found.reverse();
  const after = cursorOf(query.get("after"));
  const before = cursorOf(query.get("before"));
  if (after === undefined || before === undefined) return olderError(400, "Bad cursor");
  const from = before === null ? (after ?? 0) : Math.max(0, before - limit);
  const to = before === null ? from + limit : before;
  return jsonAnswer(200, {
    values: found.slice(from, to).map((project) => projectBody(project, workspace, now)),
    pagination: {
      after: to < found.length ? toCursor(to) : null,
      before: from > 0 ? toCursor(from) : null,
    },
  });
}

/** Tables that a project reads, paged by cursors. */
export function listTables(
  project: StoredProject,
  query: URLSearchParams,
  { enterprise }: HexSituation,
): HttpAnswer {
  if (!enterprise) return newerError(403, "Enterprise plan is needed");
  if (project.lastPublishedAt === null) return newerError(422, "Project has not been published");
  const limit = numberOf(query, "limit", 25);
  const from = cursorOf(query.get("after")) ?? 0;
  const to = from + limit;
  return jsonAnswer(200, {
    values: project.tables.slice(from, to).map((tableName) => ({
      dataConnectionId: "2e0f0000-0000-4000-8000-000000000000",
      dataConnectionName: "prod",
      tableName,
    })),
    pagination: { after: to < project.tables.length ? toCursor(to) : null, before: null },
    traceId: nextTrace(),
  });
}

function numberOf(query: URLSearchParams, name: string, otherwise: number): number {
  const text = query.get(name);
  if (text === null) return otherwise;
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

function toCursor(index: number): string {
  return Buffer.from(`p${index}`).toString("base64url");
}

/** Undefined where it is none of ours. */
function cursorOf(text: string | null): number | null | undefined {
  if (text === null) return null;
  const [, index] = /^p(\d+)$/.exec(Buffer.from(text, "base64url").toString()) ?? [];
  return index === undefined ? undefined : Number(index);
}
