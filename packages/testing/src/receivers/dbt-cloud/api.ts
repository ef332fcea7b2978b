import type { JsonObject } from "@pipehooks/core";
import type { HttpAnswer, ReceivedRequest } from "../http.ts";
import type { DbtCloudAccount } from "./account.ts";
import { jobJson, runJson, toJson } from "./json.ts";
import { listRuns } from "./list.ts";
import type { DbtCloudJob, LiveRun } from "./runs.ts";
import { readDbtTrigger } from "./trigger.ts";

/** What a request asks for. */
export type DbtCloudCall =
  | "trigger"
  | "look"
  | "list"
  | "cancel"
  | "retry"
  | "rerun"
  | "artifact"
  | "artifacts"
  | "job"
  | "jobs"
  | "other";

export interface DbtCloudApi {
  callOf(request: ReceivedRequest): DbtCloudCall;
  /** Does what is asked for; `status` stands in for that of runs. */
  answer(request: ReceivedRequest, instead?: { readonly status?: number }): HttpAnswer;
  failure(status: number): HttpAnswer;
  unsuccessful(): HttpAnswer;
}

const routes: readonly (readonly [DbtCloudCall, string, RegExp])[] = [
  ["trigger", "POST", /^jobs\/(\d+)\/run\/$/],
  ["rerun", "POST", /^jobs\/(\d+)\/rerun\/$/],
  ["job", "GET", /^jobs\/(\d+)\/$/],
  ["jobs", "GET", /^jobs\/$/],
  ["list", "GET", /^runs\/$/],
  ["look", "GET", /^runs\/(\d+)\/$/],
  ["cancel", "POST", /^runs\/(\d+)\/cancel\/$/],
  ["retry", "POST", /^runs\/(\d+)\/retry\/$/],
  ["retry", "GET", /^runs\/(\d+)\/retry\/$/],
  ["artifacts", "GET", /^runs\/(\d+)\/artifacts\/$/],
  ["artifact", "GET", /^runs\/(\d+)\/artifacts\/(.+)$/],
];

const cooldownMs = 300_000;
const words: Readonly<Record<number, string>> = {
  400: "The request was invalid.",
  401: "Invalid token.",
  403: "You do not have permission to perform this action.",
  404: "The requested resource was not found.",
  405: "Method not allowed.",
  406: "Could not satisfy the request Accept header.",
  429: "Rate limit exceeded.",
  500: "Internal server error.",
};

export function createDbtCloudApi(options: {
  readonly account: DbtCloudAccount;
  readonly accountId: string;
  readonly tokens: readonly string[];
  readonly now: () => number;
  readonly requestsPerMinute: number;
  readonly sendsRetryAfter: boolean;
  readonly listLagMs: number;
  readonly url: () => string;
}): DbtCloudApi {
  const { account, accountId, tokens, now } = options;
  let minute = { from: Number.NEGATIVE_INFINITY, count: 0 };
  let coolsUntil = Number.NEGATIVE_INFINITY;

  /** Over the limit every request is refused for five minutes. */
  const refusedUntil = (): number | undefined => {
    const at = now();
    if (at < coolsUntil) return coolsUntil;
    if (at >= minute.from + 60_000) minute = { from: at, count: 0 };
    minute.count += 1;
    if (minute.count <= options.requestsPerMinute) return undefined;
    coolsUntil = at + cooldownMs;
    return coolsUntil;
  };

  const show = (run: LiveRun, query: URLSearchParams, status?: number): object =>
    runJson(run, {
      account,
      accountId,
      url: options.url(),
      related: relatedOf(query),
      now: now(),
      status,
    });

  const answer: DbtCloudApi["answer"] = (request, { status } = {}) => {
    const url = new URL(request.path, "http://dbt");
    if (!isAllowed(request.headers.authorization, tokens)) return failure(401);
    const until = refusedUntil();
    if (until !== undefined) {
      const seconds = String(Math.ceil((until - now()) / 1000));
      const limited = failure(429);
      return options.sendsRetryAfter
        ? { ...limited, headers: { ...limited.headers, "retry-after": seconds } }
        : limited;
    }
    const [, account_, rest = ""] = /^\/api\/v2\/accounts\/([^/]+)\/(.*)$/.exec(url.pathname) ?? [];
    if (account_ === undefined) return failure(404);
    if (account_ !== accountId) return failure(403, `Token is not scoped to account ${account_}`);
    // Django's way with a path that lacks its last slash.
    if (!url.pathname.includes("/artifacts/") && !url.pathname.endsWith("/")) {
      return request.method === "GET"
        ? { status: 301, headers: { location: `${url.pathname}/${url.search}` } }
        : failure(404);
    }
    const call = callOf(request);
    const [id = "", file = ""] = pathOf(call, request.method, rest);
    return perform({ call, id, file, request, query: url.searchParams, status });
  };

  const perform = ({ call, id, file, request, query, status }: Asked): HttpAnswer => {
    if (call === "jobs") {
      const jobs = account.jobs().filter((job) => isListed(job, query));
      const offset = Number(query.get("offset") ?? 0);
      const page = jobs.slice(offset, offset + Math.min(100, Number(query.get("limit") ?? 100)));
      return list(
        page.map((job) => jobJson(job, accountId)),
        jobs.length,
        query,
      );
    }
    if (call === "list") {
      const hidden = now() - options.listLagMs;
      const listed = account.runs().filter((run) => run.createdAt <= hidden);
      const found = listRuns(listed, query);
      if (typeof found === "string") return failure(400, found);
      const shown = found.page.map((run) => show(run, query, status));
      return list(shown, found.total, query);
    }
    if (call === "job" || call === "trigger" || call === "rerun") {
      const job = account.job(id);
      if (job === undefined) return failure(404);
      if (call === "job") return ok(jobJson(job, accountId));
      if (job.state === 2) return failure(404);
      return call === "trigger" ? trigger(id, request, query) : rerun(id, query);
    }
    const run = account.run(id);
    if (run === undefined) return failure(404);
    switch (call) {
      case "look":
        return ok(show(run, query, status));
      case "cancel":
        if (run.status >= 10) return failure(400, "The run has finished already.");
        account.cancel(run);
        return ok(show(run, query));
      case "retry":
        return request.method === "GET" ? retryPlan(run) : retry(run, query);
      case "artifacts":
        return artifacts(run, query);
      case "artifact":
        return artifact(run, file, request, query);
      default:
        return failure(404);
    }
  };

  const trigger = (id: string, request: ReceivedRequest, query: URLSearchParams): HttpAnswer => {
    const read = readDbtTrigger(request.text);
    return typeof read === "string" ? failure(400, read) : ok(show(account.start(id, read), query));
  };

  const rerun = (id: string, query: URLSearchParams): HttpAnswer => {
    const latest = account.runs().findLast(({ jobId }) => jobId === id);
    const resumes = latest !== undefined && account.retryRefusal(latest) === undefined;
    if (resumes) return retry(latest, query);
    // A plain run, whatever the one before was told to do.
    const cause = "Rerun of the job";
    return ok(show(account.start(id, { cause, causeCategory: "rerun", body: { cause } }), query));
  };

  const retry = (run: LiveRun, query: URLSearchParams): HttpAnswer => {
    const refusal = account.retryRefusal(run);
    if (refusal !== undefined) return failure(400, `The run cannot be retried: ${refusal}`);
    const cause = `Retry of run ${run.id}`;
    const again = { ...run.trigger, cause, causeCategory: "rerun" };
    return ok(show(account.start(run.jobId, again, run), query));
  };

  const retryPlan = (run: LiveRun): HttpAnswer => {
    const failed = run.steps.find((step) => step.status === "error");
    const skippedSteps = run.steps.filter((step) => step.status === "skipped");
    return ok({
      failed_step: failed?.name ?? null,
      skipped_steps: skippedSteps.map(({ name }) => name),
    });
  };

  const stepOf = (run: LiveRun, query: URLSearchParams) => {
    const step = query.get("step");
    return step === null
      ? run.steps.findLast(({ status }) => status !== "skipped")
      : run.steps.find(({ index }) => index === Number(step));
  };

  const artifacts = (run: LiveRun, query: URLSearchParams): HttpAnswer =>
    account.artifactsSaved(run)
      ? ok(Object.keys(stepOf(run, query)?.files ?? {}))
      : failure(404, "No artifacts were saved.");

  const artifact = (
    run: LiveRun,
    file: string,
    request: ReceivedRequest,
    query: URLSearchParams,
  ): HttpAnswer => {
    // The file is given as it is; who asks for the JSON of the API is refused.
    if (request.headers.accept === "application/json") return failure(406);
    const found = account.artifactsSaved(run) ? stepOf(run, query)?.files[file] : undefined;
    if (found === undefined) return failure(404);
    return { headers: { "content-type": "application/json" }, body: JSON.stringify(found) };
  };

  return {
    callOf,
    answer,
    failure: (status) => failure(status),
    unsuccessful: () => envelope(200, null, "Something went wrong.", { isSuccess: false }),
  };
}

interface Asked {
  readonly call: DbtCloudCall;
  readonly id: string;
  readonly file: string;
  readonly request: ReceivedRequest;
  readonly query: URLSearchParams;
  readonly status: number | undefined;
}

function callOf(request: ReceivedRequest): DbtCloudCall {
  const { pathname } = new URL(request.path, "http://dbt");
  const rest = pathname.replace(/^\/api\/v2\/accounts\/[^/]+\//, "");
  const route = routes.find(([, method, path]) => method === request.method && path.test(rest));
  return route?.[0] ?? "other";
}

function pathOf(call: DbtCloudCall, method: string, rest: string): readonly string[] {
  const route = routes.find(([name, allowed]) => name === call && allowed === method);
  return route?.[2].exec(rest)?.slice(1) ?? [];
}

function isListed(
  { id, name, projectId, environmentId, state }: DbtCloudJob,
  query: URLSearchParams,
) {
  const fits = (key: string, value: string) => (query.get(key) ?? value) === value;
  const part = query.get("name__icontains")?.toLowerCase() ?? "";
  return (
    state !== 2 &&
    fits("project_id", String(projectId ?? 7)) &&
    fits("environment_id", String(environmentId ?? 11)) &&
    (name ?? `Job ${id}`).toLowerCase().includes(part)
  );
}

function relatedOf(query: URLSearchParams): readonly string[] {
  return (query.get("include_related") ?? "").replaceAll(/[[\]" ]/g, "").split(",");
}

// Both forms mean the same.
function isAllowed(header: string | undefined, tokens: readonly string[]): boolean {
  const [, token = ""] = /^(?:Token|Bearer) (\S+)$/.exec(header ?? "") ?? [];
  return tokens.includes(token);
}

function ok(data: object): HttpAnswer {
  return envelope(200, data, "Success!");
}

function list(data: readonly object[], total: number, query: URLSearchParams): HttpAnswer {
  const limit = Math.min(100, Number(query.get("limit") ?? 100));
  const offset = Number(query.get("offset") ?? 0);
  const pagination = { count: data.length, total_count: total };
  return envelope(200, data, "Success!", { extra: { filters: { limit, offset }, pagination } });
}

function failure(status: number, message = words[status] ?? "Something went wrong."): HttpAnswer {
  return envelope(status, null, message, { isSuccess: false });
}

function envelope(
  code: number,
  data: object | null,
  message: string,
  { isSuccess = true, extra = {} }: { isSuccess?: boolean; extra?: JsonObject } = {},
): HttpAnswer {
  const status = { code, is_success: isSuccess, user_message: message, developer_message: "" };
  return {
    status: code,
    headers: { "content-type": "application/json" },
    body: toJson({ data, status, extra }),
  };
}
