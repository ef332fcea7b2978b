import type { JsonObject } from "@pipehooks/core";
import { type HttpAnswer, jsonAnswer } from "../http.ts";
import { newerError, olderError, projectBody, runBody } from "./answers.ts";
import { type HexCall, newerOperations } from "./call.ts";
import { listProjects, listRuns, listTables } from "./lists.ts";
import type { HexSituation, HexToken } from "./situation.ts";
import { startRun } from "./start.ts";
import type { Filled, HexRun, HexWorkspace, StoredProject } from "./workspace.ts";

/** Answers a request whose token is good and within its limits. */
export function answerHexCall(call: HexCall, situation: HexSituation): HttpAnswer {
  const { workspace, token, origin, now } = situation;
  const { operation, projectId, runId, query, text } = call;
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
      return listTables(project, query, situation);
    case "start":
      return startRun(project, text, situation);
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
