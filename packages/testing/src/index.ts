export {
  createVirtualTime,
  type VirtualTime,
  type VirtualTimeOptions,
} from "@pipehooks/core/virtual-time";
export { type HookSuite, testHook } from "./hook-suite.ts";
export type { StatusClass } from "./http-statuses.ts";
export {
  checkOptions,
  type LogLine,
  type OpenedHook,
  type OptionProblem,
  openHook,
} from "./open-hook.ts";
export * from "./receivers/databricks/index.ts";
export * from "./receivers/dbt-cloud/index.ts";
export {
  createHexReceiver,
  type HexCourse,
  type HexFault,
  type HexInput,
  type HexLimits,
  type HexOperation,
  type HexPeaks,
  type HexProject,
  type HexReceiver,
  type HexReceiverOptions,
  type HexRun,
  type HexStatus,
  type HexToken,
} from "./receivers/hex.ts";
export {
  type Answering,
  createHttpReceiver,
  type HttpAnswer,
  type HttpReceiver,
  type HttpReceiverOptions,
  type Misbehaviour,
  type ReceivedRequest,
  type Respond,
} from "./receivers/http.ts";
export { type StoreSuite, testStore } from "./store-suite.ts";
export { createTestDelivery, createTestEvent, type TestDelivery } from "./test-delivery.ts";
