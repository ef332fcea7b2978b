export { type Clock, createSystemClock, systemClock } from "./clock.ts";
export { formatDuration, parseDuration, parseRate, parseSize } from "./duration.ts";
export {
  type Answer,
  type ErrorCode,
  errorCodes,
  HookError,
  type HookErrorOptions,
  isHookError,
  messageOf,
} from "./errors.ts";
export type { EventError, EventFields, PipehooksEvent, Severity } from "./event.ts";
export {
  type CheckReport,
  type ConfiguredHook,
  type Delivery,
  defineHook,
  delivered,
  type Hook,
  type HookContext,
  type HookDefinition,
  type HookFactory,
  type HookKind,
  type Outcome,
  pending,
  skipped,
} from "./hook.ts";
export type { JsonObject, JsonValue } from "./json.ts";
export { type Logger, redactingLogger, silentLogger, stderrLogger } from "./logger.ts";
export {
  type ConfiguredSource,
  definePlugin,
  defineSource,
  type Plugin,
  type Source,
  type SourceContext,
  type SourceDefinition,
  type SourceFactory,
  type SourceKind,
} from "./plugin.ts";
export {
  type BreakerInput,
  type BreakerPolicy,
  type Policy,
  type PolicyInput,
  policySchema,
  policyShape,
  type RateWindow,
  type RetryInput,
  type RetryPolicy,
  toPolicy,
} from "./policy.ts";
export { createRedactor, type Redact, redactedMark } from "./redact.ts";
export type {
  Acceptance,
  Accepted,
  AttemptRecord,
  AttemptRow,
  ClaimedDelivery,
  ClaimLane,
  ClaimRequest,
  DeliveryQuery,
  DeliveryRow,
  DeliveryState,
  EventQuery,
  EventRow,
  LaneClaim,
  Memory,
  MemoryChange,
  NewDelivery,
  PurgeRequest,
  Settlement,
  Store,
  StoredEvent,
} from "./store.ts";
export {
  compileTemplate,
  readPath,
  type Template,
  type TemplateReference,
  type TemplateScope,
} from "./template.ts";
