import { createHash } from "node:crypto";
import { compileExpression } from "../condition.ts";
import { HookError, messageOf } from "../errors.ts";
import { eventFields, type PipehooksEvent } from "../event.ts";
import { readPath } from "../template.ts";
import type { GateValue } from "./options.ts";
import { commonKey, type GateSpec } from "./spec.ts";

/** What a `by` reads of events. */
export interface KeyReader {
  /** As written, for people. */
  readonly text: string;
  readonly field: GateSpec["keyField"];
  keyOf(event: PipehooksEvent): string;
}

const pathPattern = /^(?:event\.)?([A-Za-z_][\w-]*(?:\.[\w-]+)*)$/;
const keyFields = ["pipeline", "flowgroup", "action", "table", "subject"] as const;
/** Longest key as it is; stores index keys, and one cannot index texts of any length. */
const longestKey = 500;

/**
 * Compiles a `by`: one value, or a list of them that make the key together. An event that has none of them belongs to
 * the common group.
 * @throws HookError CONFIG_INVALID, CONDITION_INVALID
 */
export function compileKey(
  by: GateValue | readonly GateValue[] | undefined,
  warn: (why: string) => void,
): KeyReader {
  if (by === undefined) return { text: "nothing", field: undefined, keyOf: () => commonKey };
  const list = Array.isArray(by) ? (by as readonly GateValue[]) : [by as GateValue];
  const readers = list.map((value) => compileValue(value, warn));
  const [only] = readers;
  if (only !== undefined && readers.length === 1) {
    const field = keyFields.find((name) => name === only.path);
    return { text: only.text, field, keyOf: (event) => toKey(only.read(event)) };
  }
  return {
    text: readers.map(({ text }) => text).join(", "),
    field: undefined,
    keyOf(event) {
      const values = readers.map(({ read }) => read(event) ?? null);
      return toKey(values.every((value) => value === null) ? null : values);
    },
  };
}

/** Compiles what tells events apart: a path, a CEL expression or a function. */
export function compileValue(
  value: GateValue,
  warn: (why: string) => void,
): {
  readonly text: string;
  readonly path?: string | undefined;
  read(event: PipehooksEvent): unknown;
} {
  if (typeof value === "function") {
    return {
      text: value.name === "" || value.name === "by" ? "a function" : `${value.name}()`,
      read(event) {
        try {
          return value(event);
        } catch (error) {
          warn(`a function of its gate threw: ${messageOf(error)}`);
          return undefined;
        }
      },
    };
  }
  const [, path] = pathPattern.exec(value.trim()) ?? [];
  if (path === undefined) {
    const read = compileExpression(value, (why) => warn(`"${value}" of its gate failed: ${why}`));
    return { text: value, read };
  }
  const [field = ""] = path.split(".");
  if (eventFields.includes(field)) {
    return { text: path, path, read: (event) => readPath(event, path) };
  }
  throw new HookError(
    "CONFIG_INVALID",
    `An event has no field "${field}". Write a path such as pipeline or metadata.customer, or a CEL expression over event.`,
  );
}

/** Text of a value that tells groups apart: a text as it is, anything else as JSON, nothing as the common group. */
export function toKey(value: unknown): string {
  if (value === undefined || value === null) return commonKey;
  const text = typeof value === "string" && isPlainText(value) ? value : jsonOf(value);
  if (text.length <= longestKey) return text;
  const digest = createHash("sha256").update(text).digest("base64url");
  return `${text.slice(0, 100).toWellFormed()}…${digest}`;
}

// Databases take neither NUL nor half a character.
function isPlainText(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

function jsonOf(value: unknown): string {
  // CEL has whole numbers as BigInt, unsigned ones as objects with a number's value.
  const plain = (_name: string, item: unknown): unknown => {
    const primitive: unknown = Object(item).valueOf();
    return typeof primitive === "bigint" ? Number(primitive) : item;
  };
  try {
    return JSON.stringify(value, plain) ?? String(value);
  } catch {
    return String(value);
  }
}
