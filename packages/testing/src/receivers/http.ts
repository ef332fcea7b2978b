import {
  createServer as createHttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { gzipSync } from "node:zlib";
import type { JsonValue } from "@pipehooks/core";

/** A request as it arrived. */
export interface ReceivedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Names in lower case; repeated ones joined as node:http does. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The raw bytes. */
  readonly body: Buffer;
  readonly text: string;
  /** Milliseconds since the epoch, when the last byte had come. */
  readonly at: number;
  /** Counts connections from 1: equal numbers came over one socket. */
  readonly connection: number;
}

/**
 * What goes wrong instead of an answer: `never` answers nothing; `cut` closes after the request was read; `garbage` is
 * no HTTP; `drip` sends the answer one byte a second, `drip-body` only its body, `endless` a body without end; `gzip-bomb`
 * is 20 KB that unpack to 20 MB; `huge-headers` has 1 MB of them; `short` promises more body than it sends.
 */
export type Misbehaviour =
  | "never"
  | "cut"
  | "garbage"
  | "drip"
  | "drip-body"
  | "endless"
  | "gzip-bomb"
  | "huge-headers"
  | "short";

export interface HttpAnswer {
  /** @default 200 */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
}

/** An answer, a status alone, or what goes wrong. */
export type Answering = number | HttpAnswer | Misbehaviour;

/** One answering for all, a list of which the last stays, or a function of the request and its number from 0. */
export type Respond =
  | Answering
  | readonly Answering[]
  | ((request: ReceivedRequest, index: number) => Answering | Promise<Answering>);

export interface HttpReceiverOptions {
  /** PEM texts; with `ca`, a client certificate signed by it is asked for and required. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly ca?: string };
  /** @default 200 */
  readonly respond?: Respond;
}

/** A real HTTP server on this machine that records what it gets. */
export interface HttpReceiver extends AsyncDisposable {
  /** Such as `http://127.0.0.1:40123`. */
  readonly url: string;
  readonly port: number;
  readonly requests: readonly ReceivedRequest[];
  /** How many connections were opened. */
  readonly connections: number;
  /** How many of them are open now. */
  readonly open: number;
  /** Answers differently from now on; a list starts anew. */
  respond(next: Respond): void;
  /** Resolves when so many requests have come. */
  received(count: number): Promise<void>;
}

/** Starts a receiver on a free port of the loopback interface. */
export async function createHttpReceiver(options: HttpReceiverOptions = {}): Promise<HttpReceiver> {
  const requests: ReceivedRequest[] = [];
  const sockets = new Map<Socket, number>();
  const waiting = new Set<{ readonly count: number; readonly resolve: () => void }>();
  let next = toResponder(options.respond ?? 200);
  let connections = 0;

  const onRequest = async (incoming: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const request: ReceivedRequest = {
      method: incoming.method ?? "",
      path: incoming.url ?? "",
      headers: flatten(incoming.headers),
      body,
      text: body.toString(),
      at: Date.now(),
      connection: sockets.get(incoming.socket) ?? 0,
    };
    requests.push(request);
    for (const wait of waiting) if (requests.length >= wait.count) wait.resolve();
    await answer(response, await next(request));
  };
  const listener = (incoming: IncomingMessage, response: ServerResponse) => {
    onRequest(incoming, response).catch(() => response.destroy());
  };
  const { tls } = options;
  const server =
    tls === undefined
      ? createHttpServer(listener)
      : createHttpsServer({ ...tls, requestCert: tls.ca !== undefined }, listener);
  server.on(tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
    connections += 1;
    sockets.set(socket, connections);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
  });
  // A client that refuses our certificate is no fault of the server.
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  return {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    port,
    requests,
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    respond(respond) {
      next = toResponder(respond);
    },
    received(count) {
      if (requests.length >= count) return Promise.resolve();
      return new Promise((resolve) => {
        waiting.add({ count, resolve });
      });
    },
    async [Symbol.asyncDispose]() {
      if (!server.listening) return;
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets.keys()) socket.destroy();
      server.closeAllConnections();
      await closed;
    },
  };
}

type Responder = (request: ReceivedRequest) => Answering | Promise<Answering>;

function toResponder(respond: Respond): Responder {
  let index = -1;
  return (request) => {
    index += 1;
    if (typeof respond === "function") return respond(request, index);
    if (!isList(respond)) return respond;
    return respond[Math.min(index, respond.length - 1)] ?? 200;
  };
}

// Array.isArray does not narrow readonly arrays.
function isList(respond: Answering | readonly Answering[]): respond is readonly Answering[] {
  return Array.isArray(respond);
}

function flatten(headers: IncomingMessage["headers"]): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value].flat().join(", ")]),
  );
}

async function answer(response: ServerResponse, answering: Answering): Promise<void> {
  if (typeof answering === "string") return misbehave(response, answering);
  const {
    status = 200,
    headers = {},
    body = "",
  } = typeof answering === "number" ? { status: answering } : answering;
  response.writeHead(
    status,
    Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, toHeader(v)])),
  );
  response.end(body);
}

function toHeader(value: string | readonly string[]): string | string[] {
  return typeof value === "string" ? value : [...value];
}

async function misbehave(response: ServerResponse, how: Misbehaviour): Promise<void> {
  const { socket } = response;
  if (socket === null) return;
  switch (how) {
    case "never":
      return;
    case "cut":
      socket.destroy();
      return;
    case "garbage":
      socket.end("SSH-2.0-OpenSSH_9.9\r\nthis is no HTTP\r\n\r\n");
      return;
    case "short":
      socket.end("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nnot all of it");
      return;
    case "drip":
      drip(socket, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
      return;
    case "drip-body":
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
      drip(socket, "x".repeat(1000));
      return;
    case "huge-headers":
      socket.end(
        `HTTP/1.1 200 OK\r\nx-huge: ${"x".repeat(1024 ** 2)}\r\ncontent-length: 0\r\n\r\n`,
      );
      return;
    case "gzip-bomb":
      response.writeHead(200, { "content-encoding": "gzip" });
      response.end(bomb());
      return;
    case "endless":
      response.writeHead(200);
      await flood(response);
  }
}

function drip(socket: Socket, text: string): void {
  let at = 0;
  const timer = setInterval(() => {
    if (at >= text.length || socket.destroyed) clearInterval(timer);
    else socket.write(text[at] ?? "");
    at += 1;
  }, 1000);
  socket.on("close", () => clearInterval(timer));
  socket.write(text[at] ?? "");
  at += 1;
}

async function flood(response: ServerResponse): Promise<void> {
  const chunk = Buffer.alloc(16 * 1024, "x");
  while (!response.destroyed) {
    if (response.write(chunk)) await new Promise((resolve) => setImmediate(resolve));
    else {
      await new Promise((resolve) => {
        response.once("drain", resolve);
        response.once("close", resolve);
      });
    }
  }
}

let packed: Buffer | undefined;

function bomb(): Buffer {
  packed ??= gzipSync(Buffer.alloc(20 * 1024 ** 2));
  return packed;
}

/** A value as JSON. */
export function jsonAnswer(
  status: number,
  body: JsonValue,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer {
  return {
    status,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  };
}
