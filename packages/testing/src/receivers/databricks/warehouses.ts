import { randomUUID } from "node:crypto";

/** What a SQL statement gives. Values are text or null, as the API has them. */
export interface StatementResult {
  readonly columns?: readonly { readonly name: string; readonly type: string }[];
  readonly rows?: readonly (readonly (string | null)[])[];
  /** How long it takes, in milliseconds. @default 0 */
  readonly runMs?: number;
  /** It fails so. */
  readonly error?: { readonly code: string; readonly message: string };
  /** It is closed as soon as it has succeeded, and its rows are not to be had. @default false */
  readonly closed?: boolean;
}

export interface StatementParameter {
  readonly name: string;
  readonly value: string | null;
  readonly type: string;
}

/** Runs a statement; called when it begins, so its effects stand even if nobody looks at it again. */
export type ExecuteStatement = (statement: {
  readonly text: string;
  readonly parameters: Readonly<Record<string, StatementParameter>>;
  readonly catalog: string | undefined;
  readonly schema: string | undefined;
}) => StatementResult;

/** A statement as the receiver knows it. */
export interface DatabricksStatement {
  readonly id: string;
  readonly text: string;
  readonly parameters: Readonly<Record<string, StatementParameter>>;
  /** As the REST API names it: `PENDING`, `RUNNING`, `SUCCEEDED`, `FAILED`, `CANCELED`, `CLOSED`. */
  readonly state: string;
  /** How it came: over REST, or from `@databricks/sql`. */
  readonly transport: "rest" | "driver";
}

/** What a statement is started with, however it came. */
export interface StatementRequest {
  readonly text: string;
  readonly warehouse: string;
  readonly parameters: Readonly<Record<string, StatementParameter>>;
  readonly catalog: string | undefined;
  readonly schema: string | undefined;
  readonly transport: DatabricksStatement["transport"];
}

export interface Statement extends StatementRequest {
  readonly id: string;
  readonly runsAt: number;
  result: StatementResult | undefined;
  endsAt: number;
  cancelledAt: number | undefined;
}

/** SQL warehouses: what starts them, and what becomes of the statements that they are given. */
export interface Warehouses {
  /** Every statement ever taken, oldest first. */
  readonly all: readonly Statement[];
  has(id: string): boolean;
  /** `STOPPED`, `STARTING` or `RUNNING`. */
  warehouseState(id: string): string;
  start(request: StatementRequest): Statement;
  stateOf(statement: Statement): string;
  cancel(statement: Statement): void;
}

export function createWarehouses(options: {
  readonly now: () => number;
  readonly execute: ExecuteStatement;
  readonly warehouses: readonly string[];
  readonly warehouseStartMs: number;
}): Warehouses {
  const { now, execute, warehouses, warehouseStartMs } = options;
  const all: Statement[] = [];
  /** When each warehouse is up; the first statement starts it. */
  const upAt = new Map<string, number>();

  const stateOf = (statement: Statement): string => {
    const { cancelledAt, runsAt } = statement;
    if (cancelledAt !== undefined && cancelledAt < statement.endsAt) return "CANCELED";
    if (now() < runsAt) return "PENDING";
    if (statement.result === undefined) {
      statement.result = execute(statement);
      statement.endsAt = runsAt + (statement.result.runMs ?? 0);
    }
    if (now() < statement.endsAt) return "RUNNING";
    if (statement.result.error !== undefined) return "FAILED";
    return statement.result.closed === true ? "CLOSED" : "SUCCEEDED";
  };

  return {
    all,
    has: (id) => warehouses.includes(id),
    warehouseState(id) {
      const up = upAt.get(id);
      if (up === undefined) return "STOPPED";
      return now() < up ? "STARTING" : "RUNNING";
    },
    start(request) {
      const up = upAt.get(request.warehouse) ?? now() + warehouseStartMs;
      upAt.set(request.warehouse, up);
      const statement: Statement = {
        id: randomUUID(),
        ...request,
        runsAt: Math.max(now(), up),
        result: undefined,
        endsAt: Number.POSITIVE_INFINITY,
        cancelledAt: undefined,
      };
      all.push(statement);
      stateOf(statement);
      return statement;
    },
    stateOf,
    cancel(statement) {
      statement.cancelledAt ??= now();
    },
  };
}

/** The first `:name` marker of a statement that has no parameter; those in texts and quoted names left out. */
export function unboundIn(
  text: string,
  parameters: Readonly<Record<string, StatementParameter>>,
): string | undefined {
  const bare = text.replaceAll(/'(?:[^'\\]|\\.)*'|`[^`]*`/g, "");
  const names = [...bare.matchAll(/(?<!:):([A-Za-z_]\w*)/g)].map(([, name = ""]) => name);
  return names.find((name) => parameters[name] === undefined);
}
