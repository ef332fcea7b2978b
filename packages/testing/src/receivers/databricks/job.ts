/** A job of the workspace. */
export interface DatabricksJob {
  /** Digits; a 64-bit integer, beyond what a JavaScript number holds if you like. */
  readonly id: string;
  /** @default "job <id>" */
  readonly name?: string;
  /** Declared parameters with their defaults. @default none */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Keys of its tasks. @default ["main"] */
  readonly tasks?: readonly string[];
  /** Further runs wait, or are skipped where `queue` is off. @default 1 */
  readonly maxConcurrentRuns?: number;
  /** Whether it queues by default, as jobs made with 2.2 do. @default true */
  readonly queue?: boolean;
  /** What the caller may do with it: `manage` is CAN MANAGE RUN. @default "manage" */
  readonly permission?: "manage" | "view" | "none";
  /** What becomes of a run: its number among the job's runs from 0, and which try at it. */
  readonly plan?: (run: { readonly number: number; readonly repair: number }) => DatabricksPlan;
}

/** What becomes of a run. */
export interface DatabricksPlan {
  /** How long its compute takes to come up, in milliseconds. @default 1_000 */
  readonly pendingMs?: number;
  /** How long it runs, in milliseconds. @default 10_000 */
  readonly runMs?: number;
  /** A termination code, such as `RUN_EXECUTION_ERROR`. @default "SUCCESS" */
  readonly code?: string;
  /** @default by the code: `SUCCESS`, `INTERNAL_ERROR`, `CLOUD_FAILURE`, else `CLIENT_ERROR` */
  readonly type?: string;
  readonly message?: string;
  /** Keys of the tasks that fail. @default the last one, where the code is a failure */
  readonly failedTasks?: readonly string[];
  /** What a notebook returns. @default "" */
  readonly output?: string;
}
