import { createRequire } from "node:module";
import type { TokenCredential } from "@azure/identity";
import type { LogsIngestionClient } from "@azure/monitor-ingestion";
import {
  type BatchRecord,
  type Delivery,
  delivered,
  type JsonObject,
  loadOptional,
  type RecordOutcome,
  redactJson,
} from "@pipehooks/core";
import { givenAzureComplaint, judgeAzure, toAzureFailure } from "./azure-failure.ts";
import type { AzureLogsOptions } from "./azure-options.ts";
import { rowBytes, toRow } from "./azure-row.ts";
import { type Cloud, type CloudParts, requestSignal } from "./cloud.ts";
import { toAborted, toFailure, type Where } from "./failure.ts";
import { version } from "./version.ts";

const ingestionPackage = "@azure/monitor-ingestion";
const identityPackage = "@azure/identity";
export const azurePackages: readonly string[] = [ingestionPackage, identityPackage];

const apiVersion = "2023-01-01";

/** Azure's clouds by the end of an endpoint's host: who takes tokens there, and who gives them. */
const clouds = [
  {
    ending: ".us",
    audience: "https://monitor.azure.us",
    authority: "https://login.microsoftonline.us",
  },
  {
    ending: ".cn",
    audience: "https://monitor.azure.cn",
    authority: "https://login.chinacloudapi.cn",
  },
  {
    ending: "",
    audience: "https://monitor.azure.com",
    authority: "https://login.microsoftonline.com",
  },
] as const;

/** The limits are those of a rule. */
export function azureTarget({ endpoint, dcr }: AzureLogsOptions): string {
  return `${new URL(endpoint).host}/${dcr}`;
}

/** Azure Monitor by its Logs Ingestion API (https://learn.microsoft.com/azure/azure-monitor/logs/logs-ingestion-api-overview). */
export async function createAzure(
  options: AzureLogsOptions,
  { context, toRecord, fit, requestTimeoutMs }: CloudParts,
): Promise<Cloud<JsonObject>> {
  const { name, clock, redact } = context;
  const { endpoint, dcr, stream, ca } = options;
  const user = 'The provider "azure"';
  const ingestion = await loadOptional(
    ingestionPackage,
    user,
    () => import("@azure/monitor-ingestion"),
  );
  const { host } = new URL(endpoint);
  const cloud = clouds.find(({ ending }) => host.replace(/:\d+$/, "").endsWith(ending));
  const common = {
    // Retries are the store's and not the client's: there they outlast the process.
    retryOptions: { maxRetries: 0 },
    ...(ca !== undefined && { tlsOptions: { ca } }),
  };
  const credential = await createCredential(options, cloud?.authority, common);
  const client = new ingestion.LogsIngestionClient(endpoint, credential, {
    ...common,
    ...(cloud !== undefined && { audience: cloud.audience }),
    userAgentOptions: { userAgentPrefix: `pipehooks-cloud-logging/${version}` },
  });
  const where: Where = { hook: name, store: `Azure Monitor at ${host}`, redact, issuerIn: '"ca"' };
  const address = `${endpoint.replace(/\/+$/, "")}/dataCollectionRules/${dcr}/streams/${stream}`;

  const toValue = (delivery: Delivery): BatchRecord<JsonObject> => {
    const record = toRecord(delivery);
    const value = toRow(record, fit);
    return { value, bytes: rowBytes(value), time: record.time };
  };

  return {
    record: toValue,
    async send(records, { signal }) {
      const requestEnd = requestSignal(signal, requestTimeoutMs);
      const rows = records.map(({ value }) => value);
      try {
        requestEnd.throwIfAborted();
        // Never more than the client itself would put into one request, which does not count commas.
        await client.upload(dcr, stream, rows, { abortSignal: requestEnd, maxConcurrency: 1 });
        return undefined;
      } catch (error) {
        if (requestEnd.aborted) throw toAborted(requestEnd.reason, where);
        return outcomesOf(error, rows, where, clock.now());
      }
    },
    render(delivery) {
      const { value } = toValue(delivery);
      return {
        target: redact(`POST ${address}?api-version=${apiVersion}`),
        headers: { authorization: "Bearer [redacted]", "content-type": "application/json" },
        body: [redactJson(value, redact)],
      };
    },
    answered(answer) {
      if (answer.status >= 200 && answer.status < 300) return delivered({ status: answer.status });
      const complaint = givenAzureComplaint(answer, clock.now());
      throw toFailure(complaint, judgeAzure(complaint), where);
    },
    async check(signal) {
      const requestEnd = requestSignal(signal, requestTimeoutMs);
      try {
        requestEnd.throwIfAborted();
        const { createDefaultHttpClient, createHttpHeaders, createPipelineRequest } =
          pipelineParts();
        const headers = { "content-type": "application/json", "content-encoding": "gzip" };
        const { status, bodyAsText } = await client.pipeline.sendRequest(
          createDefaultHttpClient(),
          createPipelineRequest({
            url: `${address}?api-version=${apiVersion}`,
            method: "POST",
            body: "[]",
            headers: createHttpHeaders(headers),
            abortSignal: requestEnd,
          }),
        );
        const complaint = givenAzureComplaint(
          { status, headers: {}, body: toJson(bodyAsText) },
          clock.now(),
        );
        const isOfStream = /stream/i.test(complaint.code ?? "");
        // That nothing is too little says nothing against what is something.
        if (status >= 300 && (status !== 400 || isOfStream)) {
          throw toFailure(complaint, judgeAzure(complaint), where);
        }
        return { summary: `${host} takes rows for ${stream} by ${dcr}; none was sent` };
      } catch (error) {
        if (requestEnd.aborted) throw toAborted(requestEnd.reason, where);
        throw toAzureFailure(error, where, clock.now());
      }
    },
    async close() {},
  };
}

async function createCredential(
  { tenantId, clientId, clientSecret, authorityHost }: AzureLogsOptions,
  usualAuthority: string | undefined,
  common: object,
): Promise<TokenCredential> {
  const identity = await loadOptional(
    identityPackage,
    'The provider "azure"',
    () => import("@azure/identity"),
  );
  // Also where the environment says who we are, it may say where to sign in.
  const authority = authorityHost ?? process.env.AZURE_AUTHORITY_HOST ?? usualAuthority;
  const options = {
    ...common,
    ...(authority !== undefined && { authorityHost: authority }),
    // Only Microsoft's own are known to be looked up there.
    disableInstanceDiscovery: !clouds.some((cloud) => authority?.startsWith(cloud.authority)),
  };
  return tenantId !== undefined && clientId !== undefined && clientSecret !== undefined
    ? new identity.ClientSecretCredential(tenantId, clientId, clientSecret, options)
    : new identity.DefaultAzureCredential(options);
}

/** What became of each row: those that the error does not name were stored. */
function outcomesOf(
  error: unknown,
  rows: readonly JsonObject[],
  where: Where,
  now: number,
): readonly RecordOutcome[] {
  const failures: unknown = Reflect.get(Object(error), "errors");
  if (!(error instanceof Error) || error.name !== "AggregateLogsUploadError") {
    throw toAzureFailure(error, where, now);
  }
  const outcomes = new Map<unknown, RecordOutcome>();
  for (const failure of Array.isArray(failures) ? failures : []) {
    const { cause, failedLogs } = Object(failure);
    const outcome = toAzureFailure(cause, where, now);
    if (!Array.isArray(failedLogs) || failedLogs.length >= rows.length) throw outcome;
    for (const row of failedLogs) outcomes.set(row, outcome);
  }
  if (outcomes.size === 0) throw toAzureFailure(error, where, now);
  return rows.map((row) => outcomes.get(row));
}

type SendRequest = LogsIngestionClient["pipeline"]["sendRequest"];

/** Of @azure/core-rest-pipeline, which the client itself is made of. */
interface PipelineParts {
  createDefaultHttpClient(): Parameters<SendRequest>[0];
  createHttpHeaders(headers: Readonly<Record<string, string>>): object;
  createPipelineRequest(request: object): Parameters<SendRequest>[1];
}

function pipelineParts(): PipelineParts {
  const fromHere = createRequire(import.meta.url);
  const fromClient = createRequire(fromHere.resolve(ingestionPackage));
  return fromClient("@azure/core-rest-pipeline");
}

function toJson(text: string | null | undefined) {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}
