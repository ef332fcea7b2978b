import { compileTemplate, type JsonValue, jsonInteger, type TemplateScope } from "@pipehooks/core";
import { z } from "zod";

/** A template, or one with the SQL type that its value is to have. */
export type SqlValue =
  | string
  | number
  | boolean
  | null
  | { readonly value: string | number | boolean | null; readonly type: string };

/** A parameter as both transports send it: values are text, null is NULL. */
export interface SqlParameter {
  readonly name: string;
  readonly value: string | null;
  /** Such as `STRING`, `BIGINT`, `DECIMAL(10,2)`. */
  readonly type: string;
}

const text = z.string().superRefine((value, context) => {
  try {
    compileTemplate(value);
  } catch (error) {
    context.addIssue({ code: "custom", message: error instanceof Error ? error.message : "" });
  }
});
const scalar = z.union([text, z.number(), z.boolean(), z.null()]);

/** A value type that is no list, map or struct: those cannot be parameters. */
const sqlType: z.ZodType<string, string> = z
  .string()
  .regex(
    /^(?:STRING|BOOLEAN|TINYINT|SMALLINT|INT|INTEGER|BIGINT|FLOAT|DOUBLE|DATE|TIMESTAMP|TIMESTAMP_NTZ|BINARY|DECIMAL(?:\(\d{1,2},\s?\d{1,2}\))?)$/i,
    "is no SQL type of a single value, such as STRING, BIGINT, DECIMAL(10,2), DATE or TIMESTAMP",
  );

export const sqlValue: z.ZodType<SqlValue, SqlValue> = z.union([
  scalar,
  z.strictObject({ value: scalar, type: sqlType }),
]);

/** Compiles templates of parameters; their types follow the values where they are not given. */
export function compileParameters(
  values: Readonly<Record<string, SqlValue>>,
): (scope: TemplateScope) => readonly SqlParameter[] {
  const parts = Object.entries(values).map(([name, value]) => ({ name, ...compileValue(value) }));
  return (scope) =>
    parts.map(({ name, type, render }) => {
      const value = render(scope);
      return { name, value: toText(value), type: type ?? typeOf(value) };
    });
}

/** A value of a column, with its type; `STRING` where none is given. */
export function compileColumn(value: SqlValue): {
  readonly type: string;
  readonly render: (scope: TemplateScope) => JsonValue;
} {
  const { type = "STRING", render } = compileValue(value);
  return { type, render: (scope) => toCell(render(scope), type) };
}

function compileValue(value: SqlValue): {
  readonly type: string | undefined;
  readonly render: (scope: TemplateScope) => JsonValue;
} {
  const { value: template, type } =
    typeof value === "object" && value !== null ? value : { value, type: undefined };
  return { type: type?.toUpperCase(), render: compileTemplate(template).render };
}

function toText(value: JsonValue): string | null {
  if (value === null) return null;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function typeOf(value: JsonValue): string {
  if (typeof value === "boolean") return "BOOLEAN";
  if (typeof value !== "number") return "STRING";
  return Number.isSafeInteger(value) ? "BIGINT" : "DOUBLE";
}

const numbers = /^(?:TINYINT|SMALLINT|INT|INTEGER|BIGINT|FLOAT|DOUBLE|DECIMAL)/;

/** As JSON that `from_json` reads as the type: numbers as numbers, everything else as text. */
function toCell(value: JsonValue, type: string): JsonValue {
  if (value === null) return null;
  if (type === "BOOLEAN" && typeof value === "boolean") return value;
  if (type === "BOOLEAN" && (value === "true" || value === "false")) return value === "true";
  if (numbers.test(type)) {
    if (typeof value === "number") return value;
    if (typeof value === "string" && /^-?(?:0|[1-9]\d*)$/.test(value)) return jsonInteger(value);
    if (type.startsWith("DECIMAL")) return jsonDecimal(String(value).trim());
    const number = typeof value === "string" && value.trim() !== "" ? Number(value) : Number.NaN;
    if (Number.isFinite(number)) return number;
  }
  return toText(value);
}

/** A JSON number with all its digits, which a JavaScript number would round; what is written otherwise stays text. */
function jsonDecimal(text: string): JsonValue {
  return /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text) ? raw.rawJSON(text) : text;
}

// In Node since 21, not yet in TypeScript's types. What it makes is written as it is by JSON.stringify.
const raw = JSON as unknown as { rawJSON(text: string): JsonValue };
