export type { DatabricksJob, DatabricksPlan } from "./job.ts";
export {
  createDatabricksReceiver,
  type DatabricksFault,
  type DatabricksReceiver,
  type DatabricksReceiverOptions,
  type DatabricksRun,
} from "./receiver.ts";
export type {
  DatabricksStatement,
  ExecuteStatement,
  StatementParameter,
  StatementResult,
} from "./statements.ts";
