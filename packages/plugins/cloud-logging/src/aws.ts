import { type BatchRecord, delivered, fingerprint, HookError } from "@pipehooks/core";
import { createAwsClient } from "./aws-client.ts";
import { type AwsEvent, toAwsOutcomes } from "./aws-event.ts";
import { givenAwsComplaint, isDenied, isMissing, judgeAws, toAwsFailure } from "./aws-failure.ts";
import type { AwsLogsOptions } from "./aws-options.ts";
import { createAwsStream } from "./aws-stream.ts";
import type { Cloud, CloudParts } from "./cloud.ts";
import { toFailure, type Where } from "./failure.ts";

/** Hooks with an equal region and key share the quota of requests. */
export function awsTarget({ endpoint, region, accessKeyId }: AwsLogsOptions): string {
  const host = endpoint === undefined ? `logs.${region ?? "default"}` : new URL(endpoint).host;
  return accessKeyId === undefined ? host : `${host}#${fingerprint("aws", accessKeyId)}`;
}

/** CloudWatch Logs by PutLogEvents (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html). */
export async function createAws(
  options: AwsLogsOptions,
  { context, toRecord, fit, requestTimeoutMs }: CloudParts,
): Promise<Cloud<AwsEvent>> {
  const { name, clock, redact } = context;
  const { logGroup } = options;
  const client = await createAwsClient(options, { context, requestTimeoutMs });
  const { where } = client;
  const { store } = where;
  const logStream = createAwsStream(options, { client, context });

  const toValue = (record: ReturnType<typeof toRecord>): BatchRecord<AwsEvent> => {
    const message = textOf(
      fit(record.content, { sizeOf: (content) => Buffer.byteLength(textOf(content)) }),
    );
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
    async send(records, call) {
      const answer = await logStream.put(records, call).catch((error: unknown) => {
        throw toAwsFailure(error, where, clock.now());
      });
      const { errorType } = answer.rejectedEntityInfo ?? {};
      if (errorType !== undefined) {
        call.logger.warn(
          `${name}: ${store} took the events without their entity (${errorType}). Check "entity".`,
        );
      }
      return toAwsOutcomes(records, answer, where);
    },
    render(delivery) {
      const { value, time = 0 } = toValue(toRecord(delivery));
      return {
        target: redact(
          `PutLogEvents to ${store}, ${logGroup}, ${options.logStream ?? "a stream of the process"}`,
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
      const target = `${logGroup} in ${store}`;
      try {
        await client.describeStreams({ logGroupName: logGroup, limit: 1 }, signal);
        return { summary: `${target} is there and may be read; nothing was written` };
      } catch (error) {
        if (isMissing(error) && options.createGroup === true && options.createStream !== false) {
          return { summary: `${target} is not there yet and is made with the first events` };
        }
        if (!isDenied(error)) throw toAwsFailure(error, where, clock.now());
        return {
          summary: `${store} knows the credentials, which may not look at ${logGroup} (logs:DescribeLogStreams): whether they may write shows with the first events`,
        };
      }
    },
    async close() {
      client.close();
    },
  };
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
