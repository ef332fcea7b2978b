export type { DbtCloudCall } from "./api.ts";
export {
  createDbtRunResults,
  createDbtSources,
  type DbtNodeResult,
  type DbtSourceResult,
} from "./artifacts.ts";
export {
  createDbtCloudReceiver,
  type DbtCloudFault,
  type DbtCloudReceiver,
  type DbtCloudReceiverOptions,
} from "./receiver.ts";
export type {
  DbtCloudJob,
  DbtCloudRun,
  DbtRunPlan,
  DbtRunStep,
  DbtRunTrigger,
} from "./runs.ts";
