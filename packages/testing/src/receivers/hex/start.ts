import type { JsonObject, JsonValue } from "@pipehooks/core";
import { type HttpAnswer, jsonAnswer } from "../http.ts";
import { nextTrace, olderError, startedBody } from "./answers.ts";
import type { HexSituation } from "./situation.ts";
import { type StoredProject, wrongInputs } from "./workspace.ts";

const bodyKeys: Readonly<Record<string, (value: JsonValue) => boolean>> = {
  inputParams: isObject,
  viewId: (value) => typeof value === "string",
  updatePublishedResults: isBoolean,
  useCachedSqlResults: isBoolean,
  dryRun: isBoolean,
  notifications: Array.isArray,
  updateCache: isBoolean,
};

/** Answers a request to run a project. */
export function startRun(
  project: StoredProject,
  text: string,
  situation: HexSituation,
): HttpAnswer {
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
