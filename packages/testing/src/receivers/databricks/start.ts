import { invalid, malformed } from "./refusal.ts";

const maps = ["job_parameters", "notebook_params", "python_named_params", "sql_params"];
const lists = ["python_params", "jar_params", "spark_submit_params", "dbt_commands"];
const known = new Set([
  ...["job_id", "idempotency_token", "only", "queue", "performance_target", "pipeline_params"],
  ...maps,
  ...lists,
]);
const limited = ["notebook_params", "python_params", "jar_params", "spark_submit_params"];
const mostBytes = 10_000;
const longestToken = 64;

/**
 * Refuses a body of run-now that does not keep databricks-sdk-py `service/jobs.py`.
 * @throws Refusal
 */
export function checkStart(body: Record<string, unknown>): void {
  for (const key of Object.keys(body)) {
    if (!known.has(key)) throw malformed(`Could not parse request object: unknown field "${key}".`);
  }
  if (typeof body.job_id !== "bigint") throw malformed("job_id must be an integer.");
  const token = body.idempotency_token;
  if (token !== undefined && typeof token !== "string") throw malformed("idempotency_token: text.");
  if (typeof token === "string" && token.length > longestToken) {
    throw invalid(`idempotency_token must be at most ${longestToken} characters.`);
  }
  for (const name of maps) checkMap(name, body[name]);
  for (const name of lists) checkList(name, body[name]);
  checkList("only", body.only);
  for (const name of limited) {
    if (Buffer.byteLength(JSON.stringify(body[name]) ?? "") > mostBytes) {
      throw invalid(`The JSON of ${name} cannot exceed ${mostBytes} bytes.`);
    }
  }
  for (const name of ["python_params", "spark_submit_params"]) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII has them
    if (/[^\x00-\x7f]/.test(JSON.stringify(body[name]) ?? "")) {
      throw invalid(`${name} must be ASCII.`);
    }
  }
  if (body.notebook_params !== undefined && body.jar_params !== undefined) {
    throw invalid("notebook_params cannot be specified in conjunction with jar_params.");
  }
  const queue = body.queue as { enabled?: unknown } | undefined;
  if (queue !== undefined && typeof queue.enabled !== "boolean") throw malformed("queue.enabled.");
  const target = body.performance_target;
  if (target !== undefined && !["STANDARD", "PERFORMANCE_OPTIMIZED"].includes(String(target))) {
    throw invalid(`performance_target "${String(target)}" is not known.`);
  }
}

function checkMap(name: string, value: unknown): void {
  if (value === undefined) return;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw malformed(`${name} must be a map.`);
  }
  for (const [key, item] of Object.entries(value)) {
    if (typeof item !== "string") throw malformed(`${name}.${key} must be a string.`);
  }
}

function checkList(name: string, value: unknown): void {
  if (value === undefined) return;
  if (!Array.isArray(value) || value.some((item) => typeof item !== "string")) {
    throw malformed(`${name} must be a list of strings.`);
  }
}
