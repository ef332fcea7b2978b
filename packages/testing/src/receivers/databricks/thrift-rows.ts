import type { StatementResult } from "./warehouses.ts";

type Columns = NonNullable<StatementResult["columns"]>;
type Rows = NonNullable<StatementResult["rows"]>;

// TTypeId of TCLIService.thrift, for those that differ from text.
const typeIds: Readonly<Record<string, number>> = {
  BOOLEAN: 0,
  TINYINT: 1,
  SMALLINT: 2,
  INT: 3,
  BIGINT: 4,
  FLOAT: 5,
  DOUBLE: 6,
  STRING: 7,
  TIMESTAMP: 8,
  BINARY: 9,
  DECIMAL: 15,
  DATE: 17,
};

/** A TTableSchema. */
export function toSchema(columns: Columns) {
  return {
    columns: columns.map(({ name, type }, at) => ({
      columnName: name,
      position: at + 1,
      typeDesc: { types: [{ primitiveEntry: { type: typeIds[baseOf(type)] ?? 7 } }] },
    })),
  };
}

/** A TRowSet with columns; where there are no rows, with empty ones. */
export function toRowSet(
  columns: Columns,
  rows: Rows,
  { offset, Int64 }: { readonly offset: number; readonly Int64: new (bytes: Buffer) => object },
) {
  return {
    startRowOffset: offset,
    rows: [],
    columns: columns.map(({ type }, at) => {
      const cells = rows.map((row) => row[at] ?? null);
      const nulls = Buffer.alloc(Math.ceil(cells.length / 8));
      cells.forEach((cell, index) => {
        const byte = index >> 3;
        if (cell === null) nulls[byte] = (nulls[byte] ?? 0) | (1 << (index % 8));
      });
      return toColumn(baseOf(type), cells, { nulls, Int64 });
    }),
  };
}

function toColumn(
  type: string,
  cells: readonly (string | null)[],
  { nulls, Int64 }: { readonly nulls: Buffer; readonly Int64: new (bytes: Buffer) => object },
) {
  const numbers = () => cells.map((cell) => Number(cell ?? 0));
  switch (type) {
    case "BOOLEAN":
      return { boolVal: { values: cells.map((cell) => cell === "true"), nulls } };
    case "TINYINT":
      return { byteVal: { values: numbers(), nulls } };
    case "SMALLINT":
      return { i16Val: { values: numbers(), nulls } };
    case "INT":
      return { i32Val: { values: numbers(), nulls } };
    case "BIGINT":
      return { i64Val: { values: cells.map((cell) => new Int64(toBytes(cell ?? "0"))), nulls } };
    case "FLOAT":
    case "DOUBLE":
      return { doubleVal: { values: numbers(), nulls } };
    case "BINARY":
      return {
        binaryVal: { values: cells.map((cell) => Buffer.from(cell ?? "", "base64")), nulls },
      };
    default:
      return { stringVal: { values: cells.map((cell) => cell ?? ""), nulls } };
  }
}

function toBytes(digits: string): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(digits));
  return bytes;
}

function baseOf(type: string): string {
  return /^\w+/.exec(type.toUpperCase())?.[0] ?? "";
}
