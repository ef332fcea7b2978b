import type { StatementParameter } from "./warehouses.ts";

// What clients send, as TCLIService.thrift of `@databricks/sql` has it.

interface Handle {
  readonly guid: Buffer;
  readonly secret: Buffer;
}
export interface OfSession {
  readonly sessionHandle: { readonly sessionId: Handle };
}
export interface OfOperation {
  readonly operationHandle: { readonly operationId: Handle };
}
/** A thrift 64-bit integer. */
interface Long {
  toNumber(): number;
}

export interface OpenRequest {
  readonly initialNamespace?: {
    readonly catalogName?: string | null;
    readonly schemaName?: string | null;
  } | null;
}

export interface ExecuteRequest {
  readonly statement: string;
  readonly parameters?: readonly ThriftParameter[] | null;
  readonly getDirectResults?: { readonly maxRows?: Long | null } | null;
}

export interface FetchRequest {
  readonly maxRows: Long;
  readonly orientation?: number | null;
}

interface ThriftParameter {
  readonly name?: string | null;
  readonly type?: string | null;
  readonly value?: { readonly stringValue?: string | null } | null;
}

/** By name, or what is wrong with them. */
export function toParameters(
  list: readonly ThriftParameter[],
): Readonly<Record<string, StatementParameter>> | string {
  const parameters: Record<string, StatementParameter> = {};
  for (const { name, type, value } of list) {
    if (typeof name !== "string") return "[INVALID_PARAMETER_MARKER] Parameters go by name here.";
    parameters[name] = { name, value: value?.stringValue ?? null, type: type ?? "VOID" };
  }
  return parameters;
}

/** Handles are UUIDs as bytes: clients print them, and refuse what is none. */
export function toBytes(id: string): Buffer {
  return Buffer.from(id.replaceAll("-", ""), "hex");
}

export function toText(bytes: Buffer): string {
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Without it a handle is none. */
export function secretOf(id: string): Buffer {
  return Buffer.from(toBytes(id)).reverse();
}
