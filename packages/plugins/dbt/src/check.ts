import { type CheckReport, HookError, isHookError } from "@pipehooks/core";
import { type DbtApi, objectOf, textOf } from "./api.ts";
import { parseHost } from "./host.ts";
import type { CheckedDbtCloudRun } from "./options.ts";

/** Whether host and token are good, and the jobs exist and may be seen; starts nothing. */
export async function checkJobs(
  api: DbtApi,
  options: CheckedDbtCloudRun,
  signal: AbortSignal,
): Promise<CheckReport> {
  const { host, region } = parseHost(options.host);
  const where = `${host}${region === undefined ? "" : ` (${region})`}, account ${options.accountId}`;
  const jobs = jobIds(options);
  if (jobs.length === 0) {
    const { total } = await api.list("jobs/", { query: { limit: 1 }, signal });
    const count = total === undefined ? "" : ` with ${total} jobs`;
    return { summary: `${where}${count} reached; events name the job, so none was looked at` };
  }
  const names: string[] = [];
  for (const id of jobs) names.push(await nameOf(api, id, signal));
  return { summary: `${where}: ${names.join(", ")}` };
}

async function nameOf(api: DbtApi, id: string, signal: AbortSignal): Promise<string> {
  try {
    const job = objectOf(await api.call("GET", `jobs/${id}/`, { signal }));
    if (job?.state === 2) {
      throw new HookError(
        "RECEIVER_REFUSED",
        `dbt: job ${id} is deleted. Name another one in "job".`,
      );
    }
    const name = textOf(job?.name);
    return name === undefined ? `job ${id}` : `job ${id} "${name}"`;
  } catch (error) {
    if (!isHookError(error) || error.answer?.status !== 404) throw error;
    throw new HookError(
      "RECEIVER_REFUSED",
      `dbt: there is no job ${id} in the account, or the token may not see it. ${error.message}`,
      { answer: error.answer, cause: error },
    );
  }
}

/** The jobs that are named whatever events say. */
function jobIds({ job, mappings }: CheckedDbtCloudRun): readonly string[] {
  const all = [job, ...Object.values(mappings ?? {}).map((mapping) => mapping.job)];
  return [...new Set(all.map(String))].filter((id) => /^\d+$/.test(id));
}
