import type { HookError } from "@pipehooks/core";
import type { Driver, DriverCalls } from "./driver.ts";
import type { Operation } from "./driver-operations.ts";
import { isSuccess, type ThriftStatus, textOf } from "./driver-status.ts";
import type { StatementAnswer } from "./sql-report.ts";

/** What came with the answer to a statement that was over at once. */
export type DirectResults = Awaited<ReturnType<DriverCalls["executeStatement"]>>["directResults"];
type Fetched = Awaited<ReturnType<DriverCalls["fetchResults"]>>;
type Metadata = Awaited<ReturnType<DriverCalls["getResultSetMetadata"]>>;

/** Rows fetched at a time; those after the first page are only counted, for a hook reads the first few. */
export const rowsOfFetch = 1_000;
const mostRows = 10_000;

// TSparkRowSetType and TFetchOrientation of TCLIService.thrift.
const columnBased = 1;
const fetchNext = 0;
const fetchFirst = 4;

/** The rows of a statement that has succeeded, as the REST API gives them. */
export async function readRows(
  driver: Driver,
  operation: Operation,
  parts: {
    readonly direct?: DirectResults;
    readonly signal: AbortSignal;
    readonly odd: (what: string) => HookError;
  },
): Promise<Pick<StatementAnswer, "manifest" | "result">> {
  const { direct, signal, odd } = parts;
  const must = (status: ThriftStatus): void => {
    if (!isSuccess(status)) throw odd(`its rows were not given: ${textOf(status)}`);
  };
  const fetch = (orientation: number) =>
    driver.call(
      "FetchResults",
      (calls) =>
        calls.fetchResults({
          ...{ operationHandle: operation, orientation, maxRows: rowsOfFetch, fetchType: 0 },
        }),
      { signal },
    );
  const metadata: Metadata =
    direct?.resultSetMetadata ??
    (await driver.call(
      "GetResultSetMetadata",
      (calls) => calls.getResultSetMetadata({ operationHandle: operation }),
      { signal },
    ));
  must(metadata.status);
  const schema = { columns: toColumns(metadata) };
  // Asked for otherwise; the statement has succeeded all the same.
  if (metadata.resultFormat !== columnBased) return { manifest: { schema, truncated: true } };

  // From the first row, so that a look that is made again gets all of them.
  let page: Fetched = direct?.resultSet ?? (await fetch(fetchFirst));
  must(page.status);
  const rows = toRows(page);
  let count = rows.length;
  // That there are no more is not to be trusted; a page without rows is.
  for (let last = count; last > 0 && !direct?.closeOperation && count < mostRows; count += last) {
    page = await fetch(fetchNext);
    must(page.status);
    last = toRows(page).length;
  }
  return {
    manifest: { schema, total_row_count: count, truncated: count >= mostRows },
    result: { data_array: rows },
  };
}

function toColumns({ schema }: Metadata): { readonly name: string }[] {
  return (schema?.columns ?? []).map(({ columnName }) => ({ name: columnName }));
}

/** Every value is text, or null; those of 64 bits keep all their digits. */
function toRows({ results }: Fetched): (string | null)[][] {
  const columns = (results?.columns ?? []).map(toCells);
  const length = Math.max(0, ...columns.map((cells) => cells.length));
  return Array.from({ length }, (_, at) => columns.map((cells) => cells[at] ?? null));
}

type Column = NonNullable<NonNullable<Fetched["results"]>["columns"]>[number];

/** One of eight lists, by type, beside a bit for each null. */
function toCells(column: Column): (string | null)[] {
  const list = Object.values(column).find(
    (each): each is { values: unknown[]; nulls?: Uint8Array } =>
      Array.isArray(Reflect.get(Object(each), "values")),
  );
  const { values = [], nulls } = list ?? {};
  return values.map((value, at) => {
    const isNull = ((nulls?.[at >> 3] ?? 0) & (1 << (at % 8))) !== 0;
    return isNull ? null : toText(value);
  });
}

function toText(value: unknown): string {
  if (Buffer.isBuffer(value)) return value.toString("base64");
  // A 64-bit integer of node-int64: its bytes, for as a number it may be rounded.
  const bytes: unknown = Reflect.get(Object(value), "buffer");
  if (Buffer.isBuffer(bytes)) {
    const offset: unknown = Reflect.get(Object(value), "offset");
    return String(bytes.readBigInt64BE(typeof offset === "number" ? offset : 0));
  }
  return String(value);
}
