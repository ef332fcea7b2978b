import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import { createTestCertificate } from "./certificate.ts";
import { createFaultBook, type FaultTerms } from "./fault-book.ts";
import {
  type GrpcFailure,
  type RawEntry,
  type RawRequest,
  type Refused,
  toEntry,
  whyRefused,
  whyUnknown,
} from "./google-logging-entry.ts";
import { type GoogleLogEntry, lengthsOf } from "./google-logging-wire.ts";
import { createSlidingBook } from "./limit-book.ts";

export type { GoogleLogEntry } from "./google-logging-wire.ts";

export interface GoogleLoggingReceiverOptions {
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** Projects that are there. @default ["pipehooks-test"] */
  readonly projects?: readonly string[] | undefined;
  /** Bytes in a second; more are RESOURCE_EXHAUSTED. @default 300 MB in a minute */
  readonly bytesPerSecond?: number | undefined;
  /** Requests in a second. @default without limit */
  readonly callsPerSecond?: number | undefined;
  /** How long entries are kept, in days. @default 30 */
  readonly retentionDays?: number | undefined;
  /**
   * Speaks TLS with a certificate of its own ({@link GoogleLoggingReceiver.ca}), and wants a bearer token that one of
   * {@link GoogleLoggingReceiverOptions.serviceAccounts} signed. @default false
   */
  readonly tls?: boolean | undefined;
  /** Public keys (PEM) by the account's address. */
  readonly serviceAccounts?: Readonly<Record<string, string>> | undefined;
}

export type { GrpcFailure } from "./google-logging-entry.ts";

/** Something that goes wrong. */
export interface GoogleLoggingFault extends FaultTerms<"WriteLogEntries"> {
  /** Instead of the right answer: a code, none at all, a cut connection, or bytes that are no HTTP/2. */
  readonly answer: GrpcFailure | "never" | "cut" | "garbage";
  /** Whether what was asked is done all the same. @default false */
  readonly effect?: boolean | undefined;
}

/** A call that came, whatever became of it. */
export interface GoogleLoggingCall {
  readonly entries: number;
  /** Of the message on the wire. */
  readonly bytes: number;
  /** The name of the code, or `undefined` where all was written. */
  readonly refused: string | undefined;
  readonly dryRun: boolean;
}

/** A server on this machine that behaves as Cloud Logging. */
export interface GoogleLoggingReceiver extends AsyncDisposable {
  /** Such as `http://127.0.0.1:40123`; gRPC, in plain text without `tls`. */
  readonly url: string;
  readonly port: number;
  /** With `tls`: PEM of the authority that its certificate is signed by. */
  readonly ca: string;
  readonly calls: readonly GoogleLoggingCall[];
  /** Entries as they came, doubles included. */
  readonly written: readonly GoogleLogEntry[];
  /** Entries as a query shows them: of those with equal log, timestamp and insertId one. */
  readonly entries: readonly GoogleLogEntry[];
  /** How many were taken and not kept: they were older than the retention. */
  readonly forgotten: number;
  /** How many connections are open. */
  readonly open: number;
  /** Goes wrong from now on, until disposed of. */
  fault(fault: GoogleLoggingFault): Disposable;
}

const day = 86_400_000;
/** As https://docs.cloud.google.com/logging/quotas says. */
const mostRequestBytes = 10_000_000;

/**
 * Starts a receiver of google.logging.v2.LoggingServiceV2/WriteLogEntries over gRPC, by the protocol buffers that Google
 * publishes: limits, partial errors, doubles, retention, quota. Needs `@grpc/grpc-js` and `@google-cloud/logging-api`.
 * @example
 * await using logging = await createGoogleLoggingReceiver();
 */
export async function createGoogleLoggingReceiver(
  options: GoogleLoggingReceiverOptions = {},
): Promise<GoogleLoggingReceiver> {
  const {
    now = Date.now,
    projects = ["pipehooks-test"],
    retentionDays = 30,
    tls = false,
  } = options;
  const { bytesPerSecond = 5_000_000, callsPerSecond = Number.POSITIVE_INFINITY } = options;
  const grpc = await import("@grpc/grpc-js");
  const { google } = (await import("@google-cloud/logging-api/build/protos/protos.js")).default;
  const { WriteLogEntriesRequest, WriteLogEntriesResponse, WriteLogEntriesPartialErrors } =
    google.logging.v2;
  const faults = createFaultBook<"WriteLogEntries", GoogleLoggingFault>();
  const rate = createSlidingBook();
  const written: GoogleLogEntry[] = [];
  const calls: GoogleLoggingCall[] = [];
  const spent: { readonly at: number; readonly bytes: number }[] = [];
  const sockets = new Set<Socket>();
  let forgotten = 0;

  const refuse = (code: GrpcFailure, details: string, partial?: Map<number, Refused>) => {
    const metadata = new grpc.Metadata();
    if (partial !== undefined) {
      const errors = {
        logEntryErrors: Object.fromEntries(
          [...partial].map(([i, e]) => [i, { code: grpc.status[e.code], message: e.details }]),
        ),
      };
      const detail = {
        type_url: "type.googleapis.com/google.logging.v2.WriteLogEntriesPartialErrors",
        value: WriteLogEntriesPartialErrors.encode(errors).finish(),
      };
      const status = { code: grpc.status[code], message: details, details: [detail] };
      const bytes = google.rpc.Status.encode(status).finish();
      metadata.set("grpc-status-details-bin", Buffer.from(bytes));
    }
    return { code: grpc.status[code], details, metadata, name: code };
  };

  const isOverQuota = (bytes: number): boolean => {
    const at = now();
    while (spent[0] !== undefined && spent[0].at <= at - 1000) spent.shift();
    const sum = spent.reduce((total, each) => total + each.bytes, 0);
    if (!rate.take([{ count: callsPerSecond, windowMs: 1000 }], at)) return true;
    if (spent.length > 0 && sum + bytes > bytesPerSecond) return true;
    spent.push({ at, bytes });
    return false;
  };

  /** Writes what can be written; says what the answer is. */
  const perform = (raw: Buffer, authorization: string | undefined) => {
    const unknown = !tls ? undefined : whyUnknown(authorization, options.serviceAccounts, now());
    if (unknown !== undefined) return refuse("UNAUTHENTICATED", unknown);
    if (raw.length > mostRequestBytes) {
      return refuse(
        "INVALID_ARGUMENT",
        `Request payload size exceeds the limit: ${mostRequestBytes} bytes.`,
      );
    }
    const message = WriteLogEntriesRequest.decode(raw);
    const request = WriteLogEntriesRequest.toObject(message, {
      enums: String,
      longs: Number,
      oneofs: true,
      defaults: true,
    });
    const sizes = lengthsOf(raw, 4);
    if (sizes.length === 0) return refuse("INVALID_ARGUMENT", "The request has no entries.");
    const errors = new Map<number, Refused>();
    const good: GoogleLogEntry[] = [];
    for (const [index, given] of (request.entries as readonly RawEntry[]).entries()) {
      const entry = toEntry(given, request as RawRequest, now());
      const wrong = whyRefused(entry, { bytes: sizes[index] ?? 0, projects, now: now() });
      if (wrong === undefined) good.push(entry);
      else errors.set(index, wrong);
    }
    const [first] = errors.values();
    if (first !== undefined && request.partialSuccess !== true)
      return refuse(first.code, first.details);
    if (request.dryRun !== true) {
      const kept = good.filter(
        ({ timestamp }) => Date.parse(timestamp) >= now() - retentionDays * day,
      );
      forgotten += good.length - kept.length;
      for (const entry of kept) written.push(entry);
    }
    return first === undefined ? undefined : refuse(first.code, first.details, errors);
  };

  const handle = (call: ServerUnaryCall<Buffer, object>, answer: sendUnaryData<object>): void => {
    const raw = call.request;
    const entries = lengthsOf(raw, 4).length;
    const authorization = call.metadata.get("authorization")[0]?.toString();
    const { dryRun } = WriteLogEntriesRequest.decode(raw);
    const note = (refused: string | undefined) =>
      void calls.push({ entries, bytes: raw.length, refused, dryRun });
    if (isOverQuota(raw.length)) {
      note("RESOURCE_EXHAUSTED");
      answer(
        refuse("RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Log ingestion volume'"),
      );
      return;
    }
    const fault = faults.due("WriteLogEntries");
    if (fault !== undefined) {
      note(fault.answer);
      if (fault.effect === true) perform(raw, authorization);
      if (fault.answer === "never") return;
      if (fault.answer === "cut" || fault.answer === "garbage") {
        for (const socket of sockets) {
          if (fault.answer === "garbage") socket.end("SSH-2.0-OpenSSH_9.9\r\n");
          else socket.destroy();
        }
        return;
      }
      answer(refuse(fault.answer, "as told"));
      return;
    }
    const refusal = perform(raw, authorization);
    note(refusal?.name);
    if (refusal === undefined) answer(null, {});
    else answer(refusal);
  };

  const server = new grpc.Server({ "grpc.max_receive_message_length": 64 * 1024 ** 2 });
  const service = {
    WriteLogEntries: {
      path: "/google.logging.v2.LoggingServiceV2/WriteLogEntries",
      requestStream: false,
      responseStream: false,
      requestSerialize: (bytes: Buffer) => bytes,
      requestDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: (answer: object) =>
        Buffer.from(WriteLogEntriesResponse.encode(answer).finish()),
      responseDeserialize: (bytes: Buffer) => WriteLogEntriesResponse.decode(bytes),
    },
  };
  server.addService(service, { WriteLogEntries: handle });
  const certificate = createTestCertificate();
  const pair = {
    private_key: Buffer.from(certificate.key),
    cert_chain: Buffer.from(certificate.cert),
  };
  const credentials = tls
    ? grpc.ServerCredentials.createSsl(null, [pair])
    : grpc.ServerCredentials.createInsecure();
  const inner = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", credentials, (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });

  // Before the server stands a relay: gRPC's own does not let go of a connection.
  const relay = createServer((socket) => {
    const onward = connect(inner, "127.0.0.1");
    sockets.add(socket);
    for (const end of [socket, onward]) end.setNoDelay(true);
    socket.on("close", () => {
      sockets.delete(socket);
      onward.destroy();
    });
    onward.on("close", () => socket.destroy());
    socket.on("error", () => {});
    onward.on("error", () => {});
    socket.pipe(onward).pipe(socket);
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  const { port } = relay.address() as AddressInfo;

  return {
    url: `${tls ? "https" : "http"}://127.0.0.1:${port}`,
    port,
    ca: certificate.cert,
    calls,
    written,
    get entries() {
      const byKey = written.map(
        (entry) => [`${entry.logName} ${entry.timestamp} ${entry.insertId}`, entry] as const,
      );
      return [...new Map(byKey).values()];
    },
    get forgotten() {
      return forgotten;
    },
    get open() {
      return sockets.size;
    },
    fault: (fault) => faults.add(fault),
    async [Symbol.asyncDispose]() {
      server.forceShutdown();
      if (!relay.listening) return;
      const closed = new Promise((resolve) => relay.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
