import { toSeconds } from "./plumber-text.ts";
import { entry, map, optional, scalar } from "./plumber-tree.ts";
import type { Problems } from "./problem.ts";
import { joinPath, type MapTree, type Tree, toEntries } from "./tree.ts";

/** Keys of `databricks_jobs` besides those that every kind has. */
export const databricksKeys = [
  "workspace_url",
  "token",
  "job_mappings",
  "run_name_template",
  "wait_for_completion",
  "timeout_seconds",
];

/** Options of `databricks-job` that are templates. */
export const databricksTemplates: readonly string[] = [
  ...["job_parameters", "notebook_params", "python_named_params", "sql_params"],
  ...["python_params", "jar_params", "spark_submit_params", "dbt_commands"],
].map((option) => `job_mappings.*.${option}`);

/** Options of `databricks-job` that mean the same. */
export function toDatabricksOptions(block: MapTree, problems: Problems, path: string): MapTree {
  const take = (name: string) => block.entries.get(name);
  const same = (name: string, today = name) => optional(today, take(name)?.value, take(name));
  const mappings = take("job_mappings");
  const timeout = take("timeout_seconds");
  const runName = take("run_name_template");
  if (runName !== undefined) {
    problems.warn({
      at: runName.keyAt,
      path: joinPath(path, "run_name_template"),
      message:
        '"run_name_template" has no effect: Databricks takes no name for the run of a job. Pass it as one of the job\'s parameters.',
    });
  }
  return map(block.at, [
    same("workspace_url", "host"),
    same("token"),
    optional("job_mappings", mappings && toMappings(mappings.value), mappings),
    same("wait_for_completion"),
    optional("deadline", timeout && toSeconds(timeout.value), timeout),
    // There a run that took longer was a failure.
    timeout && entry("on_deadline", scalar("fail", timeout.keyAt), timeout.keyAt),
  ]);
}

/** What a job is given are its parameters. */
function toMappings(mappings: Tree): Tree {
  if (mappings.type !== "map") return mappings;
  const entries = [...mappings.entries.values()].map((one) => ({
    ...one,
    value: renamed(one.value),
  }));
  return { ...mappings, entries: toEntries(entries) };
}

function renamed(job: Tree): Tree {
  if (job.type !== "map") return job;
  const entries = [...job.entries.values()].map((one) =>
    one.key === "parameters" ? { ...one, key: "job_parameters" } : one,
  );
  return { ...job, entries: toEntries(entries) };
}
