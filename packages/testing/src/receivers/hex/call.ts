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
