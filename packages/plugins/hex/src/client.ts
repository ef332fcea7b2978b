import {
  createJsonApi,
  isHookError,
  type JsonApiAnswer,
  JsonApiError,
  type JsonObject,
} from "@pipehooks/core";
import type { z } from "zod";
import {
  meAnswer,
  projectAnswer,
  projectsAnswer,
  runAnswer,
  runsAnswer,
  startedAnswer,
  tablesAnswer,
} from "./answers.ts";
import { withComplaint } from "./errors.ts";
import { parseHexHost } from "./host.ts";
import { version } from "./version.ts";

export interface HexClientOptions {
  /** `hxtp_…` or `hxtw_…`. */
  readonly token: string;
  /** @default "app.hex.tech" */
  readonly host?: string | undefined;
  /** Lets `host` be plain http. @default false */
  readonly allowHttp?: boolean | undefined;
  /** Takes secrets out of texts. @default takes the token out */
  readonly redact?: ((text: string) => string) | undefined;
  /** What errors begin with. @default "hex" */
  readonly name?: string | undefined;
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** Awaited before each request; what it throws is the request's failure. */
  readonly before?: (() => Promise<void>) | undefined;
}

/** What Hex answers to a start. */
export type HexStarted = z.output<typeof startedAnswer>;
/** A run and how it is. */
export type HexRunInfo = z.output<typeof runAnswer>;
/** A project, as far as it matters here. */
export type HexProjectInfo = z.output<typeof projectAnswer>;
/** A warehouse table that a project's SQL reads. */
export type HexTable = z.output<typeof tablesAnswer>["values"][number];
/** Whose token it is: workspace tokens tell no more than their workspace. */
export type HexMe = z.output<typeof meAnswer>;

export interface HexRunsPage {
  readonly runs: readonly HexRunInfo[];
  /** Hex's clock less this machine's, in milliseconds, to the second; 0 where it is not told. */
  readonly clockAheadMs: number;
  readonly more: boolean;
}

/** Hex's public API, the part about projects and runs. Every call may throw a `HookError`. */
export interface HexClient extends AsyncDisposable {
  /** Such as `app.hex.tech`. */
  readonly host: string;
  /** Runs the latest published version. */
  run(projectId: string, body: JsonObject, signal: AbortSignal): Promise<HexStarted>;
  runInfo(projectId: string, runId: string, signal: AbortSignal): Promise<HexRunInfo>;
  /** Runs started by the API, newest first. */
  runs(
    projectId: string,
    page: { readonly offset: number; readonly limit: number },
    signal: AbortSignal,
  ): Promise<HexRunsPage>;
  cancel(projectId: string, runId: string, signal: AbortSignal): Promise<void>;
  project(projectId: string, signal: AbortSignal): Promise<HexProjectInfo>;
  /** All projects that the token sees, page after page, oldest first. */
  projects(signal: AbortSignal): AsyncGenerator<HexProjectInfo>;
  /** Tables that a published project reads; on the Enterprise plan only (403 elsewhere). */
  queriedTables(projectId: string, signal: AbortSignal): AsyncGenerator<HexTable>;
  me(signal: AbortSignal): Promise<HexMe>;
}

const pageLimit = 100;

/**
 * A client for Hex's API, as its OpenAPI document ("Hex API" 1.0.0) and "API overview" describe it.
 * @throws Error where the host is none
 */
export async function createHexClient(options: HexClientOptions): Promise<HexClient> {
  const { token, allowHttp = false, name = "hex", now = Date.now } = options;
  const { url, host } = parseHexHost(options.host ?? "app.hex.tech", allowHttp);
  const redact = options.redact ?? ((text) => text.replaceAll(token, "[redacted]"));
  const api = createJsonApi(await import("undici"), {
    base: url,
    headers: () => ({
      authorization: `Bearer ${token}`,
      "user-agent": `pipehooks-hex/${version}`,
    }),
    allowHttp,
    redact,
    name,
    now,
  });

  const call = async (
    method: "GET" | "POST" | "DELETE",
    path: string,
    rest: {
      readonly signal: AbortSignal;
      readonly query?: Readonly<Record<string, string>>;
      readonly body?: JsonObject;
    },
  ): Promise<JsonApiAnswer> => {
    if (options.before !== undefined) await unsent(options.before);
    try {
      return await api.call(method, path, rest);
    } catch (error) {
      throw isHookError(error) ? withComplaint(error, redact) : error;
    }
  };

  const read = <Schema extends z.ZodType>(
    schema: Schema,
    answer: JsonApiAnswer,
    what: string,
  ): z.output<Schema> => {
    const parsed = schema.safeParse(answer.json);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const where = issue === undefined ? "" : ` (${issue.path.join(".") || "all of it"})`;
    throw new JsonApiError(
      "RECEIVER_FAILED",
      `${name}: ${host} answered ${what} in a form that is not Hex's${where}. Check "host".`,
      { retryable: true, effect: "unknown" },
    );
  };

  async function* pages<Item>(
    ask: (query: Readonly<Record<string, string>>) => Promise<{
      readonly values: readonly Item[];
      readonly pagination?: { readonly after?: string | null | undefined } | null | undefined;
    }>,
  ): AsyncGenerator<Item> {
    let after: string | undefined;
    for (;;) {
      const page = await ask({
        limit: String(pageLimit),
        ...(after !== undefined && { after }),
      });
      yield* page.values;
      const next = page.pagination?.after ?? undefined;
      // A cursor that stays, or an empty page, would go round for ever.
      if (next === undefined || next === after || page.values.length === 0) return;
      after = next;
    }
  }

  return {
    host,
    async run(projectId, body, signal) {
      const answer = await call("POST", `/projects/${projectId}/runs`, { body, signal });
      return read(startedAnswer, answer, "the start of a run");
    },
    async runInfo(projectId, runId, signal) {
      const path = `/projects/${projectId}/runs/${encodeURIComponent(runId)}`;
      return read(runAnswer, await call("GET", path, { signal }), "a run");
    },
    async runs(projectId, { offset, limit }, signal) {
      const query = { limit: String(limit), offset: String(offset), runTriggerFilter: "API" };
      const askedAt = now();
      const answer = await call("GET", `/projects/${projectId}/runs`, { query, signal });
      const { runs, nextPage } = read(runsAnswer, answer, "a list of runs");
      return {
        runs,
        clockAheadMs: clockAhead(answer.headers.date, askedAt),
        more: nextPage != null && runs.length > 0,
      };
    },
    async cancel(projectId, runId, signal) {
      const path = `/projects/${projectId}/runs/${encodeURIComponent(runId)}`;
      await call("DELETE", path, { signal });
    },
    async project(projectId, signal) {
      const answer = await call("GET", `/projects/${projectId}`, { signal });
      return read(projectAnswer, answer, "a project");
    },
    projects: (signal) =>
      pages(async (query) => {
        const sorted = { ...query, sortBy: "CREATED_AT", sortDirection: "ASC" };
        const answer = await call("GET", "/projects", { query: sorted, signal });
        return read(projectsAnswer, answer, "a list of projects");
      }),
    queriedTables: (projectId, signal) =>
      pages(async (query) => {
        const answer = await call("GET", `/projects/${projectId}/queriedTables`, { query, signal });
        return read(tablesAnswer, answer, "a list of tables");
      }),
    async me(signal) {
      return read(meAnswer, await call("GET", "/users/me", { signal }), "the token's user");
    },
    async [Symbol.asyncDispose]() {
      await api.dispose();
    },
  };
}

function clockAhead(date: string | string[] | undefined, askedAt: number): number {
  const theirs = typeof date === "string" ? Date.parse(date) : Number.NaN;
  return Number.isNaN(theirs) ? 0 : theirs - askedAt;
}

/** Nothing has gone out when this fails. */
async function unsent(before: () => Promise<void>): Promise<void> {
  try {
    await before();
  } catch (error) {
    if (!isHookError(error)) throw error;
    const { code, message, retryable, retryAfterMs, scope } = error;
    throw new JsonApiError(code, message, {
      ...{ retryable, retryAfterMs, scope, cause: error },
      effect: "none",
    });
  }
}
