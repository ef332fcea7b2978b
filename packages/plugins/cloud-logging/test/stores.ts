import { type CloudLoggingOptions, cloudLogging } from "@pipehooks/cloud-logging";
import {
  type BatchRecord,
  type Delivery,
  HookError,
  type PipehooksEvent,
  type RecordOutcome,
  silentLogger,
} from "@pipehooks/core";
import {
  type AzureLogsReceiver,
  type CloudWatchLogsReceiver,
  createTestDelivery,
  createTestEvent,
  type GoogleLoggingReceiver,
  openHook,
} from "@pipehooks/testing";

/** Options that write to a receiver. */
export function awsOptions(
  logs: CloudWatchLogsReceiver,
  more: Partial<NonNullable<CloudLoggingOptions["aws"]>> = {},
): CloudLoggingOptions {
  return {
    provider: "aws",
    aws: {
      logGroup: "/pipelines/prod",
      region: "eu-west-1",
      endpoint: logs.url,
      allowHttp: true,
      ...logs.credentials,
      ...more,
    },
  };
}

export function gcpOptions(
  logs: GoogleLoggingReceiver,
  more: Partial<NonNullable<CloudLoggingOptions["gcp"]>> = {},
): CloudLoggingOptions {
  const endpoint = { endpoint: logs.url, allowHttp: true };
  return { provider: "gcp", gcp: { projectId: "pipehooks-test", ...endpoint, ...more } };
}

export function azureOptions(
  logs: AzureLogsReceiver,
  more: Partial<NonNullable<CloudLoggingOptions["azure"]>> = {},
): CloudLoggingOptions {
  const { url, dcr, ca, signIn } = logs;
  return {
    provider: "azure",
    azure: {
      endpoint: url,
      dcr,
      stream: "Custom-PipelineEvents",
      ca,
      authorityHost: url,
      ...signIn,
      ...more,
    },
  };
}

/** A hook with what tests ask of it. */
export async function openLog(
  options: CloudLoggingOptions,
  context: Parameters<typeof openHook>[2] = {},
) {
  const opened = await openHook(cloudLogging, options, context);
  const { batch } = opened.hook;
  if (batch === undefined) throw new Error("The hook does not batch.");
  const record = (delivery: Partial<Delivery>) => batch.record(createTestDelivery(delivery));
  return {
    ...opened,
    record,
    /** What became of each event, written in one call. */
    async send(
      events: readonly Partial<PipehooksEvent>[],
      signal: AbortSignal = new AbortController().signal,
    ): Promise<readonly RecordOutcome[]> {
      const records: BatchRecord[] = events.map((fields) =>
        record({ event: createTestEvent(fields) }),
      );
      const outcomes = await batch.send(records, { signal, logger: logger(opened) });
      return outcomes ?? records.map(() => undefined);
    },
    /** The error of a call with one event. */
    async failure(
      fields: Partial<PipehooksEvent> = {},
      signal: AbortSignal = new AbortController().signal,
    ): Promise<HookError> {
      const delivery = createTestDelivery({ event: createTestEvent(fields), signal });
      try {
        await opened.hook.deliver(delivery);
      } catch (error) {
        if (error instanceof HookError) return error;
        throw error;
      }
      throw new Error("It was delivered.");
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

/** Lines of a call go where those of the hook go. */
function logger({ logs }: { readonly logs: readonly unknown[] }) {
  const lines = logs as unknown[];
  const at = (level: string) => (message: string) => void lines.push({ level, message });
  return { ...silentLogger, info: at("info"), warn: at("warn"), error: at("error") };
}
