import { createServer, request as forward, type IncomingMessage } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";

export interface ForwardProxy extends AsyncDisposable {
  readonly url: string;
  /** What it was asked for: `CONNECT 127.0.0.1:443` or `POST http://…`. */
  readonly seen: readonly string[];
}

/** A small real HTTP proxy: tunnels by CONNECT, forwards the rest. */
export async function createForwardProxy(options: {
  readonly credentials?: string;
  readonly refuseWith?: number;
  /** What it says of a tunnel that is open. @default 200 */
  readonly tunnelStatus?: number;
  readonly tls?: { readonly cert: string; readonly key: string };
}): Promise<ForwardProxy> {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const server = options.tls === undefined ? createServer() : createSecureServer(options.tls);
  const refusal = ({ headers }: IncomingMessage) => {
    const expected = `Basic ${Buffer.from(options.credentials ?? "").toString("base64")}`;
    const isKnown =
      options.credentials === undefined || headers["proxy-authorization"] === expected;
    return isKnown ? options.refuseWith : 407;
  };
  server.on("connect", (request: IncomingMessage, client: Socket) => {
    seen.push(`CONNECT ${request.url}`);
    client.on("error", () => {});
    const status = refusal(request);
    if (status !== undefined) {
      client.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const { hostname, port } = new URL(`http://${request.url}`);
    const upstream = connect(Number(port), hostname, () => {
      client.write(`HTTP/1.1 ${options.tunnelStatus ?? 200} Connection established\r\n\r\n`);
      upstream.pipe(client).pipe(upstream);
    });
    sockets.add(upstream);
    upstream.on("error", () => client.destroy());
  });
  server.on("request", (request, response) => {
    seen.push(`${request.method} ${request.url}`);
    const status = refusal(request);
    if (status !== undefined) {
      response.writeHead(status).end();
      return;
    }
    const { "proxy-authorization": _, ...headers } = request.headers;
    const upstream = forward(
      request.url ?? "",
      { method: request.method ?? "", headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    request.pipe(upstream);
  });
  server.on("connection", (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const user = options.credentials === undefined ? "" : `${encodeURI(options.credentials)}@`;
  return {
    url: `${options.tls === undefined ? "http" : "https"}://${user}127.0.0.1:${port}`,
    seen,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
