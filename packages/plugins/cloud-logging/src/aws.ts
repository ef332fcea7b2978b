import { createHash } from "node:crypto";
import { hostname } from "node:os";
import type {
  CloudWatchLogsClient,
  CloudWatchLogsClientConfig,
  PutLogEventsCommandOutput,
} from "@aws-sdk/client-cloudwatch-logs";
import {
  type BatchRecord,
  delivered,
  HookError,
  type Logger,
  loadOptional,
  type RecordOutcome,
} from "@pipehooks/core";
import { givenAwsComplaint, judgeAws, toAwsFailure } from "./aws-failure.ts";
import { type Cloud, type CloudParts, requestSignal } from "./cloud.ts";
import { toAborted, toFailure, type Where } from "./failure.ts";
import type { AwsLogsOptions } from "./options.ts";
import { version } from "./version.ts";

export const awsPackage = "@aws-sdk/client-cloudwatch-logs";

/** A message of PutLogEvents, with its event's id for what is said of it. */
interface AwsEvent {
  readonly id: string;
  readonly message: string;
}

/** Hooks with an equal region and key share the quota of requests. */
export function awsTarget({ endpoint, region, accessKeyId }: AwsLogsOptions): string {
  const host = endpoint === undefined ? `logs.${region ?? "default"}` : new URL(endpoint).host;
  return accessKeyId === undefined ? host : `${host}#${fingerprint(accessKeyId)}`;
}

/** What stands for a key where it need not be seen. */
function fingerprint(key: string): string {
  return createHash("sha256").update(`pipehooks aws ${key}`).digest("hex").slice(0, 8);
}

/** CloudWatch Logs by PutLogEvents (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html). */
export async function createAws(
  options: AwsLogsOptions,
  { context, toRecord, fit, requestTimeoutMs }: CloudParts,
): Promise<Cloud<AwsEvent>> {
  const { name, clock, redact } = context;
  const sdk = await loadOptional(
    awsPackage,
    'The provider "aws"',
    () => import("@aws-sdk/client-cloudwatch-logs"),
  );
  const client = new sdk.CloudWatchLogsClient(clientConfig(options, requestTimeoutMs));
  const region = await regionOf(client, name);
  const store = `CloudWatch Logs ${options.endpoint === undefined ? `in ${region}` : `at ${new URL(options.endpoint).host}`}`;
  const where: Where = { hook: name, store, redact };
  const logGroupName = options.logGroup;
  const logStreamName = options.logStream ?? ownStream();
  const entity = options.entity && {
    keyAttributes: { ...options.entity.keyAttributes },
    attributes: { ...options.entity.attributes },
  };

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

  const put = (records: readonly BatchRecord<AwsEvent>[], signal: AbortSignal) =>
    ask(signal, (options) =>
      client.send(
        new sdk.PutLogEventsCommand({
          logGroupName,
          logStreamName,
          logEvents: records.map(({ value, time }) => ({
            timestamp: time,
            message: value.message,
          })),
          ...(entity !== undefined && { entity }),
        }),
        options,
      ),
    );

  /** Makes what is missing, the group only where the stream cannot be made without it. */
  const make = async (signal: AbortSignal, logger: Logger): Promise<void> => {
    const makeStream = () =>
      unlessThere(
        ask(signal, (o) =>
          client.send(new sdk.CreateLogStreamCommand({ logGroupName, logStreamName }), o),
        ),
      );
    try {
      await makeStream();
    } catch (error) {
      if (!isMissing(error) || options.createGroup !== true) throw error;
      await unlessThere(
        ask(signal, (o) => client.send(new sdk.CreateLogGroupCommand({ logGroupName }), o)),
      );
      logger.info(`${name}: made the log group ${logGroupName}.`);
      await retain(signal, logger);
      await makeStream();
    }
  };

  const putOrMake = async (
    records: readonly BatchRecord<AwsEvent>[],
    signal: AbortSignal,
    logger: Logger,
  ): Promise<PutLogEventsCommandOutput> => {
    try {
      return await put(records, signal);
    } catch (error) {
      if (!isMissing(error) || options.createStream === false) throw error;
    }
    await make(signal, logger);
    try {
      return await put(records, signal);
    } catch (error) {
      if (!isMissing(error)) throw error;
      // What was just made is not known everywhere at once.
      const { code, message, answer } = toAwsFailure(error, where, clock.now());
      throw new HookError(code, message, { retryable: true, answer });
    }
  };

  const retain = async (signal: AbortSignal, logger: Logger): Promise<void> => {
    const { retentionDays: retentionInDays } = options;
    if (retentionInDays === undefined) return;
    try {
      const command = new sdk.PutRetentionPolicyCommand({ logGroupName, retentionInDays });
      await ask(signal, (o) => client.send(command, o));
    } catch (error) {
      // The group keeps its events for ever then, which loses nothing.
      const { message } = toAwsFailure(error, where, clock.now());
      logger.warn(`${name}: ${logGroupName} was made without its retention. ${message}`);
    }
  };

  const toValue = (record: ReturnType<typeof toRecord>): BatchRecord<AwsEvent> => {
    const message = textOf(fit(record.content, (content) => Buffer.byteLength(textOf(content))));
    if (message === "") {
      throw new HookError(
        "REQUEST_INVALID",
        `${name}: the record is empty, which CloudWatch Logs does not take. Check "record".`,
      );
    }
    return {
      value: { id: record.id, message },
      bytes: Buffer.byteLength(message),
      time: record.time,
    };
  };

  return {
    record: (delivery) => toValue(toRecord(delivery)),
    async send(records, { signal, logger }) {
      const answer = await putOrMake(records, signal, logger).catch((error: unknown) => {
        throw toAwsFailure(error, where, clock.now());
      });
      const { errorType } = answer.rejectedEntityInfo ?? {};
      if (errorType !== undefined) {
        logger.warn(
          `${name}: ${store} took the events without their entity (${errorType}). Check "entity".`,
        );
      }
      return toOutcomes(records, answer, where);
    },
    render(delivery) {
      const { value, time = 0 } = toValue(toRecord(delivery));
      return {
        target: redact(
          `PutLogEvents to ${store}, ${logGroupName}, ${options.logStream ?? "a stream of the process"}`,
        ),
        body: redactedBody({ timestamp: time, message: value.message }, redact),
      };
    },
    answered(answer) {
      if (answer.status >= 200 && answer.status < 300) return delivered({ status: answer.status });
      const complaint = givenAwsComplaint(answer, clock.now());
      throw toFailure(complaint, judgeAws(complaint), where);
    },
    async check(signal) {
      const target = `${logGroupName} in ${store}`;
      try {
        const command = new sdk.DescribeLogStreamsCommand({ logGroupName, limit: 1 });
        await ask(signal, (o) => client.send(command, o));
        return { summary: `${target} is there and may be read; nothing was written` };
      } catch (error) {
        if (isMissing(error) && options.createGroup === true) {
          return { summary: `${target} is not there yet and is made with the first events` };
        }
        if (nameOf(error) !== "AccessDeniedException")
          throw toAwsFailure(error, where, clock.now());
        return {
          summary: `${store} knows the credentials, which may not look at ${logGroupName} (logs:DescribeLogStreams): whether they may write shows with the first events`,
        };
      }
    },
    async close() {
      client.destroy();
    },
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

async function regionOf(client: CloudWatchLogsClient, name: string): Promise<string> {
  try {
    return await client.config.region();
  } catch {
    throw new HookError(
      "HOOK_OPTIONS_INVALID",
      `${name}: no AWS region is known. Write "region", or set AWS_REGION.`,
    );
  }
}

/** `host/pid/2026-01-15T06-30-00Z`: one writer for each stream. */
function ownStream(): string {
  const startedAt = new Date(performance.timeOrigin)
    .toISOString()
    .slice(0, 19)
    .replaceAll(":", "-");
  const host = hostname()
    .replaceAll(/[^\w.-]/g, "-")
    .slice(0, 400);
  return `${host}/${process.pid}/${startedAt}Z`;
}

function textOf(content: unknown): string {
  return typeof content === "string" ? content : JSON.stringify(content);
}

function redactedBody<Body extends Readonly<Record<string, number | string>>>(
  body: Body,
  redact: Where["redact"],
) {
  const entries = Object.entries(body);
  return Object.fromEntries(
    entries.map(([key, value]) => [key, typeof value === "string" ? redact(value) : value]),
  );
}

/** What became of each; the indexes are those of the events as they were sent. */
function toOutcomes(
  records: readonly BatchRecord<AwsEvent>[],
  { rejectedLogEventsInfo }: PutLogEventsCommandOutput,
  { hook, store }: Where,
): readonly RecordOutcome[] | undefined {
  if (rejectedLogEventsInfo === undefined) return undefined;
  const {
    tooOldLogEventEndIndex = 0,
    expiredLogEventEndIndex = 0,
    tooNewLogEventStartIndex,
  } = rejectedLogEventsInfo;
  const reject = ({ value, time = 0 }: BatchRecord<AwsEvent>, why: string) =>
    new HookError(
      "RECEIVER_REFUSED",
      `${hook}: ${store} did not keep event ${value.id} of ${new Date(time).toISOString()}: it is ${why}.`,
    );
  return records.map((record, index) => {
    if (index < tooOldLogEventEndIndex) return reject(record, "older than 14 days");
    if (index < expiredLogEventEndIndex)
      return reject(record, "older than what the log group keeps");
    if (index >= (tooNewLogEventStartIndex ?? records.length))
      return reject(record, "more than 2 hours in the future");
    return undefined;
  });
}

/** To make what somebody else just made is as good as making it. */
async function unlessThere(making: Promise<unknown>): Promise<void> {
  try {
    await making;
  } catch (error) {
    const name = nameOf(error);
    if (name !== "ResourceAlreadyExistsException" && name !== "OperationAbortedException")
      throw error;
  }
}

function isMissing(error: unknown): boolean {
  return nameOf(error) === "ResourceNotFoundException";
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "";
}
