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
