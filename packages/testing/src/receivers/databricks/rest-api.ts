import type { ReceivedRequest } from "../http.ts";
import { bodyOf, type Call } from "./call.ts";
import type { Jobs } from "./jobs.ts";
import { Refusal } from "./refusal.ts";
import type { Statements } from "./statements.ts";

/** Answers calls of the Jobs API and of the SQL statements API, and throws a Refusal for others. */
export function createRestApi(
  jobs: Jobs,
  statements: Statements,
): (request: ReceivedRequest, call: Call) => unknown {
  return (request, { path, query }) => {
    const get = (run: () => unknown) => ({ method: "GET", run });
    const post = (run: (body: Record<string, unknown>) => unknown) => ({
      method: "POST",
      run: () => run(bodyOf(request)),
    });
    const routes: Readonly<Record<string, { method: string; run: () => unknown }>> = {
      "jobs/run-now": post(jobs.runNow),
      "jobs/runs/get": get(() => jobs.get(query)),
      "jobs/runs/list": get(() => jobs.list(query)),
      "jobs/runs/cancel": post(jobs.cancel),
      "jobs/runs/cancel-all": post(jobs.cancelAll),
      "jobs/runs/repair": post(jobs.repair),
      "jobs/runs/get-output": get(() => jobs.output(query)),
      "jobs/get": get(() => jobs.job(query)),
      "jobs/list": get(() => jobs.jobs(query)),
    };
    const route = routes[path] ?? statements.route(request.method, path, () => bodyOf(request));
    if (route === undefined || route.method !== request.method) {
      throw new Refusal(
        404,
        "ENDPOINT_NOT_FOUND",
        `No API found for '${request.method} /${path}'.`,
      );
    }
    return route.run();
  };
}
