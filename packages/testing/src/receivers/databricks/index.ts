export type { DatabricksFault } from "./fault.ts";
export type { DatabricksJob, DatabricksPlan } from "./job.ts";
export {
  createDatabricksReceiver,
  type DatabricksReceiver,
  type DatabricksReceiverOptions,
  type DatabricksRun,
} from "./receiver.ts";
export type { DatabricksSession } from "./thrift-service.ts";
export type {
  DatabricksStatement,
  ExecuteStatement,
  StatementParameter,
  StatementResult,
} from "./warehouses.ts";
