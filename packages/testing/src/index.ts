export {
  createVirtualTime,
  type VirtualTime,
  type VirtualTimeOptions,
} from "@pipehooks/core/virtual-time";
export type { HookSuite } from "./hook/suite.ts";
export { testHook } from "./hook-suite.ts";
export type { StatusClass } from "./http-statuses.ts";
export {
  checkOptions,
  type LogLine,
  type OpenedHook,
  type OptionProblem,
  openHook,
} from "./open-hook.ts";
export type { AlertFault } from "./receivers/alert-faults.ts";
export {
  type AzureLogsCall,
  type AzureLogsFault,
  type AzureLogsReceiver,
  type AzureLogsReceiverOptions,
  type AzureRow,
  type AzureStream,
  createAzureLogsReceiver,
} from "./receivers/azure-logs.ts";
export type { AzureSignIn } from "./receivers/azure-logs-sign-in.ts";
export {
  type CloudWatchCall,
  type CloudWatchEvent,
  type CloudWatchFault,
  type CloudWatchGroup,
  type CloudWatchLogsReceiver,
  type CloudWatchLogsReceiverOptions,
  type CloudWatchOperation,
  createCloudWatchLogsReceiver,
} from "./receivers/cloudwatch-logs.ts";
export * from "./receivers/databricks/index.ts";
export * from "./receivers/dbt-cloud/index.ts";
export {
  createDiscordReceiver,
  type DiscordReceiver,
  type DiscordReceiverOptions,
} from "./receivers/discord.ts";
export {
  createGoogleLoggingReceiver,
  type GoogleLogEntry,
  type GoogleLoggingCall,
  type GoogleLoggingFault,
  type GoogleLoggingReceiver,
  type GoogleLoggingReceiverOptions,
  type GrpcFailure,
} from "./receivers/google-logging.ts";
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
} from "./receivers/hex/receiver.ts";
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
export {
  createOpsgenieReceiver,
  type OpsgenieAlert,
  type OpsgenieReceiver,
  type OpsgenieReceiverOptions,
} from "./receivers/opsgenie.ts";
export {
  createPagerDutyReceiver,
  type PagerDutyAlert,
  type PagerDutyReceiver,
  type PagerDutyReceiverOptions,
} from "./receivers/pagerduty.ts";
export {
  createSesReceiver,
  type SesFault,
  type SesMail,
  type SesReceiver,
  type SesReceiverOptions,
} from "./receivers/ses.ts";
export {
  createSlackReceiver,
  type SlackChannel,
  type SlackMessage,
  type SlackReceiver,
  type SlackReceiverOptions,
} from "./receivers/slack.ts";
export {
  createSmtpReceiver,
  type ReceivedMail,
  type SmtpAccount,
  type SmtpReceiver,
  type SmtpReceiverOptions,
} from "./receivers/smtp.ts";
export type { SmtpFault, SmtpStage } from "./receivers/smtp-faults.ts";
export {
  createTeamsReceiver,
  type TeamsFlowRun,
  type TeamsReceiver,
  type TeamsReceiverOptions,
} from "./receivers/teams.ts";
export { type StoreSuite, testStore } from "./store-suite.ts";
export { createTestDelivery, createTestEvent, type TestDelivery } from "./test-delivery.ts";
