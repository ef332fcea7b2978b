import { checkSignature } from "./cloudwatch-logs-signature.ts";
import {
  batchBytes,
  type CloudWatchAnswer,
  type CloudWatchEvent,
  type CloudWatchGroup,
  CloudWatchRefusal,
  createLogGroup,
  createLogStream,
  describeLogStreams,
  putLogEvents,
  putRetentionPolicy,
} from "./cloudwatch-logs-store.ts";
import { createFaultBook, type FaultTerms } from "./fault-book.ts";
import {
  type Answering,
  createHttpReceiver,
  type HttpAnswer,
  type Misbehaviour,
  type ReceivedRequest,
} from "./http.ts";
import { createSlidingBook } from "./limit-book.ts";

export type { CloudWatchEvent, CloudWatchGroup } from "./cloudwatch-logs-store.ts";

export type CloudWatchOperation =
  | "PutLogEvents"
  | "CreateLogGroup"
  | "CreateLogStream"
  | "PutRetentionPolicy"
  | "DescribeLogStreams";

export interface CloudWatchLogsReceiverOptions {
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** Groups that are there, with the days that they keep events; `null` for ever. @default none */
  readonly groups?: Readonly<Record<string, number | null>> | undefined;
  /** Secret access keys by access key id. @default one, {@link CloudWatchLogsReceiver.credentials} */
  readonly keys?: Readonly<Record<string, string>> | undefined;
  /** What the caller is not allowed. @default nothing */
  readonly denied?: readonly CloudWatchOperation[] | undefined;
  /** PutLogEvents in a second; more are throttled. @default 5000 */
  readonly callsPerSecond?: number | undefined;
}

/** Something that goes wrong. */
export interface CloudWatchFault extends FaultTerms<CloudWatchOperation> {
  /**
   * Instead of the right answer: a status, the name of an error (`ThrottlingException`, answered 400), or no answer that
   * means anything. 502, 503 and 504 are said by a gateway, in HTML.
   */
  readonly answer: number | `${string}Exception` | Misbehaviour;
  /** Names in lower case, such as `retry-after`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Whether what was asked is done all the same. @default false */
  readonly effect?: boolean | undefined;
}

/** A call that came, whatever became of it. */
export interface CloudWatchCall {
  readonly operation: string;
  /** The name of the error, or `undefined` where it was done. */
  readonly refused: string | undefined;
  /** Of PutLogEvents: events, and bytes as they count there. */
  readonly events: number;
  readonly bytes: number;
}

/** A server on this machine that behaves as CloudWatch Logs. */
export interface CloudWatchLogsReceiver extends AsyncDisposable {
  /** Such as `http://127.0.0.1:40123`. */
  readonly url: string;
  /** What it takes. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly requests: readonly ReceivedRequest[];
  readonly calls: readonly CloudWatchCall[];
  readonly groups: ReadonlyMap<string, CloudWatchGroup>;
  /** All events of all streams, in the order of their arrival in each. */
  readonly events: readonly CloudWatchEvent[];
  /** How many connections are open. */
  readonly open: number;
  /** Goes wrong from now on, until disposed of. */
  fault(fault: CloudWatchFault): Disposable;
}

const json = { "content-type": "application/x-amz-json-1.1" };
const secret = "wJalrXUtnFEMI/K7MDENG+pipehooks/testKEY0";

/**
 * Starts a receiver with the five operations that writing takes: AWS JSON 1.1 with Signature Version 4, every limit of
 * PutLogEvents, rejected indexes, throttling. As the API reference of CloudWatch Logs describes them.
 * @example
 * await using logs = await createCloudWatchLogsReceiver({ groups: { "/pipelines/prod": null } });
 */
export async function createCloudWatchLogsReceiver(
  options: CloudWatchLogsReceiverOptions = {},
): Promise<CloudWatchLogsReceiver> {
  const { now = Date.now, denied = [], callsPerSecond = 5000 } = options;
  const keys = new Map(Object.entries(options.keys ?? { AKIAPIPEHOOKSTEST001: secret }));
  const groups = new Map<string, CloudWatchGroup>();
  for (const [name, days] of Object.entries(options.groups ?? {})) {
    groups.set(name, { retentionDays: days ?? undefined, streams: new Map() });
  }
  const faults = createFaultBook<CloudWatchOperation, CloudWatchFault>();
  const rate = createSlidingBook();
  const calls: CloudWatchCall[] = [];

  const perform = (
    operation: CloudWatchOperation,
    input: Record<string, unknown>,
  ): CloudWatchAnswer => {
    switch (operation) {
      case "PutLogEvents":
        return putLogEvents(groups, input, now());
      case "CreateLogGroup":
        return createLogGroup(groups, input);
      case "CreateLogStream":
        return createLogStream(groups, input);
      case "PutRetentionPolicy":
        return putRetentionPolicy(groups, input);
      case "DescribeLogStreams":
        return describeLogStreams(groups, input);
    }
  };

  const answer = (
    request: ReceivedRequest,
  ): { readonly answering: Answering; readonly refused?: string } => {
    const refuse = (
      type: string,
      message: string,
      headers: Readonly<Record<string, string>> = {},
    ) => ({
      answering: refusal(type, message, headers),
      refused: type,
    });
    const target = request.headers["x-amz-target"] ?? "";
    const operation = /^Logs_20140328\.(\w+)$/.exec(target)?.[1];
    if (
      request.method !== "POST" ||
      request.headers["content-type"] !== json["content-type"] ||
      !isKnown(operation)
    ) {
      return refuse("UnknownOperationException", "");
    }
    const unsigned = checkSignature(request, keys);
    if (unsigned !== undefined) return refuse(unsigned.type, unsigned.message);
    if (denied.includes(operation)) {
      return refuse(
        "AccessDeniedException",
        `User is not authorized to perform: logs:${operation}`,
      );
    }
    if (
      operation === "PutLogEvents" &&
      !rate.take([{ count: callsPerSecond, windowMs: 1000 }], now())
    ) {
      return refuse("ThrottlingException", "Rate exceeded");
    }
    const input: unknown = JSON.parse(request.text);
    const fault = faults.due(operation);
    try {
      const done =
        fault === undefined || fault.effect === true ? perform(operation, Object(input)) : {};
      if (fault === undefined) return { answering: { headers: json, body: JSON.stringify(done) } };
    } catch (error) {
      if (error instanceof CloudWatchRefusal) return refuse(error.type, error.message);
      throw error;
    }
    return { answering: wrongAnswer(fault), refused: String(fault.answer) };
  };

  const receiver = await createHttpReceiver({
    respond(request) {
      const { answering, refused } = answer(request);
      const operation = (request.headers["x-amz-target"] ?? "").replace(/^.*\./, "");
      const { logEvents } = Object(
        operation === "PutLogEvents" ? JSON.parse(request.text) : undefined,
      );
      const events: readonly CloudWatchEvent[] = Array.isArray(logEvents) ? logEvents : [];
      calls.push({ operation, refused, events: events.length, bytes: batchBytes(events) });
      return answering;
    },
  });
  const [accessKeyId = "", secretAccessKey = ""] = [...keys][0] ?? [];

  return {
    url: receiver.url,
    credentials: { accessKeyId, secretAccessKey },
    requests: receiver.requests,
    calls,
    groups,
    get events() {
      return [...groups.values()].flatMap(({ streams }) => [...streams.values()].flat());
    },
    get open() {
      return receiver.open;
    },
    fault: (fault) => faults.add(fault),
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
}

const operations: ReadonlySet<string> = new Set<CloudWatchOperation>([
  "PutLogEvents",
  "CreateLogGroup",
  "CreateLogStream",
  "PutRetentionPolicy",
  "DescribeLogStreams",
]);

function isKnown(operation: string | undefined): operation is CloudWatchOperation {
  return operations.has(operation ?? "");
}

function refusal(
  type: string,
  message: string,
  headers: Readonly<Record<string, string>>,
): HttpAnswer {
  const status = type === "ServiceUnavailableException" ? 503 : 400;
  return {
    status,
    headers: { ...json, ...headers },
    body: JSON.stringify({ __type: `com.amazonaws.cloudwatchlogs#${type}`, message }),
  };
}

function wrongAnswer({ answer, headers = {} }: CloudWatchFault): Answering {
  if (typeof answer === "number") {
    if (![502, 503, 504].includes(answer)) {
      return { status: answer, headers: { ...json, ...headers }, body: "{}" };
    }
    const body = `<html><h1>${answer} from a gateway</h1></html>`;
    return { status: answer, headers: { "content-type": "text/html", ...headers }, body };
  }
  // The names of errors end so, those of misbehaviours do not.
  return answer.endsWith("Exception")
    ? refusal(answer, "as told", headers)
    : (answer as Misbehaviour);
}
