// What stores run inside their transactions; light, so that a worker thread can load it by itself.
export type {
  AlertState,
  GateAction,
  GateEvent,
  GateEventInput,
  GateEventType,
  GateFacts,
  GateInput,
  GateMemory,
  GateRelease,
  GateStep,
  JoinInput,
} from "./gate.ts";
export { commonKey, countGathered, memoryOf, passGate, takenOut } from "./gate.ts";
export { createGateEvent } from "./gate-event.ts";
export { latestWake } from "./latest-wake.ts";
export type {
  AbsenceSpec,
  AlertSpec,
  CronSpec,
  DebounceSpec,
  DigestSpec,
  GateKind,
  GateSpec,
  JoinSpec,
  ThresholdSpec,
} from "./spec.ts";
