export {
  type BatchCall,
  type BatchLimits,
  type BatchRecord,
  type BatchSender,
  createBatchHook,
  type RecordOutcome,
} from "./batch.ts";
export { type BreakerMemory, type BreakerState, breakerAfter, breakerState } from "./breaker.ts";
export { type Budget, endlessBudget, type Taken } from "./budget.ts";
export { createPipehooks } from "./bus.ts";
export { busOptionsSchema, sourceText } from "./bus-problems.ts";
export {
  type BuiltInEventTypes,
  builtInEventTypes,
  type DeliveryEventType,
  defineEvents,
  deliveryEventTypes,
  type EventTypes,
  eventTypePattern,
  isSchema,
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
export { type ConditionPath, conditionFunctions, conditionPaths } from "./condition-fields.ts";
export { ConnectFailure, describeFailure, type Failure, failureCodeOf } from "./connect-failure.ts";
export { mostHops } from "./create-event.ts";
export { eventIdInKey, idempotencyKeyOf, toDeliveryId } from "./delivery-id.ts";
export { summarize, toTemplateScope } from "./delivery-scope.ts";
export { settledStates, unsettledStates } from "./delivery-state.ts";
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
export {
  compileEscaped,
  compileText,
  type Escape,
  type TextTemplate,
} from "./escaped-template.ts";
export {
  type EventError,
  type EventErrorInput,
  type EventFields,
  eventFields,
  type PipehooksEvent,
  type Severity,
} from "./event.ts";
export { isTraceparent } from "./event-checks.ts";
export { toEventError } from "./event-error.ts";
export type { ExplainOptions, ExplainTarget } from "./explain/explain.ts";
export { explainRoute, type RouteExplanation, type RouteGate } from "./explain/explain-route.ts";
export type {
  DeliveryStep,
  EnabledStep,
  EventsStep,
  ExplainedAttempt,
  ExplainedCheck,
  ExplainedCondition,
  ExplainedHold,
  ExplainedMemory,
  ExplainedStep,
  Explanation,
  FilterStep,
  GateStep,
  HookExplanation,
  HookVerdict,
  ReadValue,
  SwitchStep,
  WhenStep,
} from "./explain/explanation.ts";
export { listUpcoming, type Upcoming } from "./explain/upcoming.ts";
export { toFetchFailure } from "./fetch-failure.ts";
export { fingerprint } from "./fingerprint.ts";
export { describeGate, type GateDescription } from "./gates/describe.ts";
export type { GateCheck } from "./gates/gate-compile.ts";
export { type Gate, type GateOwner, prepareGate } from "./gates/gate-of.ts";
export type {
  AbsenceSpec,
  AlertSpec,
  AlertState,
  CronSpec,
  DebounceSpec,
  DigestSpec,
  GateEvent,
  GateEventType,
  GateFacts,
  GateKind,
  GateMemory,
  GateRelease,
  GateSpec,
  JoinInput,
  JoinSpec,
  ThresholdSpec,
} from "./gates/index.ts";
export {
  type AbsenceOptions,
  type AlertOptions,
  type DebounceOptions,
  type DigestOptions,
  type GateBy,
  type GateCondition,
  type GateDuration,
  type GateEvents,
  type GateLimits,
  type GateOptions,
  type GateValue,
  gateKinds,
  gateShape,
  gateTextShape,
  type JoinInputOptions,
  type JoinOptions,
  type ThresholdOptions,
} from "./gates/options.ts";
export type { Health, HookHealth } from "./health.ts";
export { onAbort } from "./held-delivery.ts";
export {
  type CheckOptions,
  type CheckReport,
  type ConfiguredHook,
  type DeliveredGate,
  type Delivery,
  defineHook,
  delivered,
  type GivenAnswer,
  type Hook,
  type HookContext,
  type HookDefinition,
  type HookFactory,
  type HookKind,
  type Outcome,
  pending,
  type Rendered,
  skipped,
} from "./hook.ts";
export { type HookConfig, hookConfigShape, type PreparedHook } from "./hook-config.ts";
export {
  type HttpAnswer,
  type HttpCaller,
  isPassingStatus,
  judgeAnswer,
  readAnswer,
  scopeOfStatus,
} from "./http-answer.ts";
export { createId } from "./id.ts";
export type {
  ActionScope,
  FlowgroupScope,
  PipelineRunOptions,
  PipelineScope,
  StepScope,
} from "./instrument.ts";
export type { EmitResult, ReachedHook } from "./intake.ts";
export type { JsonObject, JsonValue } from "./json.ts";
export { createJsonApi } from "./json-api/create-json-api.ts";
export { jsonInteger, parseExactJson } from "./json-api/exact-json.ts";
export {
  effectOf,
  type JsonApi,
  type JsonApiAnswer,
  JsonApiError,
  type JsonApiOptions,
  type JsonApiRequest,
  type RequestEffect,
} from "./json-api/json-api.ts";
export type { Undici } from "./json-api/undici.ts";
export type { DestinationInput } from "./lanes.ts";
export { type LimiterMemory, type Take, takeFromBudget } from "./limiter.ts";
export type { Listener } from "./listeners.ts";
export { type Logger, redactingLogger, silentLogger, stderrLogger } from "./logger.ts";
export { createMemoryStore, type MemoryStoreOptions } from "./memory/store.ts";
export { didYouMean, nearest } from "./nearest.ts";
export { nextTurn } from "./next-turn.ts";
export { optionName, toSnake } from "./option-name.ts";
export { loadOptional, missingPackagesMessage } from "./optional-package.ts";
export { compilePatterns } from "./pattern.ts";
export type { EventOf, Pipehooks, PipehooksOptions } from "./pipehooks.ts";
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
export { checkOptions, type DeliverFunction, isKind } from "./reaction.ts";
export { createRedactor, type Redact, redactedMark, redactJson } from "./redact.ts";
export { answerRemoteRun } from "./remote-run/answer-remote-run.ts";
export type {
  ActiveRun,
  CreateRemoteRun,
  RemoteRunClient,
  RemoteRunOptions,
  RemoteRunState,
  RunReport,
  StartedRun,
  Trigger,
} from "./remote-run/contract.ts";
export { createRemoteRun } from "./remote-run/create-remote-run.ts";
export { runMarker } from "./remote-run/marker.ts";
export { remoteRunShape } from "./remote-run/options-shape.ts";
export {
  type RemoteRunEvents,
  type RunMetadata,
  remoteRunEvents,
} from "./remote-run/run-events.ts";
export type { RetentionInput } from "./retention.ts";
export { backoff, longestRetryAfterMs } from "./retry.ts";
export { parseRetryAfter } from "./retry-after.ts";
export { monthHasDay } from "./rfc3339.ts";
export { compileTypePatterns, type FilterInput } from "./router.ts";
export { createLocalValues, type SharedValue } from "./shared-value.ts";
export type {
  Acceptance,
  Accepted,
  AcceptLease,
  AttemptRecord,
  ClaimedDelivery,
  ClaimLane,
  ClaimRequest,
  DeliveryState,
  GatedDelivery,
  GateEntry,
  GatePlace,
  LaneClaim,
  LaneWork,
  Memory,
  MemoryChange,
  NewDelivery,
  PurgeRequest,
  Routed,
  Settlement,
  Store,
  StoredEvent,
  UnknownLeases,
} from "./store.ts";
export type {
  AttemptRow,
  DeliveryQuery,
  DeliveryRow,
  EventQuery,
  EventRow,
  GateQuery,
  GateRow,
} from "./store-query.ts";
export { letGoOfNothing } from "./strays.ts";
export {
  compileTemplate,
  readPath,
  type Template,
  type TemplateReference,
  type TemplateScope,
} from "./template.ts";
export { namesText, unknownHook } from "./unknown-hook.ts";
export { withoutStop } from "./without-stop.ts";
