import type { JsonObject, JsonValue } from "@pipehooks/core";

/** A node of `run_results.json`, as far as a test wants to say it. */
export interface DbtNodeResult {
  /** Such as `model.shop.orders` or `test.shop.not_null_orders_id`. */
  readonly uniqueId: string;
  /** Models: success, error, skipped, partial success, no-op; tests: pass, error, fail, warn, skipped. @default "success" */
  readonly status?: string | undefined;
  readonly message?: string | null | undefined;
  readonly failures?: number | null | undefined;
  /** Seconds. @default 1.5 */
  readonly executionTime?: number | undefined;
}

/** A source of `sources.json`. */
export interface DbtSourceResult {
  /** `source.<project>.<source>.<table>`. */
  readonly uniqueId: string;
  /** pass, warn, error, or runtime error, which has no timestamps. @default "pass" */
  readonly status?: string | undefined;
  /** Age of the newest row in seconds. @default 60 */
  readonly ageSeconds?: number | undefined;
  /** Of a runtime error. */
  readonly error?: string | undefined;
}

/** `run_results.json` in its schema v6 (https://schemas.getdbt.com/dbt/run-results/v6.json). */
export function createDbtRunResults(run: {
  readonly invocationId: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly nodes: readonly DbtNodeResult[];
}): JsonObject {
  const { invocationId, startedAt, nodes } = run;
  const seconds = (node: DbtNodeResult) => node.executionTime ?? 1.5;
  const elapsed = nodes.reduce((sum, node) => sum + seconds(node), 0);
  return {
    metadata: metadata("run-results/v6", invocationId, startedAt, elapsed),
    elapsed_time: elapsed,
    args: { which: "build" },
    results: nodes.map((node): JsonValue => {
      const status = node.status ?? "success";
      const ended = new Date(startedAt + seconds(node) * 1000).toISOString();
      const started = new Date(startedAt).toISOString();
      return {
        unique_id: node.uniqueId,
        status,
        message: node.message ?? (status === "success" ? "SUCCESS 1" : null),
        failures: node.failures ?? null,
        execution_time: status === "skipped" ? 0 : seconds(node),
        thread_id: "Thread-1 (worker)",
        timing:
          status === "skipped"
            ? []
            : [
                { name: "compile", started_at: started, completed_at: started },
                { name: "execute", started_at: started, completed_at: ended },
              ],
        adapter_response: status === "success" ? { rows_affected: 1 } : {},
        relation_name: `"db"."schema"."${node.uniqueId.split(".").at(-1)}"`,
        compiled: true,
        compiled_code: "select 1",
        batch_results: null,
      };
    }),
  };
}

/** `sources.json` in its schema v3 (https://schemas.getdbt.com/dbt/sources/v3.json). */
export function createDbtSources(run: {
  readonly invocationId: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly sources: readonly DbtSourceResult[];
}): JsonObject {
  const { invocationId, startedAt, sources } = run;
  return {
    metadata: metadata("sources/v3", invocationId, startedAt, 1),
    elapsed_time: 1,
    results: sources.map((source): JsonValue => {
      const status = source.status ?? "pass";
      if (status === "runtime error") {
        return { unique_id: source.uniqueId, error: source.error ?? "no such table", status };
      }
      const age = source.ageSeconds ?? 60;
      return {
        unique_id: source.uniqueId,
        max_loaded_at: new Date(startedAt - age * 1000).toISOString(),
        snapshotted_at: new Date(startedAt).toISOString(),
        max_loaded_at_time_ago_in_s: age,
        status,
        criteria: {
          warn_after: { count: 12, period: "hour" },
          error_after: { count: 1, period: "day" },
          filter: null,
        },
        adapter_response: {},
        timing: [],
        thread_id: "Thread-1 (worker)",
        execution_time: 0.1,
      };
    }),
  };
}

function metadata(schema: string, invocationId: string, startedAt: number, elapsed: number) {
  return {
    dbt_schema_version: `https://schemas.getdbt.com/dbt/${schema}.json`,
    dbt_version: "1.9.4",
    generated_at: new Date(startedAt + elapsed * 1000).toISOString(),
    invocation_id: invocationId,
    invocation_started_at: new Date(startedAt).toISOString(),
    env: {},
  };
}
