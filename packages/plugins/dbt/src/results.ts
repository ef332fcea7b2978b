import type { JsonObject, JsonValue } from "@pipehooks/core";
import { isPassing } from "./transient.ts";

/** What dbt wrote in one invocation. */
export interface DbtFiles {
  /** The step of the run, from 1; absent for a local command. */
  readonly step?: number | undefined;
  readonly runResults?: unknown;
  readonly sources?: unknown;
}

/** What came of a run, small enough for an event. */
export interface DbtSummary {
  /** For the metadata of the outcome event. */
  readonly detail: JsonObject;
  /** The nodes that failed, in one line; undefined when none did. */
  readonly message: string | undefined;
  /** Whether each node that failed did so by something that passes. */
  readonly isPassing: boolean;
  /** Of the first file. */
  readonly invocationId: string | undefined;
}

interface NodeRow {
  readonly uniqueId: string;
  readonly status: string;
  readonly message: string | undefined;
  readonly seconds: number;
  readonly row: JsonObject;
}

/** Most nodes that are told one by one. */
const mostNodes = 200;
const mostFailures = 50;
const longestMessage = 500;
/** Most bytes of JSON; an event may have 256 KiB in all. */
const mostBytes = 96 * 1024;
const failing = new Set(["error", "fail", "runtime error", "partial success"]);

/**
 * Sums up `run_results.json` (schema v6) and `sources.json` (schema v3) of a run, failures first, then the slowest.
 * https://schemas.getdbt.com
 */
export function summarizeDbt(
  files: readonly DbtFiles[],
  redact: (text: string) => string,
): DbtSummary {
  const nodes = withoutRepeats(files, ({ runResults }) => runResults).flatMap(({ file, step }) =>
    rowsOf(file).map((result) => toNode(result, step, redact)),
  );
  const sources = withoutRepeats(files, (each) => each.sources).flatMap(({ file }) =>
    rowsOf(file).map((result) => toSource(result, redact)),
  );
  const failed = nodes.filter(({ status }) => failing.has(status));
  const stale = sources.filter(({ status }) => failing.has(status));
  const slowest = nodes.toSorted((a, b) => b.seconds - a.seconds);
  const budget = { bytes: mostBytes };
  const failures = fitting(failed, mostFailures, budget);
  const rows = fitting(slowest, mostNodes, budget);
  const late = fitting(stale, mostFailures, budget);
  const seconds = nodes.reduce((sum, node) => sum + node.seconds, 0);
  return {
    detail: {
      ...(nodes.length > 0 && {
        results: {
          total: nodes.length,
          statuses: countStatuses(nodes),
          seconds: Math.round(seconds * 1000) / 1000,
          failures,
          nodes: rows.map(({ message: _, ...row }) => row),
          omitted: nodes.length - rows.length,
        },
      }),
      ...(sources.length > 0 && {
        freshness: { total: sources.length, statuses: countStatuses(sources), stale: late },
      }),
    },
    message: messageOf([...failed, ...stale]),
    invocationId: files
      .flatMap(({ runResults, sources }) => [runResults, sources])
      .map(invocationOf)
      .find((id) => id !== undefined),
    isPassing: failed.length > 0 && failed.every(isWorthAnotherTry),
  };
}

/** Rows that a test found are there again next time, whatever its message says. */
function isWorthAnotherTry({ status, message = "" }: NodeRow): boolean {
  return status !== "fail" && isPassing(message);
}

/** A file that stays where it was is there again in the next step: it is of the same invocation. */
function withoutRepeats(
  files: readonly DbtFiles[],
  pick: (files: DbtFiles) => unknown,
): readonly { readonly file: unknown; readonly step: number | undefined }[] {
  const seen = new Set<unknown>();
  return files.flatMap((each) => {
    const file = pick(each);
    if (file === undefined) return [];
    const id = invocationOf(file);
    if (id !== undefined) {
      if (seen.has(id)) return [];
      seen.add(id);
    }
    return [{ file, step: each.step }];
  });
}

function invocationOf(file: unknown): string | undefined {
  return textOf(fieldOf(fieldOf(file, "metadata"), "invocation_id"));
}

function rowsOf(file: unknown): readonly unknown[] {
  const results = fieldOf(file, "results");
  return Array.isArray(results) ? results : [];
}

function toNode(
  result: unknown,
  step: number | undefined,
  redact: (text: string) => string,
): NodeRow {
  const uniqueId = textOf(fieldOf(result, "unique_id")) ?? "?";
  const status = textOf(fieldOf(result, "status")) ?? "?";
  const message = shorten(textOf(fieldOf(result, "message")), redact);
  const seconds = numberOf(fieldOf(result, "execution_time")) ?? 0;
  const failures = numberOf(fieldOf(result, "failures"));
  const rows = numberOf(fieldOf(fieldOf(result, "adapter_response"), "rows_affected"));
  const startedAt = firstStart(fieldOf(result, "timing"));
  const row = {
    unique_id: uniqueId,
    status,
    seconds: Math.round(seconds * 1000) / 1000,
    ...(startedAt !== undefined && { started_at: startedAt }),
    ...(message !== undefined && { message }),
    ...(failures !== undefined && { failures }),
    ...(rows !== undefined && { rows }),
    ...(step !== undefined && { step }),
  };
  return { uniqueId, status, message, seconds, row };
}

function toSource(result: unknown, redact: (text: string) => string): NodeRow {
  const uniqueId = textOf(fieldOf(result, "unique_id")) ?? "?";
  const status = textOf(fieldOf(result, "status")) ?? "?";
  const message = shorten(textOf(fieldOf(result, "error")), redact);
  const age = numberOf(fieldOf(result, "max_loaded_at_time_ago_in_s"));
  const loadedAt = textOf(fieldOf(result, "max_loaded_at"));
  const row = {
    unique_id: uniqueId,
    status,
    ...(loadedAt !== undefined && { max_loaded_at: loadedAt }),
    ...(age !== undefined && { age_seconds: Math.round(age) }),
    ...(message !== undefined && { message }),
  };
  return { uniqueId, status, message, seconds: 0, row };
}

function countStatuses(rows: readonly NodeRow[]): JsonObject {
  const counts = new Map<string, number>();
  for (const { status } of rows) counts.set(status, (counts.get(status) ?? 0) + 1);
  return Object.fromEntries(counts);
}

/** As many as fit into what is left, which gets less by them. */
function fitting(
  rows: readonly NodeRow[],
  most: number,
  budget: { bytes: number },
): readonly JsonObject[] {
  const taken: JsonObject[] = [];
  for (const { row } of rows.slice(0, most)) {
    const bytes = Buffer.byteLength(JSON.stringify(row)) + 1;
    if (bytes > budget.bytes) break;
    budget.bytes -= bytes;
    taken.push(row);
  }
  return taken;
}

function messageOf(failed: readonly NodeRow[]): string | undefined {
  const [first] = failed;
  if (first === undefined) return undefined;
  const why = first.message === undefined ? first.status : `${first.status}: ${first.message}`;
  const more = failed.length > 1 ? ` (and ${failed.length - 1} more)` : "";
  return `${first.uniqueId} ${why}${more}`;
}

function firstStart(timing: unknown): string | undefined {
  if (!Array.isArray(timing)) return undefined;
  return timing.map((part) => textOf(fieldOf(part, "started_at"))).find((at) => at !== undefined);
}

function shorten(text: string | undefined, redact: (text: string) => string): string | undefined {
  if (text === undefined) return undefined;
  // Redacted before it is cut, or half a secret would stay.
  const clean = redact(text.slice(0, 20 * longestMessage));
  return clean.length > longestMessage
    ? `${clean.slice(0, longestMessage).toWellFormed()}…`
    : clean;
}

function fieldOf(value: unknown, key: string): JsonValue | undefined {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return Reflect.get(value, key) as JsonValue;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
