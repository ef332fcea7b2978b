import {
  type BatchRecord,
  compileTemplate,
  type Delivery,
  delivered,
  isHookError,
  loadOptional,
  optionName,
  redactJson,
  toTemplateScope,
} from "@pipehooks/core";
import { type Cloud, type CloudParts, requestSignal } from "./cloud.ts";
import { cutText } from "./cut.ts";
import { toAborted, toFailure, toUnknownSelf, type Where } from "./failure.ts";
import { gcpPackage, toAuthOptions } from "./gcp-auth.ts";
import { entryBytes, type GcpEntry, toInsertId, toLogEntry, toTimestamp } from "./gcp-entry.ts";
import { givenGcpComplaint, judgeGcp, toGcpFailure, toGcpOutcomes } from "./gcp-failure.ts";
import type { GcpLogsOptions } from "./gcp-options.ts";
import { parseTraceparent } from "./trace.ts";
import { version } from "./version.ts";

const defaultHost = "logging.googleapis.com";
const defaultLog = "pipehooks";
/** What Google keeps of a label. */
const mostLabelBytes = 65_536;

/** The generated client of LoggingServiceV2, as far as it is used: the package has no types for it. */
interface LoggingServiceV2Client {
  initialize(): Promise<unknown>;
  writeLogEntries(request: object, options: object): Promise<unknown>;
  close(): Promise<void>;
}

/** Hooks with an equal project share its quota. */
export function gcpTarget({ endpoint, projectId }: GcpLogsOptions): string {
  return `${endpoint === undefined ? defaultHost : new URL(endpoint).host}/${projectId}`;
}

/**
 * Cloud Logging by entries.write (https://docs.cloud.google.com/logging/docs/reference/v2/rpc/google.logging.v2). Through
 * the package's generated client: the hand-written one adds an entry about itself and asks for metadata.
 */
export async function createGcp(
  options: GcpLogsOptions,
  { context, toRecord, fit, requestTimeoutMs }: CloudParts,
): Promise<Cloud<GcpEntry>> {
  const { name, redact } = context;
  const { projectId } = options;
  const { v2 } = await loadOptional(
    gcpPackage,
    'The provider "gcp"',
    () => import("@google-cloud/logging"),
  );
  const log = options.logName ?? defaultLog;
  const logName = `projects/${projectId}/logs/${encodeURIComponent(log)}`;
  const where: Where = { hook: name, store: `Cloud Logging of ${projectId}`, redact };
  const resource = { type: "global", ...options.resource };
  const labelsOf = createToLabels(options.labels);

  const clientOptions = { ...toClientOptions(options), ...(await toAuthOptions(options, name)) };
  let client: Promise<LoggingServiceV2Client> | undefined;
  const connect = async (): Promise<LoggingServiceV2Client> => {
    const made: LoggingServiceV2Client = new v2.LoggingServiceV2Client(clientOptions);
    try {
      await made.initialize();
    } catch (error) {
      throw toUnknownSelf(error, credentialsRemedy, where);
    }
    return made;
  };
  /** One client, also for calls at the same time. One that could not sign in never does: the next call makes another one. */
  const ready = (): Promise<LoggingServiceV2Client> => {
    client ??= connect().catch((error: unknown) => {
      client = undefined;
      throw error;
    });
    return client;
  };

  const write = async (request: object, signal: AbortSignal): Promise<void> => {
    const requestEnd = requestSignal(signal, requestTimeoutMs);
    try {
      requestEnd.throwIfAborted();
      const service = await ready();
      // Retries are the store's and not the client's: by itself it holds an outage for ten minutes.
      await service.writeLogEntries(
        { logName, resource, partialSuccess: true, ...request },
        { retry: null, timeout: requestTimeoutMs, signal: requestEnd },
      );
    } catch (error) {
      throw requestEnd.aborted ? toAborted(requestEnd.reason, where) : error;
    }
  };

  const toEntry = (delivery: Delivery): BatchRecord<GcpEntry> => {
    const record = toRecord(delivery);
    const trace = parseTraceparent(delivery.event.traceparent);
    const entry = {
      severity: record.severity,
      insertId: toInsertId(record.id, delivery.event.source),
      timestamp: toTimestamp(record.time),
      labels: labelsOf(delivery),
      ...(trace !== undefined && {
        trace: `projects/${projectId}/traces/${trace.traceId}`,
        spanId: trace.spanId,
        traceSampled: trace.sampled,
      }),
    };
    const payload = fit(record.content, {
      sizeOf: (content) => entryBytes({ ...entry, payload: content }),
    });
    const value = { ...entry, payload };
    return { value, bytes: entryBytes(value), time: record.time };
  };

  return {
    record: toEntry,
    async send(records, { signal }) {
      try {
        await write({ entries: records.map(({ value }) => toLogEntry(value)) }, signal);
        return undefined;
      } catch (error) {
        const ids = records.map(({ value }) => value.insertId);
        const outcomes = isHookError(error) ? undefined : toGcpOutcomes(error, ids, where);
        if (outcomes === undefined) throw toGcpFailure(error, where);
        return outcomes;
      }
    },
    render(delivery) {
      const { value } = toEntry(delivery);
      const { payload, timestamp: _, ...entry } = value;
      const body = {
        ...entry,
        timestamp: delivery.event.time,
        ...(typeof payload === "string" ? { textPayload: payload } : { jsonPayload: payload }),
      };
      return {
        target: redact(`entries.write to ${where.store}, ${logName}`),
        body: redactJson(body, redact),
      };
    },
    answered(answer) {
      if (answer.status >= 200 && answer.status < 300) return delivered({ status: answer.status });
      const complaint = givenGcpComplaint(answer);
      throw toFailure(complaint, judgeGcp(complaint), where);
    },
    async check(signal) {
      try {
        await write({ entries: [{ textPayload: "pipehooks check" }], dryRun: true }, signal);
      } catch (error) {
        throw toGcpFailure(error, where);
      }
      return { summary: `${where.store} would take entries into ${log}; nothing was written` };
    },
    async close() {
      const made = await client?.catch(() => undefined);
      await made?.close();
    },
  };
}

const credentialsRemedy = `Give ${optionName("keyFile")} or "credentials", or set GOOGLE_APPLICATION_CREDENTIALS. Another attempt looks again.`;

/** What the event says of itself, as labels; they are what entries are found by. */
function defaultLabels({ event }: Delivery): Record<string, string> {
  const { type, pipeline, flowgroup, action, table, runId } = event;
  const labels = { type, pipeline, flowgroup, action, table, run_id: runId };
  return Object.fromEntries(
    Object.entries(labels).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, cutText(value, mostLabelBytes)]],
    ),
  );
}

function createToLabels(
  labels: GcpLogsOptions["labels"],
): (delivery: Delivery) => Record<string, string> {
  if (labels === undefined) return defaultLabels;
  const templates = Object.entries(labels).map(
    ([key, text]) => [key, compileTemplate(text)] as const,
  );
  return (delivery) => {
    const scope = toTemplateScope(delivery);
    return Object.fromEntries(
      templates.map(([key, template]) => {
        const value = template.render(scope);
        const text =
          value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
        return [key, cutText(text, mostLabelBytes)];
      }),
    );
  };
}

function toClientOptions({ projectId, endpoint }: GcpLogsOptions): object {
  const url = endpoint === undefined ? undefined : new URL(endpoint);
  return {
    projectId,
    libName: "pipehooks-cloud-logging",
    libVersion: version,
    // Node has `fetch`, and so have browsers, which the client takes it for a sign of.
    fallback: false,
    ...(url !== undefined && {
      apiEndpoint: url.hostname,
      port: url.port === "" ? (url.protocol === "http:" ? 80 : 443) : Number(url.port),
    }),
  };
}
