import { hostname } from "node:os";
import type { PutLogEventsCommandOutput } from "@aws-sdk/client-cloudwatch-logs";
import { type BatchCall, type BatchRecord, type HookContext, HookError } from "@pipehooks/core";
import type { AwsClient } from "./aws-client.ts";
import type { AwsEvent } from "./aws-event.ts";
import { isAlreadyThere, isMissing, toAwsFailure } from "./aws-failure.ts";
import type { AwsLogsOptions } from "./aws-options.ts";

/** A log stream, made with the first events where it is missing. */
export interface AwsStream {
  put(
    records: readonly BatchRecord<AwsEvent>[],
    call: BatchCall,
  ): Promise<PutLogEventsCommandOutput>;
}

/** The stream that the options name, or one of this process. */
export function createAwsStream(
  options: AwsLogsOptions,
  { client, context }: { readonly client: AwsClient; readonly context: HookContext },
): AwsStream {
  const { name, clock } = context;
  const logGroupName = options.logGroup;
  const logStreamName = options.logStream ?? ownStream();
  const entity = options.entity && {
    keyAttributes: { ...options.entity.keyAttributes },
    attributes: { ...options.entity.attributes },
  };

  const put = (records: readonly BatchRecord<AwsEvent>[], signal: AbortSignal) =>
    client.putEvents(
      {
        logGroupName,
        logStreamName,
        logEvents: records.map(({ value, time }) => ({
          timestamp: time,
          message: value.message,
        })),
        ...(entity !== undefined && { entity }),
      },
      signal,
    );

  /** Makes what is missing, the group only where the stream cannot be made without it. */
  const make = async (call: BatchCall): Promise<void> => {
    const { signal, logger } = call;
    const makeStream = () => isMade(client.createStream({ logGroupName, logStreamName }, signal));
    try {
      await makeStream();
    } catch (error) {
      if (!isMissing(error) || options.createGroup !== true) throw error;
      if (await isMade(client.createGroup({ logGroupName }, signal))) {
        logger.info(`${name}: made the log group ${logGroupName}.`);
        await retain(call);
      }
      await onceKnown(makeStream);
    }
  };

  /** What was just made is not known everywhere at once. */
  const onceKnown = async <Answer>(request: () => Promise<Answer>): Promise<Answer> => {
    try {
      return await request();
    } catch (error) {
      if (!isMissing(error)) throw error;
      const { code, message, answer } = toAwsFailure(error, client.where, clock.now());
      throw new HookError(code, message, { retryable: true, answer });
    }
  };

  const retain = async ({ signal, logger }: BatchCall): Promise<void> => {
    const { retentionDays: retentionInDays } = options;
    if (retentionInDays === undefined) return;
    try {
      await client.putRetention({ logGroupName, retentionInDays }, signal);
    } catch (error) {
      // The group keeps its events for ever then, which loses nothing.
      const { message } = toAwsFailure(error, client.where, clock.now());
      logger.warn(`${name}: ${logGroupName} was made without its retention. ${message}`);
    }
  };

  return {
    async put(records, call) {
      try {
        return await put(records, call.signal);
      } catch (error) {
        if (!isMissing(error) || options.createStream === false) throw error;
      }
      await make(call);
      return onceKnown(() => put(records, call.signal));
    },
  };
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

/** Whether it was made here: what somebody else just made is as good. */
async function isMade(making: Promise<unknown>): Promise<boolean> {
  try {
    await making;
    return true;
  } catch (error) {
    if (!isAlreadyThere(error)) throw error;
    return false;
  }
}
