import { randomBytes } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { type AzureSignIn, answerSignIn } from "./azure-logs-sign-in.ts";
import { createTestCertificate } from "./certificate.ts";
import { createFaultBook, type FaultTerms } from "./fault-book.ts";
import {
  type Answering,
  createHttpReceiver,
  type HttpAnswer,
  type Misbehaviour,
  type ReceivedRequest,
} from "./http.ts";
import { createSlidingBook } from "./limit-book.ts";

export interface AzureStream {
  /** Columns that the rule declares; others are dropped. @default all that come */
  readonly columns?: readonly string[] | undefined;
  /** Of a table with the plan "Auxiliary": a call may span 30 minutes. @default false */
  readonly auxiliary?: boolean | undefined;
}

export interface AzureLogsReceiverOptions {
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** Immutable id of its data collection rule. @default "dcr-0123456789abcdef0123456789abcdef" */
  readonly dcr?: string | undefined;
  /** Streams of the rule. @default { "Custom-PipelineEvents": {} } */
  readonly streams?: Readonly<Record<string, AzureStream>> | undefined;
  /** Whether the identity has the role on the rule. @default true */
  readonly mayPublish?: boolean | undefined;
  /** Calls in a minute. @default 12000 */
  readonly callsPerMinute?: number | undefined;
  /** Calls in a second. @default without limit */
  readonly callsPerSecond?: number | undefined;
  /** What a 429 says, in seconds; `null` for no Retry-After. @default 1 */
  readonly retryAfter?: number | null | undefined;
}

/** Something that goes wrong with an upload or a sign-in. */
export interface AzureLogsFault extends FaultTerms<"upload" | "token"> {
  /** Instead of the right answer: a status, or no answer that means anything. 502, 503 and 504 are said by a gateway, in HTML. */
  readonly answer: number | Misbehaviour;
  /** Names in lower case, such as `retry-after`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Whether what was asked is done all the same. @default false */
  readonly effect?: boolean | undefined;
}

/** An upload that came, whatever became of it. */
export interface AzureLogsCall {
  readonly status: number | string;
  readonly rows: number;
  /** Of the body, before and after it was unpacked. */
  readonly packed: number;
  readonly bytes: number;
}

/** A row as a table gets it. */
export type AzureRow = Readonly<Record<string, unknown>>;

/** A server on this machine that behaves as Logs Ingestion of Azure Monitor, and as Microsoft Entra ID for it. */
export interface AzureLogsReceiver extends AsyncDisposable {
  /** Such as `https://127.0.0.1:40123`. */
  readonly url: string;
  /** PEM of the authority that its certificate is signed by. */
  readonly ca: string;
  readonly dcr: string;
  readonly signIn: AzureSignIn;
  readonly requests: readonly ReceivedRequest[];
  readonly calls: readonly AzureLogsCall[];
  /** Rows by stream. */
  readonly rows: Readonly<Record<string, readonly AzureRow[]>>;
  /** How many connections are open. */
  readonly open: number;
  /** Goes wrong from now on, until disposed of. */
  fault(fault: AzureLogsFault): Disposable;
}

/** The limits of Logs Ingestion in Azure Monitor's service limits. */
const mostBytes = 1_048_576;
const mostFieldBytes = 65_536;
const auxiliarySpanMs = 30 * 60_000;

/**
 * Starts a receiver over HTTPS with a certificate of its own: sign-in by client secret, uploads with every limit, errors
 * as Azure words them. As Microsoft's pages on the Logs Ingestion API and its limits describe them.
 * @example
 * await using logs = await createAzureLogsReceiver();
 */
export async function createAzureLogsReceiver(
  options: AzureLogsReceiverOptions = {},
): Promise<AzureLogsReceiver> {
  const { now = Date.now, dcr = "dcr-0123456789abcdef0123456789abcdef", retryAfter = 1 } = options;
  const { streams = { "Custom-PipelineEvents": {} }, mayPublish = true } = options;
  const { callsPerMinute = 12_000, callsPerSecond = Number.POSITIVE_INFINITY } = options;
  const certificate = createTestCertificate();
  const signIn: AzureSignIn = {
    tenantId: "0b1f6a2c-7d5e-4c3b-9a8f-1e2d3c4b5a69",
    clientId: "5f0c1d2e-3b4a-4968-8778-695a4b3c2d1e",
    clientSecret: `~Q8${randomBytes(18).toString("base64url")}`,
  };
  const tokens = new Map<string, number>();
  const faults = createFaultBook<"upload" | "token", AzureLogsFault>();
  const rate = createSlidingBook();
  const rows: Record<string, AzureRow[]> = {};
  for (const name of Object.keys(streams)) rows[name] = [];
  const calls: AzureLogsCall[] = [];
  let origin = "";

  const upload = (request: ReceivedRequest, body: Buffer): HttpAnswer => {
    const url = new URL(request.path, origin);
    const [, , rule, , stream = ""] = url.pathname.split("/").map(decodeURIComponent);
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
    if ((tokens.get(token) ?? 0) <= now()) {
      return failure(401, "InvalidToken", "The token is missing, not valid or has expired.");
    }
    if (url.searchParams.get("api-version") !== "2023-01-01") {
      return failure(400, "InvalidApiVersion", "The api-version query parameter is not valid.");
    }
    if (rule !== dcr) {
      return failure(
        404,
        "NotFound",
        `Data collection rule with immutable Id '${rule}' not found.`,
      );
    }
    if (!mayPublish) {
      return failure(
        403,
        "OperationFailed",
        "The authentication token provided does not have access to ingest data for the data collection rule.",
      );
    }
    if (request.body.length > mostBytes || body.length > mostBytes) {
      return failure(
        413,
        "ContentLengthLimitExceeded",
        `Maximum allowed content length: ${mostBytes} bytes (1 MB).`,
      );
    }
    const declared = Object.hasOwn(streams, stream) ? streams[stream] : undefined;
    const table = rows[stream];
    if (declared === undefined || table === undefined) {
      return failure(400, "InvalidStream", `Data collection rule has no stream '${stream}'.`);
    }
    const given = parseRows(body);
    if (given === undefined) {
      return failure(400, "InvalidPayload", "The payload is no JSON array of objects.");
    }
    const times = given.map(({ TimeGenerated }) => Date.parse(String(TimeGenerated)));
    const span = Math.max(...times) - Math.min(...times);
    if (declared.auxiliary === true && span > auxiliarySpanMs) {
      return failure(400, "InvalidTimeSpan", "TimeGenerated spans more than 30 minutes.");
    }
    for (const row of given) table.push(toRow(row, declared));
    return { status: 204 };
  };

  const answerUpload = (request: ReceivedRequest, body: Buffer): Answering => {
    const windows = [
      { count: callsPerMinute, windowMs: 60_000 },
      { count: callsPerSecond, windowMs: 1000 },
    ];
    if (!rate.take(windows, now())) {
      const headers = retryAfter === null ? {} : { "retry-after": String(retryAfter) };
      return failure(429, "RateLimitExceeded", "Requests exceed the limit of the rule.", headers);
    }
    const fault = faults.due("upload");
    if (fault === undefined) return upload(request, body);
    if (fault.effect === true) upload(request, body);
    return wrongAnswer(fault);
  };

  const receiver = await createHttpReceiver({
    tls: { key: certificate.key, cert: certificate.cert },
    respond(request) {
      if (!request.path.startsWith("/dataCollectionRules/")) {
        const fault = faults.due("token");
        if (fault !== undefined) return wrongAnswer(fault);
        return answerSignIn(request, { origin, signIn, tokens, now: now() });
      }
      const body = unpack(request);
      const answering = answerUpload(request, body);
      const status = typeof answering === "object" ? Object(answering).status : answering;
      const count = parseRows(body)?.length ?? 0;
      calls.push({ status, rows: count, packed: request.body.length, bytes: body.length });
      return answering;
    },
  });
  origin = receiver.url;

  return {
    url: receiver.url,
    ca: certificate.cert,
    dcr,
    signIn,
    requests: receiver.requests,
    calls,
    rows,
    get open() {
      return receiver.open;
    },
    fault: (fault) => faults.add(fault),
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
}

function unpack({ headers, body }: ReceivedRequest): Buffer {
  if (headers["content-encoding"] !== "gzip") return body;
  try {
    return gunzipSync(body, { maxOutputLength: 16 * 1024 ** 2 });
  } catch {
    return Buffer.alloc(0);
  }
}

function parseRows(body: Buffer): readonly AzureRow[] | undefined {
  try {
    const rows: unknown = JSON.parse(body.toString());
    const isRow = (row: unknown) => typeof row === "object" && row !== null && !Array.isArray(row);
    return Array.isArray(rows) && rows.every(isRow) ? rows : undefined;
  } catch {
    return undefined;
  }
}

/** As the table gets it: declared columns only, and of each as much as a column holds. */
function toRow(row: AzureRow, { columns }: AzureStream): AzureRow {
  const entries = Object.entries(row).filter(([name]) => columns?.includes(name) ?? true);
  return Object.fromEntries(entries.map(([name, value]) => [name, toField(value)]));
}

function toField(value: unknown): unknown {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (Buffer.byteLength(text) <= mostFieldBytes) return value;
  return Buffer.from(text).toString("utf8", 0, mostFieldBytes);
}

function failure(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer {
  const body = JSON.stringify({ error: { code, message } });
  return { status, headers: { "content-type": "application/json", ...headers }, body };
}

function wrongAnswer({ answer, headers = {} }: AzureLogsFault): Answering {
  if (typeof answer !== "number") return answer;
  if (![502, 503, 504].includes(answer)) return failure(answer, "AsTold", "as told", headers);
  const body = `<html><h1>${answer} from a gateway</h1></html>`;
  return { status: answer, headers: { "content-type": "text/html", ...headers }, body };
}
