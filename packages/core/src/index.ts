export { type BreakerMemory, type BreakerState, breakerAfter, breakerState } from "./breaker.ts";
export { createPipehooks } from "./bus.ts";
export {
  type BuiltInEventTypes,
  builtInEventTypes,
  type DeliveryEventType,
  defineEvents,
  deliveryEventTypes,
  type EventTypes,
  eventTypePattern,
} from "./catalogue.ts";
export type { HookCheck } from "./check-hook.ts";
export { type Clock, createSystemClock, systemClock } from "./clock.ts";
export {
  type CloudEvent,
  eventDataSchema,
  type ParsedCloudEvent,
  parseCloudEvent,
  toCloudEvent,
} from "./cloudevents.ts";
export {
  type CloudEventMessage,
  parseHttpMessage,
  toHttpMessage,
} from "./cloudevents-http.ts";
export {
  type Condition,
  compileCondition,
  conditionErrorAt,
} from "./condition.ts";
export { mostHops } from "./create-event.ts";
export { idempotencyKeyOf, toDeliveryId } from "./delivery-id.ts";
export type { DestinationReport } from "./destination.ts";
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
export { toEventError } from "./event-error.ts";
export type { Health, HookHealth } from "./health.ts";
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
export {
  checkOptions,
  type DeliverFunction,
  type HookConfig,
  type PreparedHook,
} from "./hook-config.ts";
export { createId } from "./id.ts";
export type {
  ActionScope,
  FlowgroupScope,
  PipelineRunOptions,
  PipelineScope,
  StepScope,
} from "./instrument.ts";
export type { EmitResult } from "./intake.ts";
export type { JsonObject, JsonValue } from "./json.ts";
export type { DestinationInput } from "./lanes.ts";
export { type LimiterMemory, type Take, takeFromBudget } from "./limiter.ts";
export type { Listener } from "./listeners.ts";
export { type Logger, redactingLogger, silentLogger, stderrLogger } from "./logger.ts";
export { createMemoryStore, type MemoryStoreOptions } from "./memory-store.ts";
export { compilePatterns } from "./pattern.ts";
export type { Pipehooks, PipehooksOptions } from "./pipehooks.ts";
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
export type { RetentionInput } from "./retention.ts";
export { backoff, longestRetryAfterMs } from "./retry.ts";
export { parseRetryAfter } from "./retry-after.ts";
export { compileTypePatterns, type FilterInput } from "./router.ts";
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
