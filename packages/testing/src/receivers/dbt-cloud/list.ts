import type { LiveRun } from "./runs.ts";

/**
 * Runs by the filters of `GET runs/`; a text says what is wrong with them. Lists among filters travel as JSON:
 * `status__in=[1,2,3]`.
 */
export function listRuns(
  runs: readonly LiveRun[],
  query: URLSearchParams,
): { readonly page: readonly LiveRun[]; readonly total: number } | string {
  let found = [...runs];
  for (const [name, value] of query) {
    switch (name) {
      case "job_definition_id":
        found = found.filter((run) => run.jobId === value);
        break;
      case "project_id":
        found = found.filter((run) => String(run.job.projectId ?? 7) === value);
        break;
      case "environment_id":
        found = found.filter((run) => String(run.job.environmentId ?? 11) === value);
        break;
      case "status":
        found = found.filter((run) => String(run.status) === value);
        break;
      case "status__in": {
        const wanted = numbersOf(value);
        if (wanted === undefined) return `status__in is no JSON list of numbers: ${value}`;
        found = found.filter((run) => wanted.includes(run.status));
        break;
      }
      case "id__gt":
        if (!/^\d+$/.test(value)) return `id__gt is no number: ${value}`;
        found = found.filter((run) => BigInt(run.id) > BigInt(value));
        break;
      case "created_at__range":
      case "finished_at__range": {
        const range = rangeOf(value);
        if (range === undefined) return `${name} is no JSON list of two times: ${value}`;
        const [from, to] = range;
        found = found.filter((run) => {
          const at = name === "created_at__range" ? run.createdAt : run.finishedAt;
          return at !== undefined && at >= from && at <= to;
        });
        break;
      }
      case "order_by":
        if (!isOrder(value)) return `order_by does not know ${value}`;
        found = sort(found, value);
        break;
      case "limit":
      case "offset":
      case "include_related":
        break;
      default:
        return `There is no filter ${name}`;
    }
  }
  const limit = Number(query.get("limit") ?? 100);
  const offset = Number(query.get("offset") ?? 0);
  if (!(limit >= 1 && limit <= 100)) return "limit must be from 1 to 100";
  return { page: found.slice(offset, offset + limit), total: found.length };
}

const orders = ["id", "created_at", "finished_at"] as const;

function isOrder(value: string): boolean {
  return orders.some((order) => value === order || value === `-${order}`);
}

function sort(runs: readonly LiveRun[], order: string): LiveRun[] {
  const keyOf = (run: LiveRun): bigint => {
    if (order.endsWith("created_at")) return BigInt(run.createdAt);
    if (order.endsWith("finished_at")) return BigInt(run.finishedAt ?? 0);
    return BigInt(run.id);
  };
  const sorted = runs.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return order.startsWith("-") ? sorted.reverse() : sorted;
}

function numbersOf(text: string): readonly unknown[] | undefined {
  const list = parsed(text);
  return Array.isArray(list) && list.every(Number.isInteger) ? list : undefined;
}

function rangeOf(text: string): readonly [number, number] | undefined {
  const list = parsed(text);
  if (!Array.isArray(list) || list.length !== 2) return undefined;
  const [from = Number.NaN, to = Number.NaN] = list.map((time) => Date.parse(String(time)));
  return Number.isNaN(from + to) ? undefined : [from, to];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
