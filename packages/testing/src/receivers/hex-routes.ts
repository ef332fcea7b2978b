import type { JsonObject, JsonValue } from "@pipehooks/core";
import {
  jsonAnswer,
  newerError,
  nextTrace,
  olderError,
  projectBody,
  runBody,
  startedBody,
} from "./hex-answers.ts";
import {
  type Filled,
  type HexRun,
  type HexWorkspace,
  type StoredProject,
  statusOf,
  wrongInputs,
} from "./hex-workspace.ts";
import type { HttpAnswer } from "./http.ts";

/** What a request asks for. */
export type HexOperation =
  | "start"
  | "look"
  | "list"
  | "cancel"
  | "projects"
  | "project"
  | "tables"
  | "me";

/** A request with its route found. */
export interface HexCall {
  readonly operation: HexOperation;
  readonly projectId: string;
  readonly runId: string;
  readonly query: URLSearchParams;
  readonly text: string;
}

/** Whose token it is, and what it may do. */
export interface HexToken {
  /** `hxtp_` (personal) or `hxtw_` (workspace) and 96 hex digits. */
  readonly token: string;
  /** Tokens of one user share limits and kernels. @default "ada" */
  readonly user?: string | undefined;
  /** Epoch seconds; null or left out: it never expires. */
  readonly exp?: number | null | undefined;
  /** Whether it has "Run projects". @default true */
  readonly mayRun?: boolean | undefined;
}

/** Routes of which a default limit is declared by the newer part of the API. */
export const newerOperations: ReadonlySet<HexOperation> = new Set(["project", "tables", "me"]);

const routes: readonly (readonly [HexOperation, string, RegExp])[] = [
  // The singular forms are older, and still in use.
  ["start", "POST", /^\/api\/v1\/projects?\/([^/]+)\/runs?$/],
  ["list", "GET", /^\/api\/v1\/projects?\/([^/]+)\/runs$/],
  ["look", "GET", /^\/api\/v1\/projects?\/([^/]+)\/runs?\/([^/]+)$/],
  ["cancel", "DELETE", /^\/api\/v1\/projects?\/([^/]+)\/runs?\/([^/]+)$/],
  ["tables", "GET", /^\/api\/v1\/projects\/([^/]+)\/queriedTables$/],
  ["projects", "GET", /^\/api\/v1\/projects$/],
  ["project", "GET", /^\/api\/v1\/projects\/([^/]+)$/],
  ["me", "GET", /^\/api\/v1\/users\/me$/],
];

export function toHexCall(method: string, path: string, text: string): HexCall | undefined {
  const url = new URL(path, "http://hex");
  for (const [operation, verb, pattern] of routes) {
    const match = pattern.exec(url.pathname);
    if (match === null || verb !== method) continue;
    const [, projectId = "", runId = ""] = match.map((part) => decodeURIComponent(part ?? ""));
    return { operation, projectId, runId, query: url.searchParams, text };
  }
  return undefined;
}

export interface HexSituation {
  readonly workspace: HexWorkspace;
  readonly token: Filled<HexToken>;
  /** Such as `http://127.0.0.1:40123`. */
  readonly origin: string;
  readonly now: number;
  /** Kernels a user may hold, less those of open notebooks. */
  readonly kernels: number;
  /** Enterprise plan: lineage is to be had. */
  readonly enterprise: boolean;
  /** Runs younger than this are not listed yet. */
  readonly listLagMs: number;
}

/** Answers a request whose token is good and within its limits. */
export function answerHexCall(call: HexCall, situation: HexSituation): HttpAnswer {
  const { workspace, token, origin, now } = situation;
  const { operation, projectId, runId, query } = call;
  const project = workspace.project(projectId);
  const newer = newerOperations.has(operation);
  if (operation === "me") return jsonAnswer(200, meBody(token));
  if (operation === "projects") return listProjects(query, workspace, now);
  if (project === undefined) {
    return newer ? newerError(404, "Not found") : olderError(404, "Project not found");
  }
  switch (operation) {
    case "project":
      return jsonAnswer(200, projectBody(project, workspace, now));
    case "tables":
      return tables(project, query, situation);
    case "start":
      return start(project, call, situation);
    case "list":
      return listRuns(project, query, situation);
    case "look": {
      const run = runOf(project, runId, workspace);
      return run === undefined
        ? olderError(404, "Run not found")
        : jsonAnswer(200, runBody(run, origin, now));
    }
    case "cancel":
      if (runOf(project, runId, workspace) === undefined) return olderError(404, "Run not found");
      return workspace.kill(runId, now)
        ? { status: 204 }
        : olderError(422, "The run has already finished");
    default:
      return olderError(404, "Not found");
  }
}

const bodyKeys: Readonly<Record<string, (value: JsonValue) => boolean>> = {
  inputParams: isObject,
  viewId: (value) => typeof value === "string",
  updatePublishedResults: isBoolean,
  useCachedSqlResults: isBoolean,
  dryRun: isBoolean,
  notifications: Array.isArray,
  updateCache: isBoolean,
};

function start(project: StoredProject, { text }: HexCall, situation: HexSituation): HttpAnswer {
  const { workspace, token, origin, now } = situation;
  if (!token.mayRun) return olderError(403, "Token is missing the scope to run projects");
  const body = parseObject(text);
  if (body === undefined) return olderError(400, "Request body is not a JSON object");
  for (const [key, value] of Object.entries(body)) {
    if (!Object.hasOwn(bodyKeys, key)) return olderError(400, "Bad request", `Unknown key ${key}`);
    if (bodyKeys[key]?.(value) === false) return olderError(400, "Bad request", `Wrong ${key}`);
  }
  if (project.lastPublishedAt === null) return olderError(422, "Project has not been published");
  const inputs = isObject(body.inputParams) ? body.inputParams : undefined;
  if (body.updatePublishedResults === true) {
    // Also an empty object was refused so.
    if (inputs !== undefined) {
      return olderError(422, "Cannot update the cache if specifying custom input parameters");
    }
    if (!project.canEdit) return olderError(403, "Can Edit is needed to update published results");
  }
  if (typeof body.viewId === "string") {
    if (inputs !== undefined) return olderError(422, "viewId and inputParams cannot be combined");
    if (!project.views.includes(body.viewId)) return olderError(422, "Saved view not found");
  }
  const wrong = wrongInputs(project, inputs ?? {});
  if (wrong !== undefined) {
    return jsonAnswer(422, {
      traceId: nextTrace(),
      invalid: [...wrong.invalid],
      notFound: [...wrong.notFound],
    });
  }
  const notification = (Array.isArray(body.notifications) ? body.notifications : []).find(
    (each) =>
      !isObject(each) ||
      !["ALL", "SUCCESS", "FAILURE"].includes(String(each.type)) ||
      typeof each.includeSuccessScreenshot !== "boolean",
  );
  if (notification !== undefined) return olderError(400, "Bad request", "Wrong notifications");
  const asked = { projectId: project.id, trigger: "API", body, user: token.user } as const;
  if (body.dryRun === true) {
    const none = { ...asked, runId: "dry-run", createdAt: now, startsAt: now, endsAt: now };
    return jsonAnswer(201, startedBody({ ...none, end: "COMPLETED" }, origin));
  }
  if (workspace.kernels(token.user, now) >= situation.kernels) {
    return olderError(503, "Maximum number of concurrent kernels reached");
  }
  return jsonAnswer(201, startedBody(workspace.start(asked, now), origin));
}

function listRuns(
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

function listProjects(query: URLSearchParams, workspace: HexWorkspace, now: number): HttpAnswer {
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

function tables(
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

function meBody({ token, user, exp }: Filled<HexToken>): JsonObject {
  const org = { id: "7d4b0000-0000-4000-8000-000000000000" };
  const own = { org, token: exp === null ? null : { exp } };
  if (token.startsWith("hxtw_")) return own;
  return {
    id: "9a1c0000-0000-4000-8000-000000000000",
    name: user,
    email: `${user}@example.com`,
    role: "EDITOR",
    lastLoginDate: "2026-01-01T00:00:00.000Z",
    ...own,
  };
}

function runOf({ id }: StoredProject, runId: string, { runs }: HexWorkspace): HexRun | undefined {
  return runs.find((run) => run.runId === runId && run.projectId === id);
}

function parseObject(text: string): JsonObject | undefined {
  if (text === "") return {};
  try {
    const value = JSON.parse(text) as JsonValue;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isBoolean(value: JsonValue): boolean {
  return typeof value === "boolean";
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
