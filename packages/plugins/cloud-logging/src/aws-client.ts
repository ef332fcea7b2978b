import type {
  CloudWatchLogsClientConfig,
  CreateLogGroupCommandInput,
  CreateLogStreamCommandInput,
  DescribeLogStreamsCommandInput,
  PutLogEventsCommandInput,
  PutLogEventsCommandOutput,
  PutRetentionPolicyCommandInput,
} from "@aws-sdk/client-cloudwatch-logs";
import { HookError, loadOptional } from "@pipehooks/core";
import type { AwsLogsOptions } from "./aws-options.ts";
import { type CloudParts, requestSignal } from "./cloud.ts";
import { toAborted, type Where } from "./failure.ts";
import { version } from "./version.ts";

export const awsPackage = "@aws-sdk/client-cloudwatch-logs";

/** The requests that are made of CloudWatch Logs. */
export interface AwsClient {
  /** Whom they go to. */
  readonly where: Where;
  putEvents(
    input: PutLogEventsCommandInput,
    signal: AbortSignal,
  ): Promise<PutLogEventsCommandOutput>;
  createStream(input: CreateLogStreamCommandInput, signal: AbortSignal): Promise<unknown>;
  createGroup(input: CreateLogGroupCommandInput, signal: AbortSignal): Promise<unknown>;
  putRetention(input: PutRetentionPolicyCommandInput, signal: AbortSignal): Promise<unknown>;
  describeStreams(input: DescribeLogStreamsCommandInput, signal: AbortSignal): Promise<unknown>;
  close(): void;
}

/**
 * Loads Amazon's client and makes one.
 * @throws HookError PACKAGE_MISSING, and HOOK_OPTIONS_INVALID where no region is known
 */
export async function createAwsClient(
  options: AwsLogsOptions,
  { context, requestTimeoutMs }: Pick<CloudParts, "context" | "requestTimeoutMs">,
): Promise<AwsClient> {
  const { name, redact } = context;
  const sdk = await loadOptional(
    awsPackage,
    'The provider "aws"',
    () => import("@aws-sdk/client-cloudwatch-logs"),
  );
  const client = new sdk.CloudWatchLogsClient(clientConfig(options, requestTimeoutMs));
  const region = await client.config.region().catch(() => {
    client.destroy();
    throw new HookError(
      "HOOK_OPTIONS_INVALID",
      `${name}: no AWS region is known. Write "region", or set AWS_REGION.`,
    );
  });
  const store = `CloudWatch Logs ${options.endpoint === undefined ? `in ${region}` : `at ${new URL(options.endpoint).host}`}`;
  const where: Where = { hook: name, store, redact };

  /** One request within its time; what AWS answers is thrown as its client does. */
  const ask = async <Answer>(
    signal: AbortSignal,
    request: (options: { readonly abortSignal: AbortSignal }) => Promise<Answer>,
  ): Promise<Answer> => {
    const abortSignal = requestSignal(signal, requestTimeoutMs);
    try {
      abortSignal.throwIfAborted();
      return await request({ abortSignal });
    } catch (error) {
      throw abortSignal.aborted ? toAborted(abortSignal.reason, where) : error;
    }
  };

  return {
    where,
    putEvents: (input, signal) =>
      ask(signal, (o) => client.send(new sdk.PutLogEventsCommand(input), o)),
    createStream: (input, signal) =>
      ask(signal, (o) => client.send(new sdk.CreateLogStreamCommand(input), o)),
    createGroup: (input, signal) =>
      ask(signal, (o) => client.send(new sdk.CreateLogGroupCommand(input), o)),
    putRetention: (input, signal) =>
      ask(signal, (o) => client.send(new sdk.PutRetentionPolicyCommand(input), o)),
    describeStreams: (input, signal) =>
      ask(signal, (o) => client.send(new sdk.DescribeLogStreamsCommand(input), o)),
    close: () => client.destroy(),
  };
}

function clientConfig(
  options: AwsLogsOptions,
  requestTimeoutMs: number,
): CloudWatchLogsClientConfig {
  const { region, endpoint, accessKeyId, secretAccessKey, sessionToken } = options;
  return {
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(accessKeyId !== undefined &&
      secretAccessKey !== undefined && {
        credentials: {
          accessKeyId,
          secretAccessKey,
          ...(sessionToken !== undefined && { sessionToken }),
        },
      }),
    // Retries are the store's and not the client's: there they outlast the process.
    maxAttempts: 1,
    // By itself `requestTimeout` only warns and goes on waiting.
    requestHandler: { requestTimeout: requestTimeoutMs, throwOnRequestTimeout: true },
    customUserAgent: [["pipehooks-cloud-logging", version]],
  };
}
