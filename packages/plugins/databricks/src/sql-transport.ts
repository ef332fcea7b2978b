import type { HookError, Rendered, StartedRun } from "@pipehooks/core";
import type { SqlStatement } from "./sql-insert.ts";
import type { StatementAnswer } from "./sql-report.ts";

/** How statements come to a warehouse: the driver, or REST. What they answer has one shape. */
export interface SqlTransport {
  /** What {@link SqlTransport.execute} would send. */
  render(statement: SqlStatement): Rendered;
  /**
   * Sends a statement; answers how it is after a while, over or not.
   * @throws HookError of which `effectOf` says whether the statement may run all the same
   */
  execute(statement: SqlStatement, signal: AbortSignal): Promise<StatementAnswer>;
  /** How a statement is that this process or another one has sent. */
  get(statement: SentStatement, signal: AbortSignal): Promise<StatementAnswer>;
  /** Asks for its end. */
  cancel(statement: SentStatement, signal: AbortSignal): Promise<void>;
  /** Of a failure that says no more than that the warehouse is not up yet: after how many ms to try again. */
  notUpForMs?(error: HookError): number | undefined;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What is kept of a statement to find it again. */
export interface SentStatement extends Pick<StartedRun, "id"> {
  /** {@link StatementAnswer.handle}. */
  readonly handle: string | undefined;
}

/** Where statements of a hook run. */
export interface SqlPlace {
  readonly warehouseId: string;
  readonly catalog?: string | undefined;
  readonly schema?: string | undefined;
}
